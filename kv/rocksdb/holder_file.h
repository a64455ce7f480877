// HolderFile: says which process has a store open for writing, in a file of
// our own (actorkv.pid) beside RocksDB's files. HolderWait: says in the same
// file that somebody waits for the store.
//
// The file is taken before RocksDB is asked, so that a losing process touches
// none of RocksDB's files (even a failed DB::Open rotates the winner's info
// log).
//
//   byte 0   POSIX write lock of the holder: F_GETLK names its pid
//   byte 1   write lock of the holder's open file: this one keeps others out
//   byte 2   read lock of the open file of each who waits
//   byte 3   write lock of the open file of who is there to own the store
//            (kv/rocksdb/owner_claim.h)
//   2^32 on  read locks of the open files of hosts that share the store
//            (kv/files/host_mark.h)
//   all      POSIX write lock of a holder of an older version of this module
//
// The text of the file is the pid of the last holder, for those to whom the
// kernel does not tell it: in another pid namespace, and when byte 0 is free
// because code of the holder's process has closed the file.
//
// Invariants:
//  1. There is at most one holder, whatever any process does with the file but
//     remove it: see kv/files/lock_file.h. Of an older version there is one or
//     none, and none beside a holder of this version, as its lock takes in
//     byte 1.
//  2. The file is never removed: a process that locked a removed file would
//     exclude nobody.
//  3. A process that waits keeps nobody of this version from being the holder.

#ifndef ACTORKV_KV_ROCKSDB_HOLDER_FILE_H_
#define ACTORKV_KV_ROCKSDB_HOLDER_FILE_H_

#include <memory>
#include <string>

#include "kv/base/status.h"
#include "kv/files/lock_file.h"
#include "kv/files/store_marker.h"

namespace actorkv {

class HolderFile {
 public:
  // Takes the lock of `directory`, which must exist.
  // Errors: kBusy "store is open in process 1234: DIR"; kIOError; kNoSpace.
  static Status Take(const std::string& directory,
                     std::unique_ptr<HolderFile>* holder);

  // Says whether some process, this one or another, has the lock of
  // `directory`; false where that cannot be known.
  static bool IsHeld(const std::string& directory);

  // Returns "process 1234", or "another process": who has it, or had it last.
  static std::string HolderIn(const std::string& directory);
  // Returns the error of Take() where somebody has it: kBusy.
  static Status OpenElsewhere(const std::string& directory);

  // Releases the lock.
  ~HolderFile() = default;
  HolderFile(const HolderFile&) = delete;
  HolderFile& operator=(const HolderFile&) = delete;

  // Says whether anybody waits for the store. Costs a system call.
  bool IsWaitedFor() const;

 private:
  explicit HolderFile(std::unique_ptr<LockFile> file);

  const std::unique_ptr<LockFile> file_;
};

// HolderWait: from its making to its end it says that somebody waits for the
// store in `directory`. Where the file cannot be opened or marked, the holder
// does not see it, and it sees no holder.
class HolderWait {
 public:
  explicit HolderWait(const std::string& directory);

  // Says whether anybody has the store open for writing.
  bool IsHeld() const;
  // Says whether anybody else waits.
  bool OthersWait() const;

 private:
  std::unique_ptr<LockFile> file_;  // null: not to be had
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_HOLDER_FILE_H_
