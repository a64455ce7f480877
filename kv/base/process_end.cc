#include "kv/base/process_end.h"

#include <utility>

namespace actorkv {
namespace {

struct OutsideUse {
  Gate gate;
  bool ended = false;  // under the gate
};

// The object is leaked on purpose: it is used while the process ends.
OutsideUse* GetOutsideUse() {
  static auto* const use = new OutsideUse;
  return use;
}

}  // namespace

Status ProcessIsEnding(const std::string& what) {
  return Status::IOError("the process is ending: " + what);
}

Status UseRocksDb(const std::string& what, Gate::Hold* hold) {
  OutsideUse* const use = GetOutsideUse();
  Gate::Hold taken = use->gate.Shared();
  // Looked at under the gate: EndUseOfRocksDb() waits for those who saw it
  // false.
  if (use->ended) return ProcessIsEnding(what);
  *hold = std::move(taken);
  return Status::Ok();
}

bool EndUseOfRocksDb(std::chrono::steady_clock::time_point give_up) {
  OutsideUse* const use = GetOutsideUse();
  const Gate::Exclusive exclusive(&use->gate, give_up);
  if (exclusive.owns()) use->ended = true;
  return exclusive.owns();
}

}  // namespace actorkv
