-- Plain SQLite files in and out.
.open plain.db
PRAGMA page_size = 1024;
PRAGMA journal_mode = WAL;
CREATE TABLE city(name TEXT, people INTEGER);
INSERT INTO city VALUES ('Oslo', 717710), ('Turku', 206035);
SELECT actorkv_import('demo.store/cities', 'plain.db') AS page_count;
.open 'file:demo.store/cities?vfs=actorkv'
SELECT * FROM city;
PRAGMA page_size;
PRAGMA journal_mode;
SELECT origin, page_count FROM actorkv_commits;
SELECT actorkv_export('cities', 'copy.db') AS bytes;
.open copy.db
SELECT * FROM city;
PRAGMA integrity_check;

-- Nothing is overwritten unless told.
SELECT actorkv_import('demo.store/cities', 'plain.db');
SELECT actorkv_export('demo.store/cities', 'copy.db');
SELECT actorkv_export('demo.store/cities', 'copy.db', 'db', 'head', 1) AS bytes;

-- What is no database is not imported.
.shell printf 'hello' >hello.txt
.shell : >empty.db
SELECT actorkv_import('demo.store/x', 'hello.txt');
SELECT actorkv_import('demo.store/x', 'empty.db');
SELECT actorkv_import('demo.store/x', 'missing.db');
SELECT actorkv_export('demo.store/nobody', 'nobody.db');
SELECT actorkv_export('demo.store/cities', 'x.db', 'csv');
SELECT actorkv_export('demo.store/cities', 'x.db', 'db', 'monday');
BEGIN;
SELECT actorkv_export('demo.store/cities', 'x.db');
ROLLBACK;
