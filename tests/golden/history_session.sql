-- Back to any moment: points, the past beside the present, restore, undo, forks,
-- several actors at once, and what reclaim would do.
.mode box
.open 'file:demo.store/alice?vfs=actorkv'
CREATE TABLE note(id INTEGER PRIMARY KEY, body);
INSERT INTO note VALUES (1, 'milk'), (2, 'bread');
SELECT actorkv_restore_point('alice', 'before-import');
BEGIN;
UPDATE note SET body = 'imported ' || body;
INSERT INTO note VALUES (3, 'imported eggs');
COMMIT;
ATTACH 'file:demo.store/alice?vfs=actorkv&asof=before-import' AS past;
SELECT * FROM main.note EXCEPT SELECT * FROM past.note;
SELECT main.note.id, past.note.body AS was, main.note.body AS now
  FROM main.note LEFT JOIN past.note USING (id);
UPDATE past.note SET body = 'other';
SELECT txid, committed_at_ms > 0 AS has_time, changed_page_count,
       written_bytes > 0 AS wrote
  FROM actorkv_commits WHERE actor = 'alice' ORDER BY txid DESC LIMIT 20;

-- The same name keeps working; this connection sees it at its next transaction.
SELECT actorkv_restore('alice', 'before-import');
SELECT * FROM note;
SELECT actorkv_undo_restore('alice');
SELECT * FROM note;
SELECT actor, from_txid, to_txid, undo_name FROM actorkv_restores;
SELECT name, txid, expires_at_ms IS NULL AS forever FROM actorkv_restore_points;

SELECT actorkv_fork('alice', 'alice-test');
SELECT actorkv_fork('alice', 'alice-then', 'before-import');
ATTACH 'file:demo.store/alice-test?vfs=actorkv' AS test;
INSERT INTO test.note VALUES (4, 'only in the fork');
SELECT (SELECT count(*) FROM main.note) AS main,
       (SELECT count(*) FROM test.note) AS test;
DETACH test;

-- Two actors to one moment: no transaction over both is cut.
.open :memory:
SELECT actorkv_store('demo.store') IS NOT NULL AS store;
ATTACH 'file:demo.store/alice?vfs=actorkv' AS alice;
ATTACH 'file:demo.store/bob?vfs=actorkv' AS bob;
BEGIN;
CREATE TABLE bob.note(id INTEGER PRIMARY KEY, body);
INSERT INTO bob.note SELECT * FROM alice.note WHERE id = 3;
DELETE FROM alice.note WHERE id = 3;
COMMIT;
BEGIN;
DELETE FROM alice.note;
DELETE FROM bob.note;
COMMIT;
SELECT actorkv_restore_set('-1 commit', 'alice', 'bob');
SELECT 'alice' AS actor, * FROM alice.note UNION ALL SELECT 'bob', * FROM bob.note;
SELECT count(DISTINCT commit_id) AS transactions, count(*) AS commits
  FROM actorkv_commits WHERE actor IN ('alice', 'bob') AND origin = 'restore';

SELECT * FROM actorkv_diff('alice', 'before-import', 'head');

CREATE TABLE alice.draft(body);
INSERT INTO alice.draft VALUES (replace(hex(zeroblob(900)), '0', 'a'));
UPDATE alice.draft SET body = replace(body, 'a', 'b');
UPDATE alice.draft SET body = replace(body, 'b', 'c');

-- A day of every commit is kept; then only what something needs.
SELECT actor, live_bytes > 0 AS live, history_bytes > 0 AS history,
       shared_bytes > 0 AS shared, reclaimable_bytes, reason
  FROM actorkv_reclaim_plan;
SELECT actorkv_retention(NULL, '0');
SELECT actor, live_bytes > 0 AS live, history_bytes > 0 AS history,
       shared_bytes > 0 AS shared, reclaimable_bytes > 0 AS reclaimable, reason
  FROM actorkv_reclaim_plan;
SELECT actorkv_reclaim() > 0 AS freed;
SELECT actorkv_reclaim();
SELECT group_concat(txid) AS commits FROM actorkv_commits WHERE actor = 'alice';
SELECT actorkv_restore('alice', 'before-import');
SELECT * FROM alice.note;
SELECT count(*) AS findings FROM actorkv_verify;
