// These functions read the names that SQLite gives to a VFS: the store and the
// actor that they mean.
//
// A full path name is STORE/ACTOR: the canonical directory of the store
// (absolute, without ".", ".." and symbolic links) and the name of the actor.
// Behind it is "//" and the parameters of a URI that SQLite did not read
// (vfs/sqlite/raw_uri.h), where there are any: no canonical name has two
// slashes one after the other, and no actor's name has one. So they come to
// xOpen with the name, and whatever has the same name has the same parameters.

#ifndef ACTORKV_VFS_SQLITE_ACTOR_PATH_H_
#define ACTORKV_VFS_SQLITE_ACTOR_PATH_H_

#include <string>
#include <string_view>

#include "kv/base/status.h"

namespace actorkv {

// The limit of a full path name, as SQLite's own VFSes have it. SQLite opens no
// name that leaves fewer than 8 bytes of it, for "-journal".
constexpr int kMaxPathnameBytes = 512;
constexpr int kMaxPathBytes = kMaxPathnameBytes - 8;

struct ActorPath {
  std::string store;  // canonical directory
  std::string actor;
};

// `name` as a user writes it: STORE/ACTOR, relative or absolute. Errors:
// kInvalidArgument when it has no store or no actor, or is too long; those of
// CanonicalPlace().
Status ResolveActorPath(const std::string& name, ActorPath* path);

std::string FullName(const ActorPath& path);

// Splits a full path name, without its parameters.
Status SplitFullName(std::string_view full_name, ActorPath* path);

// Returns the parameters at the end of a full path name; empty: none.
std::string_view QueryOf(std::string_view full_name);

// Removes `suffix` from the end of *name; false when it is not there.
bool RemoveSuffix(std::string_view suffix, std::string* name);

}  // namespace actorkv

#endif  // ACTORKV_VFS_SQLITE_ACTOR_PATH_H_
