-- Actors of RivetKit's file-system driver (2.1.3 to 2.2.1) come in with name and
-- key, are looked into, and go out as they came. A copy, as SQLite makes files
-- beside a database in WAL mode.
.shell cp -r rivet/driver-2.2.1 driver && cp -r rivet/driver-killed killed
SELECT actorkv_store('fleet.store');
SELECT actor, state, form, error FROM actorkv_import_all('driver');
SELECT actor, state, rivet_name, rivet_key FROM actorkv_actors;
SELECT actor, form, error FROM actorkv_migrations;
SELECT namespace, count(*) FROM actorkv_kv WHERE actor = '496029c6c674df20'
 GROUP BY 1;
SELECT id, name, created_at_ms FROM actorkv_queue;
SELECT part, location, kind, status FROM actorkv_workflow
 WHERE part IN ('history', 'state');

-- What went in comes out.
SELECT actorkv_export('496029c6c674df20', 'notes.jsonl', 'jsonl') > 0 AS done;
SELECT actorkv_export('9dc204d9ba2e7f0a', 'flow.jsonl', 'jsonl') > 0 AS done;
.shell for a in 496029c6c674df20 9dc204d9ba2e7f0a; do gzip -dc rivet/driver-2.2.1-$a.expected.jsonl.gz | sha256sum; done
.shell cat notes.jsonl | sha256sum; cat flow.jsonl | sha256sum

-- As a file of the driver again, which is told from a plain database.
ATTACH 'back.db' AS back;
CREATE TABLE back.kv(key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL);
INSERT INTO back.kv SELECT key, value FROM actorkv_kv
 WHERE actor = '496029c6c674df20' ORDER BY key;
DETACH back;
SELECT actorkv_import('again', 'back.db') AS pages;
SELECT actorkv_import('plain', 'back.db', 'db') > 0 AS pages;
SELECT actor, state FROM actorkv_actors WHERE actor IN ('again', 'plain');
SELECT actorkv_export('again', 'again.jsonl', 'jsonl') > 0 AS done;
.shell cat again.jsonl | sha256sum

-- A database of its own, with what is written to it, and back to pairs.
SELECT actorkv_migrate('again', 'tables');
ATTACH 'file:fleet.store/again?vfs=actorkv' AS again;
SELECT count(*) FROM again.note;
DELETE FROM again.note;
UPDATE again._actorkv_kv SET value = 'later' WHERE key = CAST('greeting' AS BLOB);
DETACH again;
SELECT actorkv_unmigrate('again');
SELECT actorkv_unmigrate('again', 'tables');
SELECT CAST(key AS TEXT), CAST(value AS TEXT) FROM actorkv_kv
 WHERE actor = 'again' AND namespace = 'user' AND key = x'046772656574696e67';
ATTACH 'file:fleet.store/again?vfs=actorkv&mode=ro' AS again;
SELECT count(*) FROM again.note;
DETACH again;

-- A process that was killed has all in its -wal.
SELECT actor, state, form, error FROM actorkv_import_all('killed');
.shell rm killed/databases/*.db-wal killed/databases/*.db-shm
SELECT actorkv_import('lost', 'killed/databases/917b6f569038ffa0.db');
