-- A store that is not shared: one process at a time writes to it. Another waits,
-- and gets an error that names it, or follows with mode=ro.
.open 'file:demo.store/alice?vfs=actorkv'
SELECT actorkv_set('share', 0);
.open :memory:
SELECT actorkv_close_idle();
.open 'file:demo.store/alice?vfs=actorkv'
CREATE TABLE t(x);
INSERT INTO t VALUES ('first');
.shell printf "ATTACH 'file:demo.store/alice?vfs=actorkv&open_timeout_ms=100' AS a;\nSELECT actorkv_last_error();\n" | sqlite3 -batch -cmd '.load ./actorkv' 2>&1
.shell printf "ATTACH 'file:demo.store/alice?vfs=actorkv&mode=ro' AS a;\nSELECT * FROM a.t;\nINSERT INTO a.t VALUES (2);\n" | sqlite3 -batch -cmd '.load ./actorkv' 2>&1
INSERT INTO t VALUES ('second');
.shell printf "ATTACH 'file:demo.store/alice?vfs=actorkv&mode=ro' AS a;\nSELECT * FROM a.t;\nSELECT actorkv_store('demo.store');\nSELECT actor, owner_pid FROM actorkv_actors;\nSELECT actorkv_delete('alice');\n" | sqlite3 -batch -cmd '.load ./actorkv' 2>&1
-- They take turns: nobody uses the store here any more, so it is the other's as
-- soon as that asks for it, and comes back when that has ended.
.open :memory:
.shell printf "ATTACH 'file:demo.store/alice?vfs=actorkv' AS a;\nINSERT INTO a.t VALUES ('third');\n" | sqlite3 -batch -cmd '.load ./actorkv' 2>&1
SELECT actorkv_close_idle();
.open 'file:demo.store/alice?vfs=actorkv'
SELECT * FROM t;
.open :memory:
SELECT actorkv_close_idle();
