-- What is stored, decoded. Ids, times and hashes differ from run to run.
.open 'file:demo.store/alice?vfs=actorkv'
PRAGMA page_size = 1024;
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO note(body) VALUES ('one');
SELECT actorkv_restore_point('alice', 'before');
INSERT INTO note(body) VALUES ('two');
SELECT substr(partition, 1, instr(partition || ' ', ' ') - 1) AS place,
       substr(key, 1, instr(key || ' @ branch', ' @ branch') - 1) AS name,
       bytes, sound
  FROM actorkv_dump('alice') WHERE key NOT LIKE 'branch%';
SELECT json_remove(record, '$.branch', '$.digest', '$.committed_at_us',
                   '$.commit_id')
  FROM actorkv_dump('alice', 'commit 3');
SELECT json_remove(record, '$.page_hash') FROM actorkv_dump('alice', 'page 2 ');
SELECT key FROM actorkv_dump(NULL, 'actor ');
SELECT key, json_extract(record, '$.format') FROM actorkv_dump(NULL, 'store');
SELECT count(*) FROM actorkv_dump('alice') WHERE NOT sound;
SELECT * FROM actorkv_dump('nobody');

-- What happened to this process.
SELECT actorkv_takeover('alice');
INSERT INTO note(body) VALUES ('three');
SELECT actorkv_reclaim() AS freed;
SELECT kind, store, actor, detail FROM actorkv_events WHERE kind <> 'stall';
