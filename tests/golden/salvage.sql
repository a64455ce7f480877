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
