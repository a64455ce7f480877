-- For programs that open by a plain path, without URIs.
SELECT actorkv_default_vfs(1) AS previous;
.open demo.store/alice
CREATE TABLE t(x);
INSERT INTO t VALUES ('by path');
ATTACH 'demo.store/bob' AS bob;
CREATE TABLE bob.t(x);
SELECT actor FROM actorkv_actors;

-- A bare name is an actor of the default store.
SELECT actorkv_store('demo.store');
.open alice
SELECT * FROM t;
ATTACH 'bob' AS bob;
SELECT count(*) FROM bob.t;

-- A plain file says which VFS is its own.
ATTACH 'file:plain.db?vfs=unix' AS plain;
CREATE TABLE plain.t(x);
SELECT actorkv_default_vfs(0) AS previous;
.open plain.db
SELECT name FROM sqlite_schema;

-- By directory: actors in stores, plain files elsewhere.
SELECT actorkv_default_vfs(2) AS previous;
.open demo.store/alice
SELECT * FROM t;
ATTACH 'plain.db' AS plain;
SELECT name FROM plain.sqlite_schema;
VACUUM INTO 'copy.db';
.backup backup.db
.shell ls copy.db backup.db
.open copy.db
SELECT * FROM t;
.open new.store/carol
CREATE TABLE t(x);
.shell ls new.store/actorkv.format
SELECT actorkv_default_vfs(0) AS previous;
.open backup.db
SELECT * FROM t;
