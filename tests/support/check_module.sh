#!/bin/sh
# check_module.sh MODULE
#
# The module must define one dynamic symbol, its entry point, and must not be
# linked with libsqlite3: it uses the SQLite that loads it.
set -eu
symbols=$(nm -D --defined-only "$1" | awk '{ print $3 }')
if [ "$symbols" != sqlite3_actorkv_init ]; then
  echo "the module defines:" && echo "$symbols"
  exit 1
fi
if readelf -d "$1" | grep 'NEEDED.*libsqlite3'; then exit 1; fi
readelf -d "$1" | grep -q NODELETE || { echo "not linked nodelete"; exit 1; }
echo "one symbol, no libsqlite3, stays loaded"
