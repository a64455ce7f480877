#!/bin/bash
# demo.sh MODULE
#
# A session of the stock sqlite3 shell with the module, in a new directory that
# is removed at the end. Shows each statement and what the shell answers, and
# ends with an error where that is not as expected. It begins with actors of
# Rivet (demo_legacy.sh); the database of the second part is made from the
# machine's own list of packages.
set -euo pipefail
module=$(readlink -f "${1%.so}.so")
here=$(dirname "$(readlink -f "$0")")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
ln -s "$module" actorkv.so

title() { printf '\n--- %s\n' "$*"; }

# session: runs the statements on standard input in a new process.
session() {
  echo "\$ sqlite3"
  sqlite3 -batch -bail -echo -cmd '.load ./actorkv' -cmd '.mode box'
}

# expect VALUE STATEMENTS: ends the demo where the shell answers otherwise.
expect() {
  local got
  got=$(printf '.load ./actorkv\n%s\n' "$2" | sqlite3 -batch -bail)
  [ "$got" = "$1" ] || {
    printf 'expected %s, got %s:\n%s\n' "$1" "$got" "$2" >&2
    exit 1
  }
}

# shellcheck source=tests/support/demo_legacy.sh
source "$here/demo_legacy.sh" "$(dirname "$here")/rivet"

title "A plain SQLite file, from this machine's packages"
format='${Package}\t${Version}\t${Installed-Size}\t${Section}\n'
dpkg-query -W -f "$format" >packages.tsv
# Each file of each package: FILENAME is .../PACKAGE.list or PACKAGE:ARCH.list.
awk '{ n = FILENAME; sub(".*/", "", n); sub("(:.*)?[.]list$", "", n)
       print n "\t" $0 }' /var/lib/dpkg/info/*.list >files.tsv
sqlite3 -batch -bail packages.db <<'SQL'
CREATE TABLE package(name TEXT, version TEXT, size_kib INT, section TEXT);
CREATE TABLE file(package TEXT, path TEXT);
.mode tabs
.import packages.tsv package
.import files.tsv file
CREATE INDEX file_package ON file(package);
SQL
ls -l packages.db | awk '{ print $5 " bytes: packages.db" }'

title "An actor: a database kept in RocksDB"
session <<'SQL'
.open 'file:demo.store/alice?vfs=actorkv'
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO note(body) VALUES ('kept in RocksDB');
SQL

title "Another process: it is all there; then one transaction over two actors"
session <<'SQL'
.open 'file:demo.store/alice?vfs=actorkv'
SELECT * FROM note;
ATTACH 'file:demo.store/bob?vfs=actorkv' AS bob;
CREATE TABLE bob.note(id INTEGER PRIMARY KEY, body TEXT);
BEGIN;
INSERT INTO main.note(body) VALUES ('sent to bob');
INSERT INTO bob.note(body) VALUES ('received from alice');
COMMIT;
SELECT 'alice' AS actor, * FROM main.note
UNION ALL SELECT 'bob', * FROM bob.note;
SQL

title "kill -9 while it writes to both: the same number of rows in both"
{
  echo ".load ./actorkv"
  echo ".open 'file:demo.store/alice?vfs=actorkv'"
  echo "ATTACH 'file:demo.store/bob?vfs=actorkv' AS bob;"
  for ((i = 1; i <= 100000; i++)); do
    echo "BEGIN; INSERT INTO main.note(body) VALUES ('transfer $i');"
    echo "INSERT INTO bob.note(body) VALUES ('transfer $i'); COMMIT;"
  done
} >transfers.sql
sqlite3 -batch <transfers.sql &
writer=$!
sleep 2
kill -9 "$writer"
wait "$writer" 2>/dev/null || true
echo "\$ kill -9 $writer"
session <<'SQL'
.open 'file:demo.store/alice?vfs=actorkv'
ATTACH 'file:demo.store/bob?vfs=actorkv' AS bob;
SELECT (SELECT count(*) FROM main.note WHERE body LIKE 'transfer%') AS alice,
       (SELECT count(*) FROM bob.note WHERE body LIKE 'transfer%') AS bob;
PRAGMA integrity_check;
SQL
expect '1|ok' ".open 'file:demo.store/alice?vfs=actorkv'
ATTACH 'file:demo.store/bob?vfs=actorkv' AS bob;
SELECT (SELECT count(*) FROM main.note WHERE body LIKE 'transfer%') =
       (SELECT count(*) FROM bob.note WHERE body LIKE 'transfer%'),
       (SELECT * FROM pragma_integrity_check);"

# shellcheck source=tests/support/demo_shells.sh
source "$here/demo_shells.sh"

title "Import the plain file, query it as an actor, export it again"
session <<'SQL'
.open 'file:demo.store/alice?vfs=actorkv'
SELECT actorkv_import('packages', 'packages.db') AS page_count;
ATTACH 'file:demo.store/packages?vfs=actorkv' AS packages;
SELECT section, count(DISTINCT name) AS packages, count(path) AS files
  FROM packages.package JOIN packages.file ON file.package = package.name
 GROUP BY section ORDER BY files DESC LIMIT 5;
PRAGMA packages.integrity_check;
SELECT actor, page_count, size_bytes, head_txid FROM actorkv_actors;
SELECT actorkv_export('packages', 'exported.db') AS bytes;
SELECT count(*) AS problems FROM actorkv_verify;
SQL
expect '4|0' ".open 'file:demo.store/alice?vfs=actorkv'
SELECT (SELECT count(*) FROM actorkv_actors),
       (SELECT count(*) FROM actorkv_verify);"

title "The export is a plain file with the same content"
dump() { sqlite3 "$1" .dump | sha256sum | cut -c1-16; }
before=$(dump packages.db)
after=$(dump exported.db)
echo "packages.db $before"
echo "exported.db $after"
[ "$before" = "$after" ]

# shellcheck source=tests/support/demo_work.sh
source "$here/demo_work.sh"
