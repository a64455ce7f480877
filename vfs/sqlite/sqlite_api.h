// SQLite as this module sees it: through the API table that the host passes to
// the entry point (ext/actorkv_ext.cc). Every file above kv includes this
// instead of sqlite3.h.

#ifndef ACTORKV_VFS_SQLITE_SQLITE_API_H_
#define ACTORKV_VFS_SQLITE_SQLITE_API_H_

#include <sqlite3ext.h>

SQLITE_EXTENSION_INIT3

namespace actorkv {

// sqlite3_db_name(), which is needed to see all writers of a connection, came
// with this version. Nothing older can take its place: PRAGMA database_list
// reads the schemas of all databases up to 3.38 (pragma.h, PragFlg_NeedSchema),
// and that in the middle of a commit: under sqlite3_backup_step() with 3.35.2
// it drops the transaction that is being committed.
constexpr int kMinSqliteVersion = 3039000;

}  // namespace actorkv

#endif  // ACTORKV_VFS_SQLITE_SQLITE_API_H_
