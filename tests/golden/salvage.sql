-- A database with a damaged page, as pairs of Rivet: it cannot be migrated,
-- and what can be read of it is saved as the runbook says.
.shell sqlite3 plain.db "CREATE TABLE good(x); INSERT INTO good VALUES ('safe'); CREATE TABLE note(id INTEGER PRIMARY KEY, body); INSERT INTO note SELECT value, printf('%0100d', value) FROM generate_series(1, 4000); CREATE INDEX note_body ON note(body);"
CREATE TABLE page AS SELECT value AS no,
  substr(readfile('plain.db'), value * 4096 + 1, 4096) AS data
  FROM generate_series(0, length(readfile('plain.db')) / 4096 - 1);
-- 0D: the leaf of a table. One in the middle of note is overwritten.
UPDATE page SET data = zeroblob(4096) WHERE no = (
  SELECT no FROM page WHERE hex(substr(data, 1, 1)) = '0D'
   ORDER BY no LIMIT 1 OFFSET 50);
SELECT changes();
.once alice.jsonl
SELECT json_object('k', '08010000', 'v', printf('0100%02x%02x%02x0000000000',
  count(*) * 4096 % 256, count(*) * 4096 / 256 % 256, count(*) * 4096 / 65536))
  FROM page
UNION ALL
SELECT json_object('k', printf('08010100%08x', no), 'v', hex(data)) FROM page;
SELECT actorkv_store('fleet.store') IS NOT NULL;
SELECT actorkv_import('alice', 'alice.jsonl') > 100;
SELECT actorkv_migrate('alice');

.open 'file:fleet.store/alice?vfs=actorkv&mode=ro'
SELECT count(*) FROM note;
.once saved.sql
.dump
.shell sed -i 's/^ROLLBACK; -- due to errors$/COMMIT;/' saved.sql
.open 'file:fleet.store/alice-saved?vfs=actorkv'
.read saved.sql
SELECT * FROM good;
SELECT count(*) BETWEEN 3900 AND 3999, min(id), max(id) FROM note;
PRAGMA integrity_check;

-- What is lost, and what is left, page by page: no migration is needed.
.open :memory:
SELECT actorkv_store('fleet.store') IS NOT NULL;
SELECT part, readable FROM actorkv_salvage('alice');
SELECT count(*) BETWEEN 3900 AND 3999, min(rowid), max(rowid), min(certain)
  FROM actorkv_salvage_rows('alice', 'note');
SELECT rowid, row FROM actorkv_salvage_rows('alice', 'note') LIMIT 1;

-- Into an actor of its own, beside what the schema says.
.open 'file:fleet.store/alice-rows?vfs=actorkv'
.once schema.sql
SELECT json_extract(row, '$.sql') || ';'
  FROM actorkv_salvage_rows('alice', 'sqlite_schema')
 WHERE json_extract(row, '$.sql') IS NOT NULL;
.read schema.sql
INSERT INTO note
  SELECT json_extract(row, '$.id'), json_extract(row, '$.body')
    FROM actorkv_salvage_rows('alice', 'note')
   WHERE certain AND json_type(row, '$.body') = 'text';
INSERT INTO good SELECT json_extract(row, '$.x')
  FROM actorkv_salvage_rows('alice', 'good');
SELECT (SELECT count(*) FROM note)
     = (SELECT count(*) FROM actorkv_salvage_rows('alice', 'note'));
SELECT * FROM good;
PRAGMA integrity_check;

-- A plain file for the tools of others.
SELECT actorkv_export('alice', 'alice.db', 'salvage') > 400000;
.shell sqlite3 alice.db "SELECT * FROM good" "SELECT count(*) FROM note"
.shell sqlite3 alice.db .dump | sed 's/^ROLLBACK; -- due to errors$/COMMIT;/' | sqlite3 again.db
.shell sqlite3 again.db "SELECT count(*) BETWEEN 3900 AND 3999 FROM note" "PRAGMA integrity_check"

-- A blob comes back through SQL text, and a long row may be cut.
.open 'file:fleet.store/carol?vfs=actorkv'
CREATE TABLE file(name, body);
INSERT INTO file VALUES ('a', x'00ff'), ('b', NULL);
SELECT rowid, row FROM actorkv_salvage_rows('carol', 'file');
.once blobs.sql
SELECT 'INSERT INTO file VALUES (' || quote(json_extract(row, '$.name')) || ', '
    || iif(json_type(row, '$.body') = 'object',
           'x''' || json_extract(row, '$.body.blob') || '''', 'NULL') || ');'
  FROM actorkv_salvage_rows('carol', 'file');
.shell cat blobs.sql
SELECT count(*) FROM actorkv_salvage('carol');
SELECT * FROM actorkv_salvage_rows('carol', 'files');

-- The pairs that a live actor came with stay beside it.
.shell sqlite3 bob.db "CREATE TABLE t(x); INSERT INTO t VALUES ('as it came')"
.once bob.jsonl
SELECT json_object('k', '08010000', 'v', printf('0100%02x%02x%02x0000000000',
  length(readfile('bob.db')) % 256, length(readfile('bob.db')) / 256 % 256,
  length(readfile('bob.db')) / 65536))
UNION ALL
SELECT json_object('k', printf('08010100%08x', value), 'v',
  hex(substr(readfile('bob.db'), value * 4096 + 1, 4096)))
  FROM generate_series(0, length(readfile('bob.db')) / 4096 - 1);
SELECT actorkv_import('bob', 'bob.jsonl');
SELECT actorkv_migrate('bob');
.open 'file:fleet.store/bob?vfs=actorkv'
UPDATE t SET x = 'as it is';
ATTACH 'file:fleet.store/bob?vfs=actorkv&legacy=1' AS came;
SELECT t.x, c.x FROM t, came.t AS c;
DELETE FROM came.t;
DETACH came;
SELECT actorkv_drop_legacy('bob') > 0;
ATTACH 'file:fleet.store/bob?vfs=actorkv&legacy=1' AS came;
SELECT actorkv_last_error();
