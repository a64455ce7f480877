// LockFile: an open file, single bytes of which are locked between processes.
//
// The locks belong to the open file (F_OFD_SETLK, Linux 3.15). Those that POSIX
// has belong to the process, and all of them go as soon as any code of the
// process closes any descriptor of the file: a backup made by the application,
// or whatever reads the directory.
//
// Invariants:
//  1. A lock ends with its LockFile or with the process, and by nothing else
//     that happens in the process.
//  2. A child of fork() does not keep a lock of its parent: it shares the open
//     files, so it would hold the lock when its parent has long ended. Every
//     LockFile is closed in the child before fork() returns there. A file is
//     open and known to the handler in one step, as seen by fork(). Calls
//     without fork's handlers, vfork() and posix_spawn(), lead to exec, which
//     closes it.

#ifndef ACTORKV_KV_FILES_LOCK_FILE_H_
#define ACTORKV_KV_FILES_LOCK_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kv/base/status.h"

namespace actorkv {

class LockFile {
 public:
  enum class Kind { kShared, kExclusive };

  // Opens the file; with `create` one that is missing is made. Errors:
  // kIOError; kNoSpace; kInvalidArgument for a link; kNotFound for a file, or a
  // directory, that is not there.
  static Status Open(const std::string& path, bool create,
                     std::unique_ptr<LockFile>* file);
  // The same, of one that is there and only for shared locks: so also where
  // nothing may be written.
  static Status OpenToShare(const std::string& path,
                            std::unique_ptr<LockFile>* file);

  // Says whether anybody, this process included, has a lock, of whatever kind,
  // on one of these bytes of the file at `path`; *locked is false where there
  // is no file. Errors: kIOError.
  static Status Look(const std::string& path, int64_t first_byte,
                     int64_t byte_count, bool* locked);
  // The first bytes of all locks that begin there, in no order; of more than
  // `most` some. Errors: the same.
  static Status ListLocked(const std::string& path, int64_t first_byte,
                           int64_t byte_count, size_t most,
                           std::vector<int64_t>* bytes);
  // The same as Look(); false also where the file cannot be looked at.
  static bool IsLocked(const std::string& path, int64_t first_byte,
                       int64_t byte_count);

  ~LockFile();
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

  // Locks one byte, which need not be in the file. *locked: whether it is ours;
  // somebody else has it otherwise. Waits for nobody. Errors: kIOError.
  Status TryLock(int64_t byte, Kind kind, bool* locked);

  // Says whether anybody else has a lock, of whatever kind, on one of these
  // bytes; false also where the system does not say.
  bool IsLockedElsewhere(int64_t first_byte, int64_t byte_count) const;

  // The descriptor, for other uses of the file. Negative in a child of fork().
  int fd() const { return fd_; }

 private:
  LockFile(int fd, std::string path);
  template <typename OpenFile>
  static Status OpenWith(const std::string& path, const OpenFile& open_file,
                         std::unique_ptr<LockFile>* file);
  static void CloseAllInChild();
  static const bool closes_in_child_;

  int fd_;
  const std::string path_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_LOCK_FILE_H_
