// The value of PRAGMA synchronous, as SQLite reads it.

#ifndef ACTORKV_VFS_SQLITE_SYNCHRONOUS_H_
#define ACTORKV_VFS_SQLITE_SYNCHRONOUS_H_

namespace actorkv {

// 0 OFF, 1 NORMAL, 2 FULL, 3 EXTRA (pragma.c getSafetyLevel, 3.40.1): numbers,
// words, and NORMAL for what it does not know.
int ParseSynchronous(const char* value);

}  // namespace actorkv

#endif  // ACTORKV_VFS_SQLITE_SYNCHRONOUS_H_
