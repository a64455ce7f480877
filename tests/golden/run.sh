#!/bin/bash
# run.sh MODULE [NAME...]
#
# Feeds each tests/golden/NAME.sql to the stock sqlite3 shell, with the module
# loaded, in a new directory with nothing but tests/rivet as rivet, and
# compares what it prints (output and errors) with NAME.sql.expected. The
# directory's path is shown as $DIR, the process number as $PID and a time of
# now as $TIME, so that texts do not depend on the run.
# UPDATE_EXPECTED=1 writes the .expected files instead.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
module=$(readlink -f "$1")
shift
if [ $# -eq 0 ]; then
  for file in "$here"/*.sql; do
    if [ -e "$file" ]; then set -- "$@" "$(basename "$file" .sql)"; fi
  done
fi

# transcript NAME: what the shell prints.
transcript() {
  local dir pid
  dir=$(readlink -f "$(mktemp -d)")
  ln -s "$module" "$dir/actorkv.so"
  ln -s "$(dirname "$here")/rivet" "$dir/rivet"
  (
    cd "$dir"
    HOME=$dir exec stdbuf -oL \
      sqlite3 -batch -cmd ".load ./actorkv" :memory: \
      <"$here/$1.sql" >.transcript 2>&1
  ) &
  pid=$!
  # A statement that fails is part of the transcript; so is a shell that dies.
  local code=0
  wait "$pid" || code=$?
  if [ "$code" -gt 128 ]; then
    echo "the shell died of signal $((code - 128))" >>"$dir/.transcript"
  fi
  local time='[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}\.[0-9]{6}Z'
  sed -E -e "s#$dir#\$DIR#g" -e "s#\b$pid\b#\$PID#g" \
    -e "s#$time#\$TIME#g" "$dir/.transcript"
  rm -rf "$dir"
}

failed=0
for name in "$@"; do
  expected=$here/$name.sql.expected
  if [ "${UPDATE_EXPECTED:-}" = 1 ]; then
    transcript "$name" >"$expected"
    echo "wrote tests/golden/$name.sql.expected"
  elif diff -u --label "expected $name" --label "printed" \
    "$expected" <(transcript "$name"); then
    echo "ok $name"
  else
    failed=$((failed + 1))
  fi
done
if [ "$failed" -gt 0 ]; then
  echo "$failed of $# golden transcripts differ. If the new text is right:"
  echo "  UPDATE_EXPECTED=1 make test"
  exit 1
fi
