-- A directory of files, one an actor; and what is no directory of actors.
.open 'file:demo.store/alice?vfs=actorkv'
CREATE TABLE note(body);
INSERT INTO note VALUES ('kept');
.open 'file:demo.store/bob?vfs=actorkv'
CREATE TABLE note(body);
SELECT actor, state, bytes, error FROM actorkv_export_all('out');
.shell echo 'not an actor' > out/README.txt
.shell echo 'not a database, though it is called one' > out/broken.db
.shell touch out/empty.db

.open :memory:
SELECT actorkv_store('other.store');
SELECT actor, state, bytes, error FROM actorkv_import_all('out');
SELECT actor, state, page_count FROM actorkv_actors;
SELECT actorkv_import('x', 'out');

-- A store, or a backup of one, is opened, not imported.
SELECT actorkv_backup('backup.store') > 0;
SELECT * FROM actorkv_import_all('backup.store');
SELECT actorkv_import('x', 'backup.store');
.shell mkdir nothing
SELECT * FROM actorkv_import_all('nothing');
SELECT actorkv_import('x', 'rivet/archive/actors/a4v2/sqlite.bin');
