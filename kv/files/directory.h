// These handle directories with system calls alone: list them, say how much
// space they take, make them.

#ifndef ACTORKV_KV_FILES_DIRECTORY_H_
#define ACTORKV_KV_FILES_DIRECTORY_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"

namespace actorkv {

// Checks a path that is to be made: ok unless it would lie in the directory of
// a store, which holds nothing but the store's own files. Errors:
// kInvalidArgument.
Status CheckNotInStore(const std::string& path);

// Makes the directory, not its parents; an existing one is fine. Errors: also
// those of CheckNotInStore().
Status MakeDirectory(const std::string& directory);

// Makes names that were created or changed in `directory` durable.
Status SyncDirectory(const std::string& directory);

// Calls `visit` for every name but "." and "..", with its d_type (readdir(3)),
// and stops where it fails.
using NameVisitor = std::function<Status(const std::string& name, int type)>;
Status VisitNames(const std::string& directory, const NameVisitor& visit);

// Lists the names that begin with `prefix`, sorted.
Status ListNames(const std::string& directory, std::string_view prefix,
                 std::vector<std::string>* names);

// Sums up the sizes of the files in `directory`.
Status DirectoryBytes(const std::string& directory, uint64_t* bytes);

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_DIRECTORY_H_
