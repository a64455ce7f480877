#include "sql/bind/outcome_rows.h"

#include <chrono>
#include <utility>

#include "kv/base/utf8.h"
#include "kv/store/store.h"
#include "vfs/sqlite/actor_path.h"
#include "vfs/sqlite/last_error.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

OutcomeRows::OutcomeRows(Connection* connection, const Store& store)
    : connection_(connection), store_path_(store.path()) {}

// The statement does not fail, so it is the last error of the actor alone.
void OutcomeRows::Keep(const ActorOutcome& outcome) const {
  KeepErrorOfName(SqliteCode(Place::kFunction, outcome.status),
                  EscapedUtf8(outcome.status.ToString()),
                  FullName({store_path_, outcome.actor}));
}

Status OutcomeRows::Next(bool* has_row) {
  using Steady = std::chrono::steady_clock;
  *has_row = false;
  if (Status s = connection_->KeepOn(); !s.ok()) return s;
  // The steady clock does not jump, as the one on the wall may while thousands
  // of actors are worked on.
  const Steady::time_point begin = Steady::now();
  ActorOutcome outcome;
  if (Status s = Work(&outcome, has_row); !s.ok()) return s;
  // One actor that fails does not end the statement: it may be one of
  // thousands, and the others are done.
  if (*has_row && !outcome.status.ok()) Keep(outcome);
  outcome_ = std::move(outcome);
  duration_ms_ = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() -
                                                            begin)
          .count());
  // An interrupt ends the statement, and is not this actor's failure.
  return connection_->KeepOn();
}

void OutcomeRows::Column(int index, Result* result) const {
  const bool ok = outcome_.status.ok();
  switch (index) {
    case 0:
      return result->Text(outcome_.actor);
    case 1:
      // What was skipped is no actor that failed: a file beside the others, for
      // instance.
      if (outcome_.skipped) return result->Text("skipped");
      return result->Text(ok ? outcome_.state : "failed");
    case 2:
      if (ok) result->Int(outcome_.bytes);
      return;
    case 3:
      return result->Int(duration_ms_);
    case 4:
      if (ok) return;
      return result->ErrorText(outcome_.skipped
                                   ? std::string(outcome_.status.message())
                                   : outcome_.status.ToString());
    case kOutcomeColumnCount:
      if (ok) result->TextOrNull(outcome_.form);
      return;
    default:
      return;
  }
}

}  // namespace actorkv
