#!/bin/bash
# run.sh MODULE BUILD_DIR
#
# CPython's own tests of its module sqlite3, with Debian's Python and its
# SQLite, once on plain files and once on actors: every database that a test
# opens is one, ":memory:" included. What comes of each test is compared with
# expected.txt; any other difference, in either direction, fails.
# The tests are those of the source of Debian's Python (its package of tests
# leaves them out), fetched into BUILD_DIR once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
module=$(readlink -f "$1")
mkdir -p "$2"
build=$(cd "$2" && pwd)
python=/usr/bin/python3

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
tests=$build/python$version/test_sqlite3
if [ ! -d "$tests" ]; then
  echo "fetching the source of Python $version"
  source=$build/source$version
  bash "$here/../../support/fetch_source.sh" "python$version" "$source" \
    --tar-only
  mkdir -p "$build/python$version.tmp"
  tar -xf "$source"/python"$version"_*.orig.tar.* \
    -C "$build/python$version.tmp" --strip-components=3 \
    --wildcards '*/Lib/test/test_sqlite3/*'
  mv "$build/python$version.tmp" "$build/python$version"
fi

gcc -O1 -Wall -Wextra -Werror -shared -fPIC -Wl,--no-as-needed \
  "$here/preload.c" -o "$build/preload.so" -lsqlite3

run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT

# run_on NAME [VARIABLE=VALUE...]: the outcomes go to $run/NAME.outcomes.
run_on() {
  local name=$1
  shift
  mkdir -p "$run/$name/tests" "$run/$name/memory" "$run/$name/temp"
  # No store, though a log lies in it.
  touch "$run/$name/temp/app.log"
  (
    cd "$run/$name/tests"
    env "$@" HOST_DIR="$run/$name/memory" TMPDIR="$run/$name/temp" \
      LD_PRELOAD="$build/preload.so" \
      timeout 600 "$python" -I -B "$here/run_tests.py" "$tests" \
      "$run/$name.outcomes"
  ) >"$build/$name.log" 2>&1 || {
    tail -20 "$build/$name.log"
    echo "the tests did not come to their end on $name"
    exit 1
  }
}

run_on files
run_on actors HOST_MODULE="$module"
actors=$(sqlite3 -batch :memory: ".load $module" \
  "SELECT actorkv_store('$run/actors/memory') IS NULL" \
  "SELECT count(*) FROM actorkv_actors" | tail -1)
"$python" "$here/compare.py" "$run/files.outcomes" "$run/actors.outcomes" \
  "$here/expected.txt" "$actors" || {
  echo "logs: $build/files.log $build/actors.log"
  exit 1
}
