-- The first session.
.load build/actorkv
.open 'file:format1.store/alice?vfs=actorkv'
SELECT actorkv_retention(NULL, '5000 weeks') IS NOT NULL;
SELECT actorkv_set('reclaim_interval_ms', 0) IS NOT NULL;
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO note(body) VALUES ('first');
SELECT actorkv_restore_point('alice', 'one-note') > 0;
INSERT INTO note(body) VALUES ('second');
INSERT INTO note(body) VALUES ('third');
SELECT actorkv_fork('alice', 'alice-fork', 'one-note') > 0;
ATTACH 'file:format1.store/bob?vfs=actorkv' AS bob;
CREATE TABLE bob.t(x);
BEGIN; INSERT INTO bob.t VALUES ('with alice'); INSERT INTO note(body) VALUES ('with bob'); COMMIT;
DETACH bob;
ATTACH 'file:format1.store/carol?vfs=actorkv' AS carol;
CREATE TABLE carol.t(x);
INSERT INTO carol.t VALUES ('kept'), ('lost');
DELETE FROM carol.t WHERE x = 'kept';
DETACH carol;
SELECT actorkv_restore('carol', '-1 commit') > 0;
SELECT actorkv_quota('carol', 1000000, 2000000);
ATTACH 'file:format1.store/dave?vfs=actorkv' AS dave;
CREATE TABLE dave.t(x);
INSERT INTO dave.t VALUES ('deleted by mistake');
DETACH dave;
SELECT actorkv_delete('dave') > 0;
SELECT actorkv_import('erin', 'rivet.jsonl.gz') > 0;

-- The second session, in a process of its own.
.load build/actorkv
.open 'file:format1.store/alice-fork?vfs=actorkv'
INSERT INTO note(body) VALUES ('in the fork');
.open 'file:format1.store/alice?vfs=actorkv'
INSERT INTO note(body) VALUES ('fifth');
