// The names that SQLite gives to a VFS, and the store and actor they mean.
//
// A full path name is STORE/ACTOR: the canonical directory of the store
// (absolute, without ".", ".." and symbolic links) and the name of the actor.

#ifndef ACTORKV_VFS_ACTOR_PATH_H_
#define ACTORKV_VFS_ACTOR_PATH_H_

#include <string>
#include <string_view>

#include "kv/status.h"

namespace actorkv {

constexpr int kMaxPathBytes = 512;  // of a full path name

struct ActorPath {
  std::string store;  // canonical directory
  std::string actor;
};

// The canonical form of a directory, existing or not: links in the part of it
// that exists are followed, "." and ".." removed. Errors: kIOError.
Status CanonicalDirectory(const std::string& directory, std::string* canonical);

// `name` as a user writes it: STORE/ACTOR, relative or absolute. Errors:
// kInvalidArgument when it has no store or no actor, or is too long.
Status ResolveActorPath(const std::string& name, ActorPath* path);

std::string FullName(const ActorPath& path);

// Splits a full path name.
Status SplitFullName(std::string_view full_name, ActorPath* path);

// Removes `suffix` from the end of *name; false when it is not there.
bool RemoveSuffix(std::string_view suffix, std::string* name);

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_PATH_H_
