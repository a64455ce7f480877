// The rows of Rivet's tables (sql/migrate/rivet_schema.h) as pairs of layout 1,
// as RivetKit 2.1.3 to 2.3.4 would have them.
//
// What no pair can hold:
//   schedules that come again (cron, every), and the history of schedules
//   run_wake_at, where it says when, and what else _rivet_meta may have
//   ids of traces beside an event or a message
//   a key of _rivet_user_kv that does not begin with 04, as actors in Rust have
//   them; one of _rivet_wf_kv that does not begin with 06 01
//   rows that Rivet itself would not write: a message with a negative id, a
//   connection without one, a state without an actor

#ifndef ACTORKV_SQL_MIGRATE_RIVET_ROWS_H_
#define ACTORKV_SQL_MIGRATE_RIVET_ROWS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "kv/rivet/pairs.h"
#include "sql/bind/sql_statement.h"
#include "sql/migrate/rivet_schema.h"

namespace actorkv {

// RivetPart says which of the pairs are wanted.
enum class RivetPart { kAll, kQueue, kWorkflow };

// Gives the pairs in the order of their keys, without the rows that no pair can
// hold. `db` must outlive them. Next() fails with kInvalidArgument for headers
// or subscriptions of another shape than Rivet's, naming the connection.
Status OpenRivetPairs(sqlite3* db, RivetPart part,
                      std::unique_ptr<PairSource>* pairs);

// A row that no pair can hold.
struct UnmappedRow {
  std::string table;
  std::string key;     // as text, hexadecimal where it is a blob
  uint64_t bytes = 0;  // of what it holds
};

class UnmappedRows {
 public:
  // `db` must outlive the object.
  Status Open(sqlite3* db, const RivetSchema& schema);
  Status Next(UnmappedRow* row, bool* more);

 private:
  SqlStatement rows_;
};

// Checks that there is no such row. Errors: kNotSupported, naming the first of
// them with their sizes, and how many there are.
Status CheckAllMapped(sqlite3* db, const RivetSchema& schema);

}  // namespace actorkv

#endif  // ACTORKV_SQL_MIGRATE_RIVET_ROWS_H_
