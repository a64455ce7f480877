-- What goes wrong, and what it says. SQLite shows the code of an error in a
-- VFS; actorkv_last_error() has the text.
.open 'file:demo.store/alice?vfs=actorkv'
CREATE TABLE t(x);

-- Names.
ATTACH 'file:demo.store/?vfs=actorkv' AS a;
SELECT actorkv_last_error();
ATTACH 'file:demo.store/..?vfs=actorkv' AS a;
SELECT actorkv_last_error();
ATTACH 'file:demo.store/a/b?vfs=actorkv' AS a;
SELECT actorkv_last_error();
SELECT actorkv_delete('a/b/');
SELECT actorkv_delete('');

-- A parameter that is not known is not passed over.
ATTACH 'file:demo.store/bob?vfs=actorkv&asoff=3' AS a;
SELECT actorkv_last_error();

-- What may be the rest of a name is one, too.
ATTACH 'file:demo.store/what?now&vfs=actorkv' AS a;
SELECT actorkv_last_error();

-- A missing actor, where it must not be made.
ATTACH 'file:demo.store/nobody?vfs=actorkv&mode=rw' AS a;
SELECT actorkv_last_error();
ATTACH 'file:nowhere.store/nobody?vfs=actorkv&mode=ro' AS a;
SELECT actorkv_last_error();

-- A directory that is no store does not become one.
.shell mkdir home && : >home/letter.txt
ATTACH 'file:home/alice?vfs=actorkv' AS a;
SELECT actorkv_last_error();
ATTACH 'file:home/letter.txt/alice?vfs=actorkv' AS a;
SELECT actorkv_last_error();

-- Nor does the current directory by a bare name; with "./" it would.
.shell mkdir empty
.cd empty
ATTACH 'file:alice?vfs=actorkv' AS a;
SELECT actorkv_last_error();
.cd ..

-- A store of a newer format.
.shell mkdir newer && echo 'actorkv store, format 99' >newer/actorkv.format
ATTACH 'file:newer/alice?vfs=actorkv' AS a;
SELECT actorkv_last_error();

-- A transaction over an actor and a plain file could not be atomic.
ATTACH 'file:plain.db?vfs=unix' AS plain;
CREATE TABLE plain.t(x);
BEGIN;
INSERT INTO main.t VALUES (1);
INSERT INTO plain.t VALUES (1);
COMMIT;
SELECT actorkv_last_error();
ROLLBACK;
SELECT (SELECT count(*) FROM main.t) AS actor, (SELECT count(*) FROM plain.t) AS plain;

-- One after the other they go.
INSERT INTO main.t VALUES (1);
INSERT INTO plain.t VALUES (1);
SELECT (SELECT count(*) FROM main.t) AS actor, (SELECT count(*) FROM plain.t) AS plain;

-- On this connection a name without vfs= would be an actor.
ATTACH 'other.db' AS o;
SELECT actorkv_last_error();

-- Without an actor as main there is no default store.
.open :memory:
SELECT * FROM actorkv_actors;
