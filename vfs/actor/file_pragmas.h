// FilePragmas: the pragmas that mean something to an actor's file. SQLite shows
// each to the file before it runs it (SQLITE_FCNTL_PRAGMA).

#ifndef ACTORKV_VFS_ACTOR_FILE_PRAGMAS_H_
#define ACTORKV_VFS_ACTOR_FILE_PRAGMAS_H_

#include "kv/engine/engine.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

class FilePragmas {
 public:
  // `argument` as at SQLITE_FCNTL_PRAGMA; `db` is the file's connection, null
  // where that is not known. Returns SQLITE_NOTFOUND: SQLite is to go on with
  // the pragma, as it may have been changed here.
  int Handle(sqlite3* db, char** argument);

  // Returns true when the pragma reads or sets the schema cookie.
  static bool IsSchemaVersion(const char* const* argument) {
    return sqlite3_stricmp(argument[1], "schema_version") == 0;
  }

  // The durability that PRAGMA synchronous asks of a commit; that of FULL
  // unless it was heard of.
  Durability durability() const {
    return synchronous_ >= 2 ? Durability::kSynced : Durability::kBuffered;
  }

 private:
  int synchronous_ = 2;  // 0 OFF .. 3 EXTRA
};

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_FILE_PRAGMAS_H_
