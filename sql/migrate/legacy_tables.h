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

#include <vector>

#include "sql/bind/connection.h"
#include "sql/bind/target.h"
#include "vfs/legacy/table_removal.h"

namespace actorkv {

// Makes the tables that are not there yet, in one transaction, which counts as
// part of the migration. REQUIRES: the actor is live. Errors:
// kAlreadyExists when the database has a table of its own by such a name;
// kBusy, kNoSpace, kIOError, kCorruption.
Status PlaceInTables(const Connection& connection, const Target& target);

// Returns what sqlite_schema has of these tables, each as it was made.
std::vector<SchemaTable> PlacedTables();

}  // namespace actorkv

#endif  // ACTORKV_SQL_MIGRATE_LEGACY_TABLES_H_
