// RocksDbCompaction: gives back the space of what was removed from a database.
//
// A compaction writes before it frees. On a disk that has no room for that it
// is left for later, and is no error: what was removed is removed. RocksDB,
// which would refuse commits and compact nothing until much more is free, is
// opened again. Ranges that are left when the process ends are compacted by
// RocksDB when other writes bring that about.
//
// Thread-safe.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_COMPACTION_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_COMPACTION_H_

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "kv/base/status.h"
#include "kv/rocksdb/rocksdb_handle.h"
#include "kv/rocksdb/rocksdb_keys.h"

namespace actorkv {

class RocksDbCompaction {
 public:
  // Range: physical keys from the first one on, and before the last one.
  struct Range {
    Family family = Family::kDefault;
    std::string first;
    std::string last;
  };

  // Ranges that are remembered; more of them make the oldest ones longer.
  static constexpr size_t kMaxLeft = 64;

  // `handle` outlives it.
  explicit RocksDbCompaction(RocksDbHandle* handle) : handle_(handle) {}

  // REQUIRE: the thread has no Hold. Errors: those of RocksDbHandle::Use();
  // kCorruption; kIOError.
  Status Compact(const Range& range);
  // Compacts what was left, where there is much more room by then. Costs a lock
  // where nothing was left.
  Status Finish();

 private:
  struct Left {
    Range range;
    uint64_t free_bytes = 0;  // on the disk, which were not enough
  };

  // *left: there was no room.
  Status Run(const Range& range, bool* left);
  void Leave(Left left);
  bool TakeOldest(Left* left);

  RocksDbHandle* const handle_;
  std::mutex mutex_;
  std::deque<Left> left_;  // guarded by mutex_
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_COMPACTION_H_
