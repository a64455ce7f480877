-- A checkpoint and a journal under text keys: a dump that is not Rivet's comes
-- in opaque, becomes two tables, and goes back to the same bytes.

-- What such a program keeps: a document of 150,000 bytes, and twelve deltas, of
-- which the seventh has 100,000. Chunks have 64 KiB.
CREATE TABLE pairs(key TEXT PRIMARY KEY, value);
CREATE TEMP TABLE bytes AS WITH RECURSIVE c(i) AS (
  SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 20000)
  SELECT substr(CAST(x'00ff' || group_concat(i * 7919) AS BLOB), 1, 150000) AS data
    FROM c;
CREATE TEMP TABLE deltas AS WITH RECURSIVE c(s) AS (
  SELECT 1 UNION ALL SELECT s + 1 FROM c WHERE s < 12)
  SELECT s, substr(data, s, iif(s = 7, 100000, 100 * s)) AS data FROM c, bytes;
CREATE TEMP TABLE numbers AS WITH RECURSIVE c(i) AS (
  SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 31) SELECT i FROM c;
INSERT INTO pairs VALUES
  ('document:checkpoint:current', '{"version":7}'),
  ('document:checkpoint:manifest:7', '{"chunks":3,"bytes":150000}'),
  ('document:checkpoint:state-vector:7', x'0102ff'),
  ('document:journal:meta', '{"first":1,"last":12}');
INSERT INTO pairs SELECT 'document:checkpoint:chunk:7:' || i,
       substr(data, i * 65536 + 1, 65536) FROM bytes, numbers
 WHERE i * 65536 < length(data);
INSERT INTO pairs SELECT 'document:journal:manifest:' || s,
       json_object('bytes', length(data), 'at', 1790000000000 + s) FROM deltas;
INSERT INTO pairs SELECT 'document:journal:chunk:' || s || ':' || i,
       substr(data, i * 65536 + 1, 65536) FROM deltas, numbers
 WHERE i * 65536 < length(data);
.output room.jsonl
SELECT json_object('k', lower(hex(key)), 'v', lower(hex(value))) FROM pairs
 ORDER BY key;
.output
SELECT writefile('checkpoint.bin', data) AS bytes FROM bytes;

-- In, and out again as it was. The store knows that keys mean nothing.
SELECT actorkv_store('rooms.store');
SELECT actorkv_import('room', 'room.jsonl', 'opaque') AS pages;
SELECT namespace, count(*), sum(length(value)) FROM actorkv_kv
 WHERE actor = 'room' GROUP BY 1;
SELECT actorkv_export('room', 'out.jsonl', 'jsonl') > 0 AS exported;
.shell cmp room.jsonl out.jsonl && echo the same

-- The pairs as a table, and from there to the tables of the new program.
SELECT actorkv_migrate('room', 'tables');
.open 'file:rooms.store/room?vfs=actorkv'
.tables
CREATE TABLE snapshot_chunks(chunk_index INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE journal(id INTEGER PRIMARY KEY,
  data BLOB NOT NULL CHECK (length(data) <= 1572864),
  byte_length INTEGER NOT NULL CHECK (byte_length = length(data)),
  created_at INTEGER NOT NULL);
CREATE TABLE _migration_meta(name TEXT PRIMARY KEY, value);
CREATE VIEW pair AS SELECT CAST(key AS TEXT) AS key, value FROM _actorkv_kv;
CREATE VIEW checkpoint AS
  SELECT json_extract(c.value, '$.version') AS version,
         json_extract(m.value, '$.bytes') AS byte_length
    FROM pair AS c JOIN pair AS m
      ON m.key = 'document:checkpoint:manifest:' || json_extract(c.value, '$.version')
   WHERE c.key = 'document:checkpoint:current';
CREATE VIEW checkpoint_chunk AS
  SELECT CAST(substr(key, 28 + length(version)) AS INTEGER) AS chunk_index, value AS data
    FROM checkpoint JOIN pair ON key GLOB 'document:checkpoint:chunk:' || version || ':*';
CREATE VIEW journal_chunk AS
  SELECT CAST(place AS INTEGER) AS id,
         CAST(substr(place, instr(place, ':') + 1) AS INTEGER) AS part, value AS data
    FROM (SELECT substr(key, 24) AS place, value FROM pair
           WHERE key GLOB 'document:journal:chunk:*');

BEGIN;
INSERT INTO snapshot_chunks SELECT chunk_index, data FROM checkpoint_chunk;
INSERT INTO journal
  SELECT id, CAST(group_concat(data, '') AS BLOB), json_extract(m.value, '$.bytes'),
         json_extract(m.value, '$.at')
    FROM (SELECT * FROM journal_chunk ORDER BY id, part)
    JOIN pair AS m ON m.key = 'document:journal:manifest:' || id GROUP BY id;
-- The marker comes last, and only where all is there.
INSERT INTO _migration_meta SELECT 'document', byte_length FROM checkpoint
 WHERE byte_length = (SELECT sum(length(data)) FROM snapshot_chunks)
   AND (SELECT count(*) FROM journal) =
       (SELECT count(*) FROM pair WHERE key GLOB 'document:journal:manifest:*');
COMMIT;
SELECT chunk_index, length(data) FROM snapshot_chunks;
SELECT count(*), sum(byte_length), max(byte_length), min(created_at) FROM journal;
SELECT * FROM _migration_meta;
-- The guard.
INSERT INTO journal VALUES(13, zeroblob(1572865), 1572865, 0);

-- Reads take the tables where they load, and else the pairs.
CREATE VIEW document AS
  SELECT 'tables' AS source, chunk_index, data FROM snapshot_chunks
   WHERE (SELECT value FROM _migration_meta WHERE name = 'document') =
         (SELECT sum(length(data)) FROM snapshot_chunks)
  UNION ALL
  SELECT 'pairs', chunk_index, data FROM checkpoint_chunk
   WHERE (SELECT value FROM _migration_meta WHERE name = 'document') IS NOT
         (SELECT sum(length(data)) FROM snapshot_chunks);
SELECT source, count(*), writefile('tables.bin', CAST(group_concat(data, '') AS BLOB)) AS bytes
  FROM (SELECT * FROM document ORDER BY chunk_index);
DELETE FROM snapshot_chunks WHERE chunk_index = 1;
SELECT source, count(*), writefile('pairs.bin', CAST(group_concat(data, '') AS BLOB)) AS bytes
  FROM (SELECT * FROM document ORDER BY chunk_index);
.shell cmp checkpoint.bin tables.bin && cmp checkpoint.bin pairs.bin && echo the same
INSERT INTO snapshot_chunks SELECT chunk_index, data FROM checkpoint_chunk
 WHERE chunk_index = 1;
SELECT source, count(*) FROM document;

-- Back to pairs, out of the tables: a chunk where a chunk was, a delta in parts.
SELECT actorkv_import_pairs('back', actorkv_pair_set(key, value, 'opaque')) AS pairs FROM (
  SELECT key, value FROM pair WHERE key NOT GLOB 'document:*:chunk:*'
  UNION ALL SELECT 'document:checkpoint:chunk:' || version || ':' || chunk_index, data
    FROM checkpoint, snapshot_chunks
  UNION ALL SELECT 'document:journal:chunk:' || journal.id || ':' || value,
         substr(data, value * 65536 + 1, 65536)
    FROM journal, json_each('[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23]')
   WHERE value * 65536 < byte_length);
SELECT actorkv_export('back', 'back.jsonl', 'jsonl') > 0 AS exported;
.shell cmp room.jsonl back.jsonl && echo the same

-- The pairs as they came are there all the time, whatever is in the tables, also
-- where the database could not be opened.
.open :memory:
SELECT actorkv_store('rooms.store');
SELECT count(*), sum(length(value)) FROM actorkv_kv WHERE actor = 'room';
SELECT actorkv_export('room', 'again.jsonl', 'jsonl') > 0 AS exported;
.shell cmp room.jsonl again.jsonl && echo the same
SELECT actorkv_unmigrate('room', 'discard');
SELECT * FROM actorkv_verify;

-- A delta above the guard: the statement fails as a whole, there is no marker,
-- and reads go on with the pairs.
SELECT actorkv_set('max_pair_value_bytes', 2000000);
SELECT actorkv_import_pairs('large', actorkv_pair_set(key, value, 'opaque')) AS pairs
  FROM (SELECT key, value FROM actorkv_pairs('room.jsonl')
         WHERE key <> CAST('document:journal:chunk:3:0' AS BLOB)
        UNION ALL SELECT 'document:journal:chunk:3:0', zeroblob(1600000));
SELECT actorkv_migrate('large', 'tables');
.open 'file:rooms.store/large?vfs=actorkv'
CREATE TABLE journal(id INTEGER PRIMARY KEY, data BLOB NOT NULL CHECK (length(data) <= 1572864));
INSERT INTO journal SELECT CAST(substr(CAST(key AS TEXT), 24) AS INTEGER), value
  FROM _actorkv_kv WHERE CAST(key AS TEXT) GLOB 'document:journal:chunk:*:0';
SELECT count(*) FROM journal;
SELECT count(*), max(length(value)) FROM _actorkv_kv;
