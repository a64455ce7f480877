-- A first session: a database that lives in RocksDB, closed and opened again.
.open 'file:demo.store/alice?vfs=actorkv'
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO note(body) VALUES ('kept in RocksDB');
.open 'file:demo.store/alice?vfs=actorkv'
SELECT * FROM note;
PRAGMA journal_mode;
PRAGMA integrity_check;
SELECT actor, layout, state, page_size, page_count, size_bytes, head_txid,
       generation
  FROM actorkv_actors;
SELECT txid, page_count, changed_page_count, origin FROM actorkv_commits;
SELECT actorkv_store();
