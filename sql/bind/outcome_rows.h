// OutcomeRows: the rows of a table function that does something to one actor
// after another: import_all, export_all, migrate_all. A row is the outcome of
// one, and is there before the next actor is begun.
//
// The columns come first in the declaration of the table:
//
//     actor TEXT, state TEXT, bytes INTEGER, duration_ms INTEGER, error TEXT
//
// and where the work tells of a form, form TEXT behind them.

#ifndef ACTORKV_SQL_BIND_OUTCOME_ROWS_H_
#define ACTORKV_SQL_BIND_OUTCOME_ROWS_H_

#include <cstdint>
#include <string>

#include "sql/bind/table.h"

namespace actorkv {

constexpr int kOutcomeColumnCount = 5;

// ActorOutcome says what came of one actor.
struct ActorOutcome {
  std::string actor;
  Status status;           // not ok: state is "failed", there are no bytes
  bool skipped = false;    // it is no actor: state is "skipped"
  const char* state = "";  // after it
  const char* form = "";   // the one in which it came
  uint64_t bytes = 0;
};

class OutcomeRows : public RowSource {
 public:
  // `store`: of the actors.
  OutcomeRows(Connection* connection, const Store& store);

  // Does the next actor. One that fails is a row with its error, and the next
  // call goes on behind it. Errors: kInterrupted; those of Work().
  Status Next(bool* has_row) final;
  void Column(int index, Result* result) const final;

 protected:
  Connection* connection() const { return connection_; }

  // Does the work for the next actor; *has_row is false past the last. The
  // result is not ok when there is no going on.
  virtual Status Work(ActorOutcome* outcome, bool* has_row) = 0;

 private:
  void Keep(const ActorOutcome& outcome) const;

  Connection* const connection_;
  const std::string store_path_;
  ActorOutcome outcome_;
  uint64_t duration_ms_ = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_BIND_OUTCOME_ROWS_H_
