-- Rename, delete, and use a name again.
.open 'file:demo.store/alice?vfs=actorkv'
CREATE TABLE t(x);
SELECT actorkv_delete('alice');
.open :memory:
SELECT actorkv_store('demo.store');
SELECT actorkv_rename('alice', 'carol');
SELECT actorkv_rename('alice', 'dave');
ATTACH 'file:demo.store/dave?vfs=actorkv' AS dave;
CREATE TABLE dave.t(x);
DETACH dave;
SELECT actorkv_rename('carol', 'dave');
SELECT actorkv_delete('carol');
SELECT actor, state, head_txid FROM actorkv_actors;
SELECT actorkv_rename('dave', 'carol');
ATTACH 'file:demo.store/carol?vfs=actorkv&mode=rw' AS carol;
ATTACH 'file:demo.store/carol?vfs=actorkv' AS carol;
CREATE TABLE carol.another(x);
SELECT name FROM carol.sqlite_schema;
DETACH carol;
SELECT actor, state, head_txid FROM actorkv_actors;
SELECT actorkv_takeover('carol');
SELECT * FROM actorkv_verify;
