// The pairs of a legacy actor in the tables that Rivet 2.3.5 and later has for
// them (sql/migrate/rivet_schema.h), as Rivet itself moves them at an upgrade:
//
//   pair                  becomes
//   1 state               _rivet_actor, _rivet_actor_state; its scheduled
//                         events rows of _rivet_schedule_events of kind 0
//   2 connection          _rivet_conns, _rivet_conn_state; headers and
//                         subscriptions as CBOR
//   3 inspector           _rivet_runtime.inspector_token
//   4 user                _rivet_user_kv, as it is
//   5 1 1 queue metadata  _rivet_runtime.queue_next_id
//   5 1 2 message         _rivet_queue
//   6 alarm               _rivet_runtime.last_pushed_alarm
//   6 1 workflow          _rivet_wf_kv, as it is
//
// Traces, keys that are not known and the connections of old states have no
// place there. They stay pairs, and a note of the actor tells of them.

#ifndef ACTORKV_SQL_MIGRATE_RIVET_TABLES_H_
#define ACTORKV_SQL_MIGRATE_RIVET_TABLES_H_

#include "sql/bind/connection.h"
#include "sql/bind/target.h"

namespace actorkv {

// Makes the tables in one transaction, which counts as part of the migration;
// where they are there from an earlier call, they are left as they are.
// REQUIRES: the actor is live. Errors: kAlreadyExists when the database has
// tables of Rivet's own; kNotSupported, kCorruption, naming the key, for a pair
// that does not decode, and for a message with what a row has no column for;
// kBusy, kNoSpace, kIOError.
Status PlaceInRivetTables(const Connection& connection, const Target& target);

}  // namespace actorkv

#endif  // ACTORKV_SQL_MIGRATE_RIVET_TABLES_H_
