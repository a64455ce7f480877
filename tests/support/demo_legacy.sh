#!/bin/bash
# demo_legacy.sh RIVET
#
# The first part of demo.sh, which sources it: actors as Rivet stores and
# exports them (RIVET is tests/rivet) come in, are migrated, queried, and go
# out again. Ends with an error where a result is not as expected.

rivet=$1
ln -s "$rivet" rivet

title "Actors from Rivet: an archive of four, and a dump in the older layout 0"
session <<'SQL'
SELECT actorkv_store('fleet.store') AS store;
SELECT actor, state, bytes, error FROM actorkv_import_all('rivet/archive');
SELECT actorkv_import('old', 'rivet/p-rk213-plain.jsonl.gz') AS page_count;
SELECT actor, layout, state, legacy_bytes FROM actorkv_actors;
SQL

title "Their key-value pairs, byte for byte as they came"
session <<'SQL'
SELECT actorkv_store('fleet.store') AS store;
SELECT actor, namespace, layout, count(*) AS pairs, sum(length(value)) AS bytes
  FROM actorkv_kv WHERE actor IN ('a2workflow', 'a3crashed', 'old')
 GROUP BY 1, 2, 3;
SQL

title "What a migration would do. Rivet died while a3crashed was writing"
session <<'SQL'
SELECT actorkv_store('fleet.store') AS store;
SELECT * FROM actorkv_migrate_plan;
SQL

title "The migration, one row for each actor as it is done"
session <<'SQL'
SELECT actorkv_store('fleet.store') AS store;
SELECT * FROM actorkv_migrate_all();
SELECT actor, state, phase_ms, repairs, attempts, error FROM actorkv_migrations;
SQL

title "Databases now; the state, queue and workflow of one as tables, too"
session <<'SQL'
SELECT actorkv_migrate('fleet.store/a2workflow', 'tables') AS state;
.open 'file:fleet.store/a2workflow?vfs=actorkv'
.tables
INSERT INTO steps(what) VALUES ('written after the migration');
SELECT * FROM steps;
SELECT (SELECT count(*) FROM _actorkv_workflow) AS workflow_pairs,
       (SELECT count(*) FROM _actorkv_queue_messages) AS queued;
ATTACH 'file:fleet.store/a3crashed?vfs=actorkv' AS crashed;
SELECT count(*) AS accounts, (SELECT count(*) FROM crashed.hist) AS history
  FROM crashed.acct;
PRAGMA crashed.integrity_check;
SQL

title "Out again: an archive in layout 1, what was written since included"
session <<'SQL'
SELECT actorkv_store('fleet.store') AS store;
SELECT actor, state, bytes, error FROM actorkv_export_all('out', 'archive');
SELECT actor, state, bytes, error
  FROM actorkv_export_all('plain', 'db') WHERE actor <> 'a2workflow';
SELECT count(*) AS problems FROM actorkv_verify;
SQL
(cd out && ls -d actors/*/*)
expect '5|0' ".open 'file:fleet.store/old?vfs=actorkv'
SELECT (SELECT count(*) FROM actorkv_migrations WHERE state = 'live'),
       (SELECT count(*) FROM actorkv_verify);"

title "Each database has the content that Rivet's data stand for"
sum_of() {
  "$rivet/dbsum.py" "$1" | sed -n 's/.*"content_sha256": "\(.*\)".*/\1/p'
}
# expected_of SAMPLE: what tests/rivet says of it.
expected_of() {
  python3 -c 'import json, sys
print(next(sample["content_sha256"] for sample in json.load(open(sys.argv[1]))
           if sample["id"] == sys.argv[2]))' "$rivet/index.json" "$1"
}
# check FILE SUM
check() {
  local sum
  sum=$(sum_of "$1")
  printf '%-20s %.16s expected %.16s\n' "$1" "$sum" "$2"
  [ "$sum" = "$2" ]
}
check plain/a1plain.db "$(expected_of a-rk213-plain)"
check plain/a3crashed.db "$(expected_of v213-crash-update-m50)"
check plain/a4v2.db "$(sum_of "$rivet/archive.v2.db")"
check plain/old.db "$(expected_of p-rk213-plain)"

title "And the archive can be imported: here into another store"
session <<'SQL'
SELECT actorkv_store('again.store') AS store;
SELECT count(*) AS imported FROM actorkv_import_all('out')
 WHERE state = 'legacy';
SELECT count(*) AS migrated FROM actorkv_migrate_all() WHERE state = 'live';
.open 'file:again.store/a2workflow?vfs=actorkv'
SELECT * FROM steps;
SQL
expect 2 ".open 'file:again.store/a2workflow?vfs=actorkv'
SELECT count(*) FROM steps;"
