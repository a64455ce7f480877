-- A plain file as rivet-engine depot doctor writes it, of Rivet 2.3.5 or later:
-- state, queue and the like are tables in it.
SELECT actorkv_store('fleet.store');
SELECT actorkv_import('notes', 'rivet/tables-2.3.19.db') AS pages;
SELECT namespace, count(*), source FROM actorkv_kv GROUP BY 1;
SELECT id, name, created_at_ms, source FROM actorkv_queue;

-- Out as it came.
SELECT actorkv_export('notes', 'notes.db') AS bytes;
.shell cat rivet/tables-2.3.19.db | sha256sum; cat notes.db | sha256sum

-- As pairs, and as tables again.
SELECT actorkv_export('notes', 'notes.jsonl', 'jsonl', 'head', 0, 'rivet-tables') > 0 AS done;
SELECT actorkv_import('again', 'notes.jsonl') AS pages;
SELECT actorkv_migrate('again', 'rivet-tables');
ATTACH 'file:fleet.store/again?vfs=actorkv&mode=ro' AS again;
SELECT id, name, hex(body) FROM again._rivet_queue;
SELECT key, hex(value) FROM again._rivet_meta;
DETACH again;
SELECT actorkv_export('again', 'again.jsonl', 'jsonl', 'head', 0, 'rivet-tables') > 0 AS done;
-- The pages of the database may differ in what is free.
.shell for f in notes again; do sed /^......08/d $f.jsonl | sha256sum; done
ATTACH 'file:fleet.store/notes?vfs=actorkv&mode=ro' AS notes;
ATTACH 'file:fleet.store/again?vfs=actorkv&mode=ro' AS again;
SELECT count(*) FROM (SELECT * FROM notes.note EXCEPT SELECT * FROM again.note);
SELECT count(*) FROM (SELECT * FROM again.note EXCEPT SELECT * FROM notes.note);
DETACH notes;
DETACH again;

-- What no pair can hold is named.
SELECT actorkv_import('cron', 'rivet/tables-2.3.19-schedules.db') AS pages;
SELECT actorkv_export('cron', 'cron.jsonl', 'jsonl', 'head', 0, 'rivet-tables');
SELECT CAST(key AS TEXT) FROM actorkv_kv
 WHERE actor = 'cron' AND namespace = 'no_pair'
   AND CAST(key AS TEXT) LIKE '%events%';
