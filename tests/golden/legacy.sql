-- Actors in Rivet's layouts: import, look, migrate, query, export, go back.
SELECT actorkv_store('fleet.store') IS NOT NULL;
SELECT actor, state, bytes, error FROM actorkv_import_all('rivet/archive');
SELECT actorkv_import('alice', 'rivet/a-rk221-workflow-running.jsonl.gz');
SELECT actorkv_import('alice', 'rivet/v213-tiny.jsonl');
SELECT actorkv_import('zero', 'rivet/p-rk213-plain.jsonl.gz');
SELECT actorkv_import('twice', 'rivet/p-conflict.jsonl.gz');
SELECT actorkv_import('v', 'rivet/archive');
SELECT actorkv_import('v', 'rivet');
SELECT actor, layout, state, legacy_bytes FROM actorkv_actors;
SELECT actor, namespace, layout, count(*), sum(length(value)) FROM actorkv_kv
 WHERE actor IN ('alice', 'zero') GROUP BY 1, 2, 3;
SELECT * FROM actorkv_migrate_plan;

-- A legacy actor can be read as it is; the store of main is the default.
.open 'file:fleet.store/alice?vfs=actorkv'
SELECT * FROM steps;
INSERT INTO steps VALUES (2, 'too early');
SELECT state FROM actorkv_actors WHERE actor = 'alice';
.open :memory:
SELECT actorkv_store('fleet.store') IS NOT NULL;

SELECT actor, state, bytes, error FROM actorkv_migrate_all();
SELECT actor, state, phase, repairs, attempts, error FROM actorkv_migrations;
SELECT actor, state, bytes, error FROM actorkv_migrate_all();

-- The other namespaces as tables of the database.
SELECT actorkv_migrate('alice', 'tables');
SELECT actorkv_migrate('alice', 'table');
.open 'file:fleet.store/alice?vfs=actorkv'
.tables
SELECT id, length(value) FROM _actorkv_queue_messages;
SELECT hex(key), length(value) FROM _actorkv_meta;
SELECT txid, page_count, origin FROM actorkv_commits WHERE actor = 'alice';
INSERT INTO steps VALUES (2, 'written after the migration');
.open :memory:
SELECT actorkv_store('fleet.store') IS NOT NULL;

-- Out, with what was written since, and in again.
SELECT actor, state, bytes, error FROM actorkv_export_all('out', 'archive');
SELECT actorkv_export('alice', 'out', 'archive');
SELECT actorkv_export('zero', 'zero.jsonl', 'jsonl');
SELECT actorkv_export('zero', 'zero.jsonl', 'json');
SELECT actorkv_store('again.store') IS NOT NULL;
SELECT actorkv_import('zero', 'zero.jsonl');
SELECT count(*) FROM actorkv_import_all('out') WHERE state = 'failed';
SELECT count(*) FROM actorkv_migrate_all() WHERE state = 'live';
.open 'file:again.store/alice?vfs=actorkv'
SELECT * FROM steps;
.open :memory:
SELECT actorkv_store('fleet.store') IS NOT NULL;

-- Back to the pairs, or rid of them.
SELECT actorkv_unmigrate('alice');
SELECT actorkv_unmigrate('alice', 'discard');
SELECT actorkv_drop_legacy('alice');
SELECT actorkv_migrate('alice');
SELECT actorkv_drop_legacy('alice');
SELECT actorkv_unmigrate('alice');
SELECT actorkv_unmigrate('a4v2');
SELECT actor, state, legacy_bytes FROM actorkv_actors;

-- A conflict is decided in a dump: here for what layout 0 says. What is not in
-- conflict stays.
SELECT namespace, layout, conflict, count(*) FROM actorkv_kv
 WHERE actor = 'twice' GROUP BY 1, 2, 3;
.output decided.jsonl
SELECT json_object('k', hex(key), 'v', hex(value)) FROM actorkv_kv
 WHERE actor = 'twice' AND NOT (conflict AND layout = 1);
.output
SELECT actorkv_delete('twice');
SELECT actorkv_import('twice', 'decided.jsonl');
SELECT actorkv_migrate('twice');
SELECT * FROM actorkv_verify;
