// Read-only is read-only: what SQL on a connection may not change.
//
// SQL that changes a store reaches every actor of it, so what counts is what
// the connection was opened for, not what others in the process have open:
//
//   main was opened for reading: mode=ro, asof=,   no store is changed; a file
//   SQLITE_OPEN_READONLY, nolock=1, immutable=1    may be written
//   PRAGMA query_only is on                        neither
//
// A legacy actor as main is read-only by its form, which nobody asked for: its
// own migration is called there. A plain file as main counts as sqlite3_db_
// readonly() says. Databases that are attached do not count.

#ifndef ACTORKV_SQL_BIND_READ_ONLY_H_
#define ACTORKV_SQL_BIND_READ_ONLY_H_

#include <string>

#include "kv/base/status.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

// Checks that SQL on `db` may change stores. Errors: kReadOnly; kInterrupted.
Status CheckMayChangeStore(sqlite3* db);

// Checks that SQL on `db` may write files outside of stores. Errors: the same.
Status CheckMayWriteFile(sqlite3* db);

// Returns why a write on `db` would fail with SQLITE_READONLY; empty: it would
// not. SQLite refuses such a write without asking the VFS, so that no error is
// kept.
std::string ReadOnlyNote(sqlite3* db);

}  // namespace actorkv

#endif  // ACTORKV_SQL_BIND_READ_ONLY_H_
