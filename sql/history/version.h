// Versions of actors, as SQL functions and tables name them: an actor and a
// point.

#ifndef ACTORKV_SQL_HISTORY_VERSION_H_
#define ACTORKV_SQL_HISTORY_VERSION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kv/history/page_changes.h"
#include "sql/bind/actor_connection.h"
#include "sql/bind/target.h"

namespace actorkv {

// Finds the commit that `point` means, for a deleted actor too. Errors:
// kNotFound when there is no such actor; kInvalidArgument for a legacy one;
// those of ParsePoint() and ResolvePoint().
Status FindVersion(const Target& target, const std::string& point,
                   VersionSource* source);

// Checks that the version has not expired. It must be called after pages of the
// version were read, before anything is made of them: see CheckNotExpired() in
// kv/history/history.h. It costs a read on a follower, nothing elsewhere.
Status CheckRead(const VersionSource& source);

// Opens a connection of our own that sees the version and can read only. It
// does not trust the schema.
Status OpenVersion(const Target& target, const HeadState& version,
                   Database* database);

// SchemaItem is a row of the schema table.
struct SchemaItem {
  std::string type;  // "table", "index", "view" or "trigger"
  std::string name;
  std::string table;
  PageNo root = 0;  // 0: it has no pages
  std::string sql;  // empty: made by SQLite itself
};

// Reads the schema table, in the order of types and names.
Status ReadSchema(sqlite3* db, std::vector<SchemaItem>* items);

// Returns `name` as a quoted identifier.
std::string QuotedName(const std::string& name);

// Reads the first column of all rows, as text, of a statement with one
// parameter or none.
Status QueryTexts(sqlite3* db, const std::string& sql,
                  const std::string& parameter,
                  std::vector<std::string>* texts);

}  // namespace actorkv

#endif  // ACTORKV_SQL_HISTORY_VERSION_H_
