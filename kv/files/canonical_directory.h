// Names of directories without links, and a memory of them.

#ifndef ACTORKV_KV_FILES_CANONICAL_DIRECTORY_H_
#define ACTORKV_KV_FILES_CANONICAL_DIRECTORY_H_

#include <string>

#include "kv/base/status.h"

namespace actorkv {

// The canonical form of a directory, existing or not: links in the part of it
// that exists are followed, "." and ".." removed. Errors: kIOError.
//
// Following links costs a system call for each part of a name, so what was
// found is remembered. It is used only while the name as given and the
// canonical one lead to the directory to which they led then: a link that was
// pointed elsewhere, or a directory in the place of another, is looked at anew.
// (A directory that moved, with a link to it in its old place, goes on under
// the name with the link. That is the same store; and a store that is not open
// yet is opened under its name without links, see kv/process/store_registry.h.)
Status CanonicalDirectory(const std::string& directory, std::string* canonical);

// The same of a directory that exists, with nothing remembered. Errors:
// kNotFound; kIOError.
Status ResolveDirectory(const std::string& directory, std::string* canonical);

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_CANONICAL_DIRECTORY_H_
