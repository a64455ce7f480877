// Stoppage: knows whether RocksDB has given up compacting because the disk was
// full.
//
// After a compaction that found no room, RocksDB 7.8 compacts nothing until
// much more is free than it needs (SstFileManagerImpl), on a small disk never;
// what was removed then stays on the disk. Only opening the database again ends
// it. Thread-safe.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_STOPPAGE_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_STOPPAGE_H_

#include <rocksdb/listener.h>

#include <atomic>
#include <chrono>
#include <memory>

namespace actorkv {

class Stoppage {
 public:
  using Clock = std::chrono::steady_clock;

  // The time between two attempts to end it, at least.
  static constexpr std::chrono::seconds kRestartInterval{2};

  // Has `stoppage` be told by RocksDB.
  static std::shared_ptr<rocksdb::EventListener> NewListener(
      std::shared_ptr<Stoppage> stoppage);

  void Begin() { has_begun_.store(true, std::memory_order_relaxed); }

  // Says whether it should be ended at this moment. Costs one load where there
  // is none.
  bool IsDue() const {
    return has_begun_.load(std::memory_order_relaxed) &&
           Clock::now().time_since_epoch() >= next_.load();
  }

  // These tell that it is being ended, or that this is put off.
  void End() {
    has_begun_.store(false, std::memory_order_relaxed);
    PutOff();
  }
  void PutOff() { next_ = Clock::now().time_since_epoch() + kRestartInterval; }

 private:
  std::atomic<bool> has_begun_{false};
  std::atomic<Clock::duration> next_{Clock::duration::min()};
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_STOPPAGE_H_
