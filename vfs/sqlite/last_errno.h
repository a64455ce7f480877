// These keep the error number of what this thread's last call of the VFS failed
// with, for sqlite3_system_errno(): SQLite asks xGetLastError for it after
// SQLITE_CANTOPEN and SQLITE_IOERR (util.c sqlite3SystemError, 3.40.1).

#ifndef ACTORKV_VFS_SQLITE_LAST_ERRNO_H_
#define ACTORKV_VFS_SQLITE_LAST_ERRNO_H_

#include "kv/base/status.h"

namespace actorkv {

// Keeps the number of `status`: its own one, or the one that a system call
// would give for such an error. ENOENT for what is not there, EAGAIN for what
// is in use.
void SetLastErrno(const Status& status);

// Forgets the number: the next call goes to another VFS, whose number counts.
void ClearLastErrno();

// Returns the number; 0: none.
int LastErrno();

}  // namespace actorkv

#endif  // ACTORKV_VFS_SQLITE_LAST_ERRNO_H_
