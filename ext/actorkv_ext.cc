// The entry point of the module. See ext/actorkv.h.

#include <sqlite3ext.h>

#include <mutex>

SQLITE_EXTENSION_INIT1

#include "ext/actorkv.h"
#include "sql/register.h"
#include "vfs/actor/actor_vfs.h"
#include "vfs/sqlite/last_error.h"
#include "vfs/sqlite/sqlite_api.h"
#include "vfs/sqlite/uri.h"

namespace actorkv {

namespace {

// The API table of the SQLite that loaded the module first. There is one VFS
// and one set of stores in a process, and they call back through this table.
const sqlite3_api_routines* first_api = nullptr;

int Fail(char** error_message, const char* text) {
  if (error_message != nullptr) *error_message = sqlite3_mprintf("%s", text);
  return SQLITE_ERROR;
}

// Connections may be opened in several threads at once.
int TakeApi(char** error_message, const sqlite3_api_routines* api) {
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  if (first_api == api) return SQLITE_OK;
  if (first_api != nullptr) {
    // The text is SQLite's to free, so it is made in SQLite's memory.
    if (error_message != nullptr) {
      *error_message = api->mprintf(
          "actorkv: another SQLite library in this process has loaded this "
          "module already; one process can use it with one SQLite");
    }
    return SQLITE_ERROR;
  }
  if (api->libversion_number() < kMinSqliteVersion) {
    // These two are in the table of every SQLite 3.
    if (error_message != nullptr) {
      *error_message = api->mprintf(
          "actorkv: needs SQLite 3.39 or later, this is %s", api->libversion());
    }
    return SQLITE_ERROR;
  }
  SQLITE_EXTENSION_INIT2(api);
  first_api = api;
  return SQLITE_OK;
}

// Functions and tables cost a third of opening an actor, and a program that
// opens thousands to run its own SQL needs none of them.
// Neither do the connections that this module opens for its own work: they read
// databases that somebody else made.
bool WantsSql(sqlite3* db) {
  if (InnerWork::UnderWay()) return false;
  const char* const name = sqlite3_db_filename(db, "main");
  return name == nullptr || UriParameters(name).Boolean("actorkv_sql", true);
}

int Initialise(sqlite3* db, char** error_message,
               const sqlite3_api_routines* api) {
  int code = TakeApi(error_message, api);
  if (code != SQLITE_OK) return code;
  const auto entry_point = reinterpret_cast<void (*)()>(sqlite3_actorkv_init);
  if (RegisterVfs(entry_point) != SQLITE_OK) {
    return Fail(error_message, "actorkv: cannot register the VFS");
  }
  // Connections opened later have the SQL too; to register it again does
  // nothing.
  code = sqlite3_auto_extension(entry_point);
  if (code != SQLITE_OK) return code;
  ServeCalls();
  // SQLITE_OK and not SQLITE_OK_LOAD_PERMANENTLY: under sqlite3_auto_extension
  // that would count as a failure. The module stays loaded because it is
  // linked with -z nodelete.
  return WantsSql(db) ? RegisterSql(db) : SQLITE_OK;
}

}  // namespace

}  // namespace actorkv

extern "C" int sqlite3_actorkv_init(sqlite3* db, char** error_message,
                                    const sqlite3_api_routines* api) {
  // Guard() logs, and before Initialise() there is no API table to log with.
  try {
    return actorkv::Initialise(db, error_message, api);
  } catch (...) {
    return SQLITE_NOMEM;
  }
}
