#include "kv/rocksdb/rocksdb_use.h"

#include <atomic>
#include <cstdint>
#include <utility>

#include "kv/base/per_process.h"
#include "kv/base/process_end.h"

namespace actorkv {
namespace {

struct OutsideUse {
  Gate gate;
  bool ended = false;  // under the gate
};

PerProcess<OutsideUse> outside_use;

// One more than ForkCount() when RocksDB was first used; 0: it was not.
std::atomic<uint64_t> first_used{0};

OutsideUse* GetOutsideUse() { return outside_use.Get(); }

}  // namespace

bool MayUseRocksDb() {
  const uint64_t used = first_used.load();
  return used == 0 || used == ForkCount() + 1;
}

Status NoteUseOfRocksDb(const std::string& what) {
  uint64_t unused = 0;
  first_used.compare_exchange_strong(unused, ForkCount() + 1);
  if (MayUseRocksDb()) return Status::Ok();
  return Status::NotSupported(
      "the process that this one was forked from had a database of RocksDB "
      "open, and so this one can open none: " +
      what);
}

Status UseRocksDb(const std::string& what, Gate::Hold* hold) {
  if (Status s = NoteUseOfRocksDb(what); !s.ok()) return s;
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
