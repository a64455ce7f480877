// SQLite as this module sees it: through the API table that the host passes to
// the entry point (ext/actorkv_ext.cc). Every file above kv includes this
// instead of sqlite3.h.

#ifndef ACTORKV_VFS_SQLITE_API_H_
#define ACTORKV_VFS_SQLITE_API_H_

#include <sqlite3ext.h>

SQLITE_EXTENSION_INIT3

namespace actorkv {

// sqlite3_db_name(), which is needed to see all writers of a connection, came
// with this version.
constexpr int kMinSqliteVersion = 3039000;

}  // namespace actorkv

#endif  // ACTORKV_VFS_SQLITE_API_H_
