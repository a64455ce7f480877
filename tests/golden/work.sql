-- What is worked on at this moment.
.open 'file:demo.store/alice?vfs=actorkv'
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO note(body) VALUES ('one'), ('two');
SELECT count(*) FROM actorkv_work;

-- A diff has its row as long as its statement is open.
SELECT d.op, d.key, w.what, w.actor, w.phase, w.done_bytes > 0 AS moved,
       w.total_bytes, w.started_at_ms > 0 AS started, w.pid, w.store
  FROM actorkv_diff('alice', '-1 commit') AS d CROSS JOIN actorkv_work AS w;
SELECT count(*) FROM actorkv_work;

-- Another process sees none of that any more. It opens no store for it.
.shell printf "SELECT actorkv_store('demo.store');\nSELECT count(*) FROM actorkv_work;\n" | sqlite3 -batch -cmd '.load ./actorkv' 2>&1

-- What it was about is counted.
SELECT actorkv_export('alice', 'alice.jsonl', 'jsonl') > 0 AS exported;
SELECT actorkv_import('bob', 'alice.jsonl') AS pages;
SELECT actorkv_migrate('bob');
SELECT name, value FROM actorkv_metrics
 WHERE name IN ('migrations', 'migration_failures', 'imports',
                'import_failures', 'refused_pairs', 'migration_latency_count',
                'migration_recover_latency_count',
                'migration_copy_latency_count',
                'migration_commit_latency_count', 'import_read_latency_count');
