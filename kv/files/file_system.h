// What file system a directory is on, as far as that matters for locks and
// shared memory: one that machines share with each other has neither, or only
// among the processes of one machine.

#ifndef ACTORKV_KV_FILES_FILE_SYSTEM_H_
#define ACTORKV_KV_FILES_FILE_SYSTEM_H_

#include <cstdint>
#include <string>

namespace actorkv {

// Returns the name of the file system with this number (statfs(2), f_type)
// where other machines may have it as well, "NFS"; null: it is of this machine,
// as far as is known.
const char* SharedFileSystemName(int64_t type);

// Returns the name of that on which `directory` is; empty: it is of this
// machine, or cannot be looked at.
std::string SharedFileSystemOf(const std::string& directory);

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_FILE_SYSTEM_H_
