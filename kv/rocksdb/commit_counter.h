// CommitCounter: tells followers in other processes that a store changed.
//
// The writer counts in a file of ours (actorkv.commits) that it maps into
// memory, so that counting costs no system call; followers read the number.
// Sizes and times of RocksDB's files would not do: its log is written over
// zeros (kv/rocksdb/rocksdb_log_file.h), and times are coarse.
//
// The file, in the byte order of the machine, whose processes alone share it:
//
//     0   8   count
//     8   8   a random number, of the last open for writing
//
// A file of another store of the same age has the same count, and a file that
// was removed and made again may have the same inode: the random number
// differs. The file says nothing about a store at rest and need not survive a
// power loss: every open for writing counts on from what it finds. Older
// modules know a file of the first 8 bytes alone.
//
// Invariants:
//  1. The number rises after a write is readable by other processes and before
//     anybody is told that it is done. So a follower that reads the number and
//     then opens the database sees every write that was done at that moment.
//  2. The file is never cut or replaced by us: a mapping of it stays valid.

#ifndef ACTORKV_KV_ROCKSDB_COMMIT_COUNTER_H_
#define ACTORKV_KV_ROCKSDB_COMMIT_COUNTER_H_

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "kv/base/status.h"

namespace actorkv {

inline constexpr char kCommitCounterFileName[] = "actorkv.commits";

class CommitCounter {
 public:
  // Makes the file in `directory` where it is missing, and writes a new random
  // number to it. Errors: kInvalidArgument for a link; kNoSpace; kIOError.
  static Status Open(const std::string& directory,
                     std::unique_ptr<CommitCounter>* counter);

  ~CommitCounter();
  CommitCounter(const CommitCounter&) = delete;
  CommitCounter& operator=(const CommitCounter&) = delete;

  // Thread-safe.
  void Increment() { value_->fetch_add(1, std::memory_order_release); }

 private:
  explicit CommitCounter(std::atomic<uint64_t>* value) : value_(value) {}

  std::atomic<uint64_t>* const value_;  // mapped
};

// CommitCount: what a follower sees of the file. Between two equal values
// nothing was written.
struct CommitCount {
  // The device and inode of the file, 0 where there is none: a directory may be
  // replaced as a whole while it is followed.
  dev_t device = 0;
  ino_t inode = 0;
  uint64_t count = 0;
  uint64_t random = 0;  // 0: an older module wrote the file

  friend bool operator==(const CommitCount& a, const CommitCount& b) {
    return a.device == b.device && a.inode == b.inode && a.count == b.count &&
           a.random == b.random;
  }
};

// Reads the file, which a store that nobody wrote to since it was copied does
// not have. Errors: kIOError.
Status ReadCommitCount(const std::string& directory, CommitCount* count);

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_COMMIT_COUNTER_H_
