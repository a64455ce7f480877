// Names that somebody gives to our VFS, and what they mean: the actor, or the
// plain file, under its full path name (vfs/sqlite/actor_path.h,
// vfs/actor/plain_name.h).

#ifndef ACTORKV_VFS_ACTOR_VFS_NAME_H_
#define ACTORKV_VFS_ACTOR_VFS_NAME_H_

#include <string>

#include "kv/base/status.h"

namespace actorkv {

// Returns true when a name that says no VFS is a plain file's.
bool IsPlainByDefault(const std::string& name);

// `name` as a user writes it: STORE/ACTOR, ACTOR where there is a default
// store or the current directory is one, a plain file, or a URI that SQLite
// did not read. REQUIRES: for a plain file IsPlainByDefault() is false; it is
// the base VFS's to resolve. Errors: kInvalidArgument, with what to write.
Status ResolveVfsName(const std::string& name, std::string* full_name);

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_VFS_NAME_H_
