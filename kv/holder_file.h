// HolderFile: says which process has a store open for writing, in a file of
// our own (actorkv.pid) beside RocksDB's files.
//
// It is taken before RocksDB is asked, so that a losing process touches none
// of RocksDB's files (even a failed DB::Open rotates the winner's info log).
// RocksDB's LOCK file is never opened by us: closing it would drop RocksDB's
// own lock, because POSIX locks belong to the process and the file.
//
// The lock is a POSIX write lock: a child of fork() does not inherit it, it
// ends with the process however that dies, and F_GETLK names the holder.
//
// Invariants:
//  1. This process has the file open at most once: closing any descriptor of
//     it would drop the lock. A set of held files, by device and inode, sees
//     to that, also for two paths of one directory.
//  2. The file is never removed: a process that locked a removed file would
//     exclude nobody.

#ifndef ACTORKV_KV_HOLDER_FILE_H_
#define ACTORKV_KV_HOLDER_FILE_H_

#include <sys/stat.h>

#include <memory>
#include <string>

#include "kv/status.h"

namespace actorkv {

inline constexpr char kHolderFileName[] = "actorkv.pid";

class HolderFile {
 public:
  // Takes the lock of `directory`, which must exist.
  // Errors: kBusy "store is open in process 1234: DIR"; kIOError; kNoSpace.
  static Status Take(const std::string& directory,
                     std::unique_ptr<HolderFile>* holder);

  // Whether some process, this one or another, has the lock of `directory`.
  // False where that cannot be known.
  static bool IsHeld(const std::string& directory);

  // Releases the lock.
  ~HolderFile();
  HolderFile(const HolderFile&) = delete;
  HolderFile& operator=(const HolderFile&) = delete;

 private:
  HolderFile(int fd, const struct stat& file);

  const int fd_;
  const dev_t device_;
  const ino_t inode_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_HOLDER_FILE_H_
