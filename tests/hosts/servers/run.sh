#!/bin/bash
# run.sh MODULE BUILD_DIR
#
# Servers with several processes on one database: Python that forks, a cluster
# of Node, PHP's own server with workers, each once on a plain file in WAL mode
# and once on an actor. What they wrote must be the same, and no request fail.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
module=$(readlink -f "$1")
mkdir -p "$2"
build=$(cd "$2" && pwd)
run=$(mktemp -d)
server=
# Only the group of the server that was begun here.
end_server() {
  [ -z "$server" ] || kill -TERM -- "-$server" 2>/dev/null || true
  [ -z "$server" ] || wait "$server" 2>/dev/null || true
  server=
}
trap 'end_server; rm -rf "$run"' EXIT
requests=400
nodejs=/usr/lib/$(gcc -print-multiarch)/nodejs
export NODE_PATH=${NODE_PATH:-}:/usr/share/nodejs:$nodejs
# Debian's module of SQLite goes with Debian's Node alone.
has_node=1
node -e 'require("sqlite3")' 2>/dev/null || has_node=
[ -n "$has_node" ] || echo "cluster: left out, no node with sqlite3 here"

fail() {
  echo "$1"
  tail -20 "$build/servers.log"
  exit 1
}

# ask KIND DATABASE SQL: by the shell, as the kind of the database needs.
ask() {
  if [ "$1" = files ]; then
    sqlite3 -batch -bail "$2" "$3"
  else
    printf ".load %s\n.open '%s'\n%s;\n" "$module" "$2" "$3" |
      sqlite3 -batch -bail
  fi
}

free_port() {
  /usr/bin/python3 -c 'import socket
with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    print(s.getsockname()[1])'
}

# begin COMMAND...: a server in a group of its own.
begin() {
  setsid "$@" >>"$build/servers.log" 2>&1 &
  server=$!
}

# drive NAME KIND DATABASE: requests to the server that was begun, and what they
# left goes to $run/NAME.KIND.
drive() {
  timeout 300 /usr/bin/python3 "$here/drive.py" "$port" "$requests" \
    >>"$build/servers.log" 2>&1 || fail "$1 on $2: a request failed"
  end_server
  ask "$2" "$3" "SELECT worker, count(*), sum(n) FROM note GROUP BY worker
    ORDER BY worker; PRAGMA integrity_check" >"$run/$1.$2"
}

: >"$build/servers.log"
for kind in files actors; do
  mkdir "$run/$kind"
  loaded=$module
  [ $kind = actors ] || loaded=
  uri() {
    if [ $kind = files ]; then echo "$run/$kind/$1"; else
      echo "file:$run/$kind/store/$1?vfs=actorkv"
    fi
  }
  for parent in none keeps closes; do
    timeout 300 /usr/bin/python3 -I "$here/prefork.py" "$loaded" \
      "$(uri prefork-$parent)" $parent >"$run/prefork-$parent.$kind" \
      2>>"$build/servers.log" || fail "prefork-$parent on $kind failed"
  done

  for name in cluster php; do
    [ $kind = actors ] || ask files "$(uri $name)" 'PRAGMA journal_mode=WAL' \
      >/dev/null
    ask $kind "$(uri $name)" 'CREATE TABLE note(worker, n)'
  done

  if [ -n "$has_node" ]; then
    port=$(free_port)
    begin node "$here/cluster.js" "$loaded" "$(uri cluster)" "$port"
    drive cluster $kind "$(uri cluster)"
  fi

  port=$(free_port)
  path=$run/$kind/php
  [ $kind = files ] || path=$run/$kind/store/php
  begin env PHP_CLI_SERVER_WORKERS=4 HOST_DATABASE="$path" \
    HOST_MODULE="${loaded:+$(basename "$module")}" \
    php -d sqlite3.extension_dir="$(dirname "$module")" \
    -S "127.0.0.1:$port" "$here/router.php"
  drive php $kind "$(uri php)"
done

for name in prefork-{none,keeps,closes} ${has_node:+cluster} php; do
  cmp "$run/$name.files" "$run/$name.actors" || {
    diff "$run/$name.files" "$run/$name.actors" || true
    fail "$name: not as on a file"
  }
  echo "$name: as on a file ($(wc -l <"$run/$name.actors") lines)"
done
