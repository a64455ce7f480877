// Ballast: space that a store sets aside on its disk, in a file of ours
// (actorkv.reserve), for the moment when others have filled it.
//
// What was committed lies in the log until it is written out, and an open
// writes it out first. On a disk that is full to the last byte that fails, and
// with it everything that would give space back: retention, reclaim, purge. So
// the file is at least as large as what an open would write, and goes when the
// disk is full; when there is room again it is made again. While it is missing,
// what is free is for removing: RocksDB does not compact by itself, and what
// Compact() is asked for is left (kv/rocksdb/rocksdb_compaction.h).
//
// A store whose tables are smaller than kMinBallastStoreBytes has none, nor has
// a store on a file system that cannot allocate without writing (fallocate,
// Linux).
//
// Invariants:
//  1. The file never holds anything: it may be removed at any time.
//  2. Making it takes no space that a commit was refused for: it is made and
//     grows only where that much, and the reserve, is free beside it.
//
// Thread-safe.

#ifndef ACTORKV_KV_ROCKSDB_BALLAST_H_
#define ACTORKV_KV_ROCKSDB_BALLAST_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

namespace actorkv {

inline constexpr char kBallastFileName[] = "actorkv.reserve";

inline constexpr uint64_t kMinBallastStoreBytes = uint64_t{64} << 20;

// The file grows and shrinks in steps of so many bytes, so that it is rarely
// touched.
inline constexpr uint64_t kBallastStepBytes = uint64_t{4} << 20;

// The bytes that an open and the first removals write beside tables: a
// manifest, a log, records.
inline constexpr uint64_t kBallastOverheadBytes = uint64_t{3} << 20;

class Ballast {
 public:
  // Takes over the file that the store has. `directory` as in RocksDbHandle.
  explicit Ballast(std::string directory);

  uint64_t size_bytes() const { return size_bytes_.load(); }

  // The sizes that decide how large the file should be, in bytes.
  struct Need {
    uint64_t flush_bytes = 0;  // that an open would write
    uint64_t store_bytes = 0;  // the store's tables have
    uint64_t free_bytes = 0;   // the file may take
  };

  // Makes the file as large as it should be, as far as the file system can. A
  // step more than that stays, or it would come and go all the time.
  void Keep(const Need& need);

  // Cuts the file at the end of a life: no more than an open would write, which
  // is `flush_bytes`, needs to stay.
  void Trim(uint64_t flush_bytes);

  // Gives the space back. False: there was none to give.
  bool GiveUp();

  // Returns true where this process gave the file up, and there has been no
  // room for it since.
  bool IsMissing() const { return is_missing_.load(); }

 private:
  // REQUIRES: mutex_ held.
  void Cut(uint64_t bytes);

  const std::string path_;
  std::mutex mutex_;  // guards the file
  std::atomic<uint64_t> size_bytes_{0};
  std::atomic<bool> is_missing_{false};
  bool is_possible_ = true;  // guarded by mutex_
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_BALLAST_H_
