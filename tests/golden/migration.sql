-- Actors of Rivet come in, are migrated, and go out again.
SELECT actorkv_store('fleet.store');
SELECT actor, state, bytes, error FROM actorkv_import_all('rivet/archive');
SELECT actorkv_import('alice', 'rivet/p-half-migrated.jsonl.gz') AS pages;
SELECT actorkv_import('bob', 'rivet/n-wal-commits.jsonl.gz') AS pages;
SELECT actorkv_import('carol', 'rivet/p-conflict.jsonl.gz') AS pages;
SELECT actor, layout, state, legacy_bytes FROM actorkv_actors;
SELECT namespace, layout, count(*) FROM actorkv_kv WHERE actor = 'a1plain'
 GROUP BY 1, 2;

-- What each needs, without doing it. A legacy actor can be read meanwhile.
SELECT * FROM actorkv_migrate_plan;
.open 'file:fleet.store/bob?vfs=actorkv'
SELECT count(*) FROM t;
DELETE FROM t;
.open :memory:
SELECT actorkv_store('fleet.store');

-- One row per actor as it finishes.
SELECT actor, state, bytes, error FROM actorkv_migrate_all();
SELECT actor, state, phase, attempts, repairs FROM actorkv_migrations;
SELECT actor, layout, state FROM actorkv_actors WHERE state <> 'live';
SELECT * FROM actorkv_verify;

-- The other namespaces as tables of the actor's own database.
SELECT actorkv_migrate('a1plain', 'tables');
.open 'file:fleet.store/a1plain?vfs=actorkv'
.tables
SELECT hex(key), length(value) FROM _actorkv_kv;
CREATE TABLE later(x);

-- Out again, writes made after the migration included, and in elsewhere.
SELECT actorkv_export('a1plain', 'out', 'archive') > 0 AS exported;
SELECT actorkv_export('alice', 'alice.jsonl', 'jsonl') > 0 AS exported;
SELECT actorkv_import('other.store/alice', 'alice.jsonl') AS pages;
SELECT actorkv_migrate('other.store/alice');

-- Back, and forward.
SELECT actorkv_unmigrate('alice');
SELECT actorkv_migrate('alice');
.open :memory:
SELECT actorkv_store('fleet.store');
SELECT actorkv_unmigrate('a1plain');
SELECT actorkv_unmigrate('a1plain', 'discard');
SELECT actorkv_migrate('a1plain');
SELECT actorkv_drop_legacy('a1plain') AS bytes;
SELECT actorkv_unmigrate('a1plain');
SELECT actorkv_drop_legacy('carol');
