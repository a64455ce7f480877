#include "sql/register.h"

#include "vfs/actor_vfs.h"
#include "vfs/sqlite_error.h"

namespace actorkv {
namespace {
void LastErrorFunction(sqlite3_context* context, int, sqlite3_value**) {
  sqlite3_result_text(context, LastError().c_str(), -1, SQLITE_TRANSIENT);
}
void DefaultVfsFunction(sqlite3_context* context, int, sqlite3_value** args) {
  bool previous = false;
  (void)SetDefaultVfs(sqlite3_value_int(args[0]) != 0, &previous);
  sqlite3_result_int(context, previous);
}
}  // namespace

int RegisterSql(sqlite3* db) {
  sqlite3_create_function(db, "actorkv_last_error", 0, SQLITE_UTF8, nullptr,
                          LastErrorFunction, nullptr, nullptr);
  return sqlite3_create_function(db, "actorkv_default_vfs", 1, SQLITE_UTF8,
                                 nullptr, DefaultVfsFunction, nullptr, nullptr);
}

}  // namespace actorkv
