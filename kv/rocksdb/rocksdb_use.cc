#include "kv/rocksdb/rocksdb_use.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "kv/base/per_process.h"
#include "kv/base/process_end.h"
#include "kv/rocksdb/rocksdb_threads.h"
#include "kv/rocksdb/rocksdb_trial.h"

namespace actorkv {
namespace {

// A trial takes some milliseconds. Where the machine is so busy that it does
// not end by then, the next open finds that it has.
constexpr std::chrono::seconds kTrialTime{5};

// One more than ForkCount() of the process that used RocksDB first; 0: none
// did.
std::atomic<uint64_t> first_user{0};

std::atomic<void (*)()> trial_for_testing{nullptr};

struct RocksDbUse {
  Gate gate;           // of uses beside stores
  bool ended = false;  // under the gate

  std::mutex trial_mutex;
  std::shared_ptr<RocksDbTrial> trial;  // under the mutex; one in a process
};
PerProcess<RocksDbUse> use_of_process;

Status NoThread(const std::string& directory) {
  return Status::IOError("the system has no thread for RocksDB: " + directory);
}

void NoteUse() {
  uint64_t none = 0;
  first_user.compare_exchange_strong(none, ForkCount() + 1);
}

Status Try(const std::string& directory) {
  RocksDbUse* const use = use_of_process.Get();
  const std::lock_guard<std::mutex> lock(use->trial_mutex);
  std::chrono::milliseconds time{0};
  if (use->trial == nullptr) {
    void (*const work)() = trial_for_testing.load();
    use->trial = RocksDbTrial::Begin(work != nullptr ? work : UseRocksDbOnce);
    if (use->trial == nullptr) return NoThread(directory);
    time = kTrialTime;
  }
  if (use->trial->EndsWithin(time)) return Status::Ok();
  return Status::NotSupported(
      "RocksDB does not work in this process, whose parent used it in the "
      "moment of fork(): fork again, or have another process open the store: " +
      directory);
}

}  // namespace

Status PrepareUseOfRocksDb(const std::string& directory) {
  NoteUse();
  RocksDbThreads* const threads = RocksDbThreads::Instance();
  if (!threads->compactions.Raise(RocksDbThreads::kCount) ||
      !threads->flushes.Raise(RocksDbThreads::kCount)) {
    return NoThread(directory);
  }
  return ParentUsedRocksDb() ? Try(directory) : Status::Ok();
}

bool ParentUsedRocksDb() {
  const uint64_t first = first_user.load();
  return first != 0 && first != ForkCount() + 1;
}

Status UseRocksDb(const std::string& what, Gate::Hold* hold) {
  RocksDbUse* const use = use_of_process.Get();
  Gate::Hold taken = use->gate.Shared();
  if (use->ended) return ProcessIsEnding(what);
  *hold = std::move(taken);
  return Status::Ok();
}

bool EndUseOfRocksDb(std::chrono::steady_clock::time_point give_up) {
  RocksDbUse* const use = use_of_process.Get();
  const Gate::Exclusive exclusive(&use->gate, give_up);
  if (exclusive.owns()) use->ended = true;
  return exclusive.owns();
}

void SetRocksDbTrialForTesting(void (*trial)()) { trial_for_testing = trial; }

}  // namespace actorkv
