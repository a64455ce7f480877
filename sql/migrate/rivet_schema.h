// The tables of RivetKit 2.3.5 and later in an actor's own database, which hold
// what were pairs before (kv/rivet/actor_persist.h):
//
//     _rivet_meta              schema_version: i64, little-endian;
//                              kv_import_state: 'importing' or 'done';
//                              run_wake_at: as the pair of an alarm
//     _rivet_runtime           alarm, inspector's token, queue's next id
//     _rivet_actor             with _rivet_actor_state
//     _rivet_schedule_events   kind: 0 once, 1 cron, 2 every
//     _rivet_schedule_history
//     _rivet_conns             with _rivet_conn_state
//     _rivet_queue
//     _rivet_wf_kv             keys are the pairs' keys, whole
//     _rivet_user_kv           likewise
//
// Version 1 of the schema is that of 2.3.5 to 2.3.18. Version 2, of 2.3.19, has
// the columns ray_id, traceparent and tracestate in _rivet_schedule_events and
// _rivet_queue. Rivet raises version 1 by itself, and refuses one above its
// own.

#ifndef ACTORKV_SQL_MIGRATE_RIVET_SCHEMA_H_
#define ACTORKV_SQL_MIGRATE_RIVET_SCHEMA_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kv/base/status.h"
#include "vfs/legacy/table_removal.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

struct RivetSchema {
  int64_t version = 0;
  std::vector<SchemaTable> tables;  // as the schema table has them

  bool has_traces() const { return version >= 2; }
};

// The version that is made here: the one that every Rivet with these tables
// takes.
inline constexpr int64_t kMadeRivetSchema = 1;

// Finds the tables; nullopt: there is none. Errors: kNotSupported for a version
// or a table that is not known, and for tables with other columns, or rows of
// any type, so that who reads them need not look; kInvalidArgument where some
// are missing, or Rivet has not finished to fill them, so that the pairs count.
Status FindRivetSchema(sqlite3* db, std::optional<RivetSchema>* schema);

// Returns the tables as they are made here, without their indexes.
std::vector<SchemaTable> MadeRivetTables();

// Makes tables and indexes, of version kMadeRivetSchema, marked as done.
// REQUIRES: a transaction; what is to fill them commits with it.
Status MakeRivetTables(sqlite3* db);

}  // namespace actorkv

#endif  // ACTORKV_SQL_MIGRATE_RIVET_SCHEMA_H_
