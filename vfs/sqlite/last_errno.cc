#include "vfs/sqlite/last_errno.h"

#include <cerrno>

namespace actorkv {

namespace {

// A plain number for each thread, like errno: SQLite asks in the thread that
// failed.
thread_local int last_errno = 0;

// Hosts read the number by sqlite3_system_errno(): the nearest one that the
// system has is better than none.
int ErrnoOfCode(Code code) {
  switch (code) {
    case Code::kOk:
      return 0;
    case Code::kNotFound:
      return ENOENT;
    case Code::kAlreadyExists:
      return EEXIST;
    case Code::kInvalidArgument:
      return EINVAL;
    case Code::kBusy:
    case Code::kConflict:
      return EAGAIN;
    case Code::kFenced:
      return ESTALE;
    case Code::kNoSpace:
      return ENOSPC;
    case Code::kCorruption:
    case Code::kIOError:
      return EIO;
    case Code::kNotSupported:
      return ENOTSUP;
    case Code::kNoMemory:
      return ENOMEM;
    case Code::kReadOnly:
      return EACCES;
    case Code::kInterrupted:
      return EINTR;
  }
  return EIO;
}

}  // namespace

void SetLastErrno(const Status& status) {
  last_errno = status.system_errno() != 0 ? status.system_errno()
                                          : ErrnoOfCode(status.code());
}

void ClearLastErrno() { last_errno = 0; }

int LastErrno() { return last_errno; }

}  // namespace actorkv
