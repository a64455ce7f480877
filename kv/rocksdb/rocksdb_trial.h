// RocksDbTrial: finds out whether RocksDB works in this process, a child of
// fork(): whether work with it comes to an end. Work that does not stays
// behind, in a thread that waits for ever.
//
// Thread-safe.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_TRIAL_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_TRIAL_H_

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

namespace actorkv {

// Opens a database in memory, writes, flushes and closes it: which takes all
// locks of RocksDB's static objects that a store ever takes.
void UseRocksDbOnce();

class RocksDbTrial {
 public:
  // Begins `work` in a thread. Null: the system has none.
  static std::shared_ptr<RocksDbTrial> Begin(void (*work)());
  RocksDbTrial(const RocksDbTrial&) = delete;
  RocksDbTrial& operator=(const RocksDbTrial&) = delete;

  // Whether it has come to its end, which is waited for.
  bool EndsWithin(std::chrono::milliseconds time);

 private:
  explicit RocksDbTrial(void (*work)()) : work_(work) {}
  static void* RunThread(void* given);

  void (*const work_)();
  std::mutex mutex_;
  std::condition_variable ended_;
  bool has_ended_ = false;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_TRIAL_H_
