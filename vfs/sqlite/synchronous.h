// ParseSynchronous() reads the value of PRAGMA synchronous as SQLite does.

#ifndef ACTORKV_VFS_SQLITE_SYNCHRONOUS_H_
#define ACTORKV_VFS_SQLITE_SYNCHRONOUS_H_

namespace actorkv {

// Returns 0 OFF, 1 NORMAL, 2 FULL, 3 EXTRA (pragma.c getSafetyLevel, 3.40.1):
// of numbers, of words, and NORMAL for what SQLite does not know.
int ParseSynchronous(const char* value);

}  // namespace actorkv

#endif  // ACTORKV_VFS_SQLITE_SYNCHRONOUS_H_
