-- Is everything sound? No rows: yes.
.open 'file:demo.store/alice?vfs=actorkv'
CREATE TABLE t(x);
INSERT INTO t VALUES (randomblob(100000));
DELETE FROM t;
SELECT * FROM actorkv_verify;
SELECT * FROM actorkv_verify('alice');
SELECT * FROM actorkv_verify('demo.store/alice');
SELECT * FROM actorkv_verify('nobody');

-- A backup is a store like any other.
SELECT actorkv_backup('copy.store') > 0 AS done;
SELECT actorkv_backup('copy.store');
SELECT actorkv_store('copy.store');
SELECT actor, head_txid FROM actorkv_actors;
SELECT * FROM actorkv_verify;
