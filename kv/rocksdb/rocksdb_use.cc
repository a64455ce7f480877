#include "kv/rocksdb/rocksdb_use.h"

#include <utility>

#include "kv/base/process_end.h"

namespace actorkv {
namespace {

struct OutsideUse {
  Gate gate;
  bool ended = false;  // under the gate
};

// Leaked on purpose: it is used while the process ends.
OutsideUse* GetOutsideUse() {
  static auto* const use = new OutsideUse;
  return use;
}

}  // namespace

Status UseRocksDb(const std::string& what, Gate::Hold* hold) {
  OutsideUse* const use = GetOutsideUse();
  Gate::Hold taken = use->gate.Shared();
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
