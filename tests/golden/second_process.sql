-- One process writes to a store. Another gets an error that names it, or
-- follows with mode=ro.
.open 'file:demo.store/alice?vfs=actorkv'
CREATE TABLE t(x);
INSERT INTO t VALUES ('first');
.shell printf "ATTACH 'file:demo.store/alice?vfs=actorkv' AS a;\nSELECT actorkv_last_error();\n" | sqlite3 -batch -cmd '.load ./actorkv' 2>&1
.shell printf "ATTACH 'file:demo.store/alice?vfs=actorkv&mode=ro' AS a;\nSELECT * FROM a.t;\nINSERT INTO a.t VALUES (2);\n" | sqlite3 -batch -cmd '.load ./actorkv' 2>&1
INSERT INTO t VALUES ('second');
.shell printf "ATTACH 'file:demo.store/alice?vfs=actorkv&mode=ro' AS a;\nSELECT * FROM a.t;\nSELECT actorkv_store('demo.store');\nSELECT actor, owner_pid FROM actorkv_actors;\nSELECT actorkv_delete('alice');\n" | sqlite3 -batch -cmd '.load ./actorkv' 2>&1
