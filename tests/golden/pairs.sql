-- Pairs of anybody: any table of keys and values becomes an actor, and goes out
-- with the same bytes.
.shell sqlite3 things.db "CREATE TABLE kv(key BLOB PRIMARY KEY, value BLOB); INSERT INTO kv VALUES(x'01', x'00'), (x'0801010000000000', x''), (x'06ff', zeroblob(3)), ('text', 'value'), (x'', x'ff')"
ATTACH 'things.db' AS src;
SELECT actorkv_store('things.store');
SELECT actorkv_import_pairs('things', actorkv_pair_set(key, value, 'opaque')) AS pairs
  FROM src.kv;
SELECT namespace, hex(key), hex(value), layout, conflict FROM actorkv_kv;
SELECT actor, state, layout, legacy_bytes FROM actorkv_actors;
SELECT actorkv_export('things', 'things.jsonl', 'jsonl') > 0 AS exported;
SELECT actorkv_export('things', 'things.kv.bin', 'kv.bin') > 0 AS exported;
.shell cat things.jsonl
SELECT hex(key), hex(value) FROM actorkv_pairs('things.kv.bin');

-- And in again.
SELECT actorkv_import('copy', 'things.kv.bin', 'opaque');
SELECT actorkv_export('copy', 'copy.jsonl', 'jsonl') > 0 AS exported;
.shell cmp things.jsonl copy.jsonl && echo the same
SELECT count(*) AS missing FROM (SELECT hex(key), hex(value) FROM src.kv EXCEPT
  SELECT hex(key), hex(value) FROM actorkv_kv WHERE actor = 'copy');

-- One actor for each group.
CREATE TEMP TABLE many(room, k, v);
INSERT INTO many VALUES('r2', 'b', 'x'), ('r1', 'a', 'y'), ('r2', 'a', 'z');
SELECT room, actorkv_import_pairs(room, actorkv_pair_set(k, v)) AS pairs FROM many
 GROUP BY room;

-- What such an actor is not.
SELECT actorkv_migrate('things');
SELECT actorkv_export('things', 'out', 'archive');
SELECT actorkv_export('things', 'things.out.db');
SELECT actorkv_drop_legacy('things');
SELECT actor, action, reason FROM actorkv_migrate_plan WHERE actor = 'things';
SELECT actor, state, error FROM actorkv_migrate_all() WHERE actor = 'things';

-- Rows that are no pairs, and pairs that are too large.
SELECT actorkv_import_pairs('bad', actorkv_pair_set(key, NULL)) FROM src.kv;
SELECT actorkv_import_pairs('bad', actorkv_pair_set('same', value)) FROM src.kv;
SELECT actorkv_import_pairs('bad', actorkv_pair_set(key, zeroblob(200000))) FROM src.kv;
SELECT actorkv_import_pairs('bad', 'no set');
SELECT actorkv_import('bad', 'things.db', 'opaque');
SELECT * FROM actorkv_pairs('rivet/archive');
SELECT count(*) FROM actorkv_actors WHERE actor = 'bad';
SELECT actorkv_set('keep_oversized_pairs', 1);
SELECT actorkv_import_pairs('large', actorkv_pair_set(key, zeroblob(200000), 'opaque')) AS pairs
  FROM src.kv;
SELECT actor, oversized_pairs, error FROM actorkv_migrations WHERE actor = 'large';
SELECT actorkv_migrate('large', 'tables');
.open 'file:things.store/large?vfs=actorkv'
SELECT count(*), sum(length(value)) FROM _actorkv_oversized;
SELECT count(*) FROM _actorkv_kv;
