-- What changed? What would a restore do? What was it then?
.mode box
.open 'file:demo.store/alice?vfs=actorkv'
CREATE TABLE note(id INTEGER PRIMARY KEY, body);
INSERT INTO note VALUES (1, 'milk'), (2, 'bread'), (3, x'00ff');
BEGIN;
UPDATE note SET body = 'oat milk' WHERE id = 1;
DELETE FROM note WHERE id = 2;
INSERT INTO note VALUES (4, 2.5);
CREATE INDEX note_body ON note(body);
COMMIT;
SELECT * FROM actorkv_diff('alice', '-1 commit', 'head');
SELECT * FROM actorkv_diff('alice', 'head', '-1 commit') WHERE op = 'insert';
SELECT * FROM actorkv_diff('alice', 1, 'monday');

SELECT * FROM actorkv_restore_plan('alice', 2);
SELECT * FROM actorkv_verify('alice', 2);
SELECT actorkv_export('alice', 'then.db', 'db', 2) AS bytes;
ATTACH 'file:then.db?vfs=unix' AS past;
SELECT * FROM past.note;
SELECT severity, txid, substr(detail, 1, 17) AS detail FROM actorkv_doctor('alice');
