// The namespaces of a legacy actor that are not SQLite's, as ordinary tables
// in its own database, where they can be queried and joined:
//
//   _actorkv_kv(key BLOB, value BLOB)             user keys, without prefix
//   _actorkv_queue_messages(id INTEGER, value BLOB)
//   _actorkv_workflow(key BLOB, value BLOB)       key: the tuple
//   _actorkv_traces(key BLOB, value BLOB)         key: the tuple
//   _actorkv_connections(conn_id, value BLOB)     text where it is UTF-8
//   _actorkv_meta(key BLOB, value BLOB)           all others, by whole key
//   _actorkv_oversized(key BLOB, value BLOB)      by whole key, where there are
//                                                 any: pairs above the limits
//                                                 of the import
//
// Of an opaque actor all pairs are in _actorkv_kv, by whole key, or in
// _actorkv_oversized, and there are no other tables.
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

#include "kv/base/work_meter.h"
#include "kv/format/legacy_record.h"
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

// Placing is what tables are made of and where.
struct Placing {
  PairReader* pairs = nullptr;  // in layout 1; of an opaque actor as they are
  const LegacyRecord* record = nullptr;
  std::function<Status()> keep_on;  // to be asked now and then
  sqlite3* db = nullptr;            // the actor, open for writing
  // What is to be told, which is kept with the actor.
  std::vector<std::string>* notes = nullptr;
  WorkMeter* work = nullptr;  // shows what is done
};

// PlaceStep makes tables of an actor's pairs.
using PlaceStep = std::function<Status(const Placing&)>;

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
  const char* key;            // the name of its key column
  std::string prefix;         // of the pairs' keys, which the table leaves out
  bool has_ids = false;       // the key is the id of a message
  bool is_oversized = false;  // it has pairs of all kinds
};
constexpr size_t kPlacedTableCount = 7;
// `opaque`: as it is in the database of an opaque actor.
PlacedTable PlacedTableAt(size_t index, bool opaque);

// Returns which of them a pair of the actor becomes a row of.
size_t PlacedTableOf(const LegacyRecord& record, const KeyValue& pair);
// The same for a pair that is within the limits, of its namespace.
size_t PlacedTableOf(LegacyNamespace space);

}  // namespace actorkv

#endif  // ACTORKV_SQL_MIGRATE_LEGACY_TABLES_H_
