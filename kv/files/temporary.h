// Temporaries: files and directories that have a name of their own while they
// are written, and what stays of them when their writer dies.
//
// A name is ".actorkv-", 'f' for a file or 'd' for a directory, 16 random
// hexadecimal digits, '-', 8 that are computed from what comes before, and
// ".tmp". So no file of anybody else has such a name by chance. It has the same
// length whatever is written.
//
// Invariants:
//  1. The writer of a temporary holds a lock (flock) on it from the first
//     moment that it trusts the name to the last that it uses it. The kernel
//     ends the lock with the process, also in another container. Process
//     numbers would not do: they mean nothing there, and come again.
//  2. Only what has such a name, is of the kind that the name says and whose
//     lock is free is ever removed.

#ifndef ACTORKV_KV_FILES_TEMPORARY_H_
#define ACTORKV_KV_FILES_TEMPORARY_H_

#include <sys/types.h>

#include <string>
#include <string_view>

#include "kv/base/status.h"

namespace actorkv {

enum class TemporaryKind : char { kFile = 'f', kDirectory = 'd' };

// Returns a name that nothing else has.
std::string NewTemporaryName(TemporaryKind kind);

// Returns true for a name that NewTemporaryName() made; *kind is set then.
bool IsTemporaryName(std::string_view name, TemporaryKind* kind);

struct Temporary {
  std::string path;
  int fd = -1;  // holds the lock; open for writing where it is a file
};

// Makes an empty one in `directory`; `mode` is subject to the umask. Where the
// file system has no such lock, nobody removes what a dead writer left. Errors:
// kNotFound; kNoSpace; kIOError.
Status MakeTemporary(const std::string& directory, TemporaryKind kind,
                     mode_t mode, Temporary* temporary);

// Says whether `path` still names what `fd` has open.
bool IsStillNamed(int fd, const std::string& path);

// Takes the lock of a file that has no name yet.
void LockUnnamed(int fd);

// Removes what dead writers left in `directory`, and is silent where it cannot.
// Not each call looks at a directory with thousands of names, so that a file
// costs no more where there are many: the first call of the process, and then
// one of so many as there are thousands.
void RemoveLeftovers(const std::string& directory);

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_TEMPORARY_H_
