// ActorConnection: a connection of our own to an actor, for functions that
// work on its database with SQL.

#ifndef ACTORKV_SQL_BIND_ACTOR_CONNECTION_H_
#define ACTORKV_SQL_BIND_ACTOR_CONNECTION_H_

#include <memory>
#include <optional>
#include <string>

#include "kv/base/types.h"
#include "sql/bind/target.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

class ActorConnection {
 public:
  // Opens the actor, which the first write makes where it is missing. The
  // commits of the connection are durable and say `origin`. Errors: those of
  // the VFS.
  Status Open(const Target& target, Origin origin);

  sqlite3* db() const { return database_.get(); }

 private:
  Database database_;
};

// Returns the last error of the connection, with the VFS's own text.
Status ConnectionError(sqlite3* db);

// Runs a statement that has no rows.
Status Execute(sqlite3* db, const std::string& sql);

// Reads the first column of the first row as text. *text is nullopt where there
// is no row, and for NULL.
Status QueryText(sqlite3* db, const std::string& sql,
                 std::optional<std::string>* text);

}  // namespace actorkv

#endif  // ACTORKV_SQL_BIND_ACTOR_CONNECTION_H_
