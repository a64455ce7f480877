#include "vfs/actor/file_pragmas.h"

#include <cstring>

#include "vfs/sqlite/synchronous.h"

namespace actorkv {

namespace {

// An actor never enters WAL mode. A mode that SQLite does not know makes the
// pragma a query, which answers the mode that is in force (pragma.c
// PragTyp_JOURNAL_MODE, 3.40.1). SQLite accepts any prefix of a mode.
bool AsksForWal(const char* name, const char* value) {
  return *value != '\0' && sqlite3_stricmp(name, "journal_mode") == 0 &&
         sqlite3_strnicmp(value, "wal", static_cast<int>(std::strlen(value))) ==
             0;
}

}  // namespace

int FilePragmas::Handle(sqlite3* db, char** argument) {
  const char* name = argument[1];
  char* value = argument[2];
  if (value == nullptr) return SQLITE_NOTFOUND;
  // The level shows nowhere else, as FCNTL_SYNC comes at every one. Inside a
  // transaction SQLite refuses the pragma and changes nothing.
  if (sqlite3_stricmp(name, "synchronous") == 0 && db != nullptr &&
      sqlite3_get_autocommit(db) != 0) {
    synchronous_ = ParseSynchronous(value);
  }
  if (AsksForWal(name, value)) *value = '?';
  return SQLITE_NOTFOUND;
}

}  // namespace actorkv
