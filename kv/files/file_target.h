// FileTarget: the place of a file that is to be made, and what is there.
//
// A symbolic link is followed, so that it still is one afterwards. Only a
// regular file is ever replaced: a device, a FIFO or a socket is somebody's way
// to somebody, and names in /proc are no files at all.

#ifndef ACTORKV_KV_FILES_FILE_TARGET_H_
#define ACTORKV_KV_FILES_FILE_TARGET_H_

#include <sys/stat.h>

#include <optional>
#include <string>

#include "kv/base/status.h"

namespace actorkv {

struct FileTarget {
  std::string path;                   // absolute, links followed
  std::optional<struct stat> is_now;  // the file to replace, if any
};

// Finds where a file `path`, which is absolute, would go. Done before the work
// and again after it, so that what cannot be is refused at once. Errors:
// kAlreadyExists, unless `overwrite`; kInvalidArgument, naming what is there
// instead of a regular file, for a link to nothing, a directory of a store, and
// a name that is too long; kIOError, also for a file that this process may not
// write.
Status FindFileTarget(const std::string& path, bool overwrite,
                      FileTarget* target);

// Gives the file `to` the permissions, owner, group, access list and
// attributes of users that the file `from` has, whose state is `state`; those
// that this process may not give it keeps for itself. Set-id bits are kept with
// owner and group only. Errors: kIOError when not even the permissions can be
// given.
Status KeepAttributes(const std::string& from, const struct stat& state,
                      int to);

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_FILE_TARGET_H_
