// The namespaces of a legacy actor that are not SQLite's, as ordinary tables
// in its own database, where they can be queried and joined:
//
//   _actorkv_kv(key BLOB, value BLOB)             user keys, without prefix
//   _actorkv_queue_messages(id INTEGER, value BLOB)
//   _actorkv_workflow(key BLOB, value BLOB)       key: the tuple
//   _actorkv_traces(key BLOB, value BLOB)         key: the tuple
//   _actorkv_connections(conn_id, value BLOB)     text where it is UTF-8
//   _actorkv_meta(key BLOB, value BLOB)           all others, by whole key
//
// Keys are those of layout 1. The id of a message past 2^63 - 1 is shown less
// 2^64. The pairs stay what counts: an export in one of Rivet's forms takes
// them and leaves these tables out.

#ifndef ACTORKV_SQL_MIGRATE_LEGACY_TABLES_H_
#define ACTORKV_SQL_MIGRATE_LEGACY_TABLES_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "kv/rivet/legacy_keys.h"
#include "kv/rivet/pairs.h"
#include "sql/bind/connection.h"
#include "sql/bind/target.h"
#include "vfs/legacy/table_removal.h"

namespace actorkv {

// Makes the tables that are not there yet, in one transaction, which counts as
// part of the migration. REQUIRES: the actor is live. Errors:
// kAlreadyExists when the database has a table of its own by such a name;
// kBusy, kNoSpace, kIOError, kCorruption.
Status PlaceInTables(const Connection& connection, const Target& target);

// PlaceStep makes tables of an actor's pairs: `pairs` in layout 1, over `db`,
// asking `keep_on` now and then. What it has to tell goes to *notes, which are
// kept with the actor.
using PlaceStep = std::function<Status(
    PairReader* pairs, const std::function<Status()>& keep_on, sqlite3* db,
    std::vector<std::string>* notes)>;

// Does `step` with the actor's pairs as a part of its migration: under its
// lease, and with its commits in the record. Errors: those of the step;
// kInvalidArgument when the migration was undone meanwhile.
Status Place(const Connection& connection, const Target& target,
             const PlaceStep& step);

// Returns what sqlite_schema has of the tables that a migration makes, these
// and Rivet's (sql/migrate/rivet_schema.h), each as it was made.
std::vector<SchemaTable> PlacedTables();

// PlacedTable: one of these tables.
struct PlacedTable {
  SchemaTable schema;
  const char* key;       // the name of its key column
  std::string prefix;    // of the pairs' keys, which the table leaves out
  bool has_ids = false;  // the key is the id of a message
};
constexpr size_t kPlacedTableCount = 6;
PlacedTable PlacedTableAt(size_t index);

// Returns which of them has the pairs of a namespace.
size_t PlacedTableOf(LegacyNamespace space);

}  // namespace actorkv

#endif  // ACTORKV_SQL_MIGRATE_LEGACY_TABLES_H_
