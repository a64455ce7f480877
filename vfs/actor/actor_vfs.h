// ActorVfs: the VFS "actorkv". Opens actors as main databases, keeps journals
// in memory, and gives everything temporary to the VFS that was the default
// before.
//
// Names (vfs/actor/vfs_name.h): STORE/ACTOR. An open that may create makes the
// store's directory where it is missing; the actor itself comes with its first
// commit. Names of plain files, where they come here, go on to the VFS that
// opens them (vfs/actor/plain_name.h), and so does all that becomes of them.

#ifndef ACTORKV_VFS_ACTOR_ACTOR_VFS_H_
#define ACTORKV_VFS_ACTOR_ACTOR_VFS_H_

#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

// Registers the VFS, and makes all ready for the first store. Again: does
// nothing. Returns a SQLite code. `auto_extension` is given to SQLite's
// function of that name at each open of an actor, as sqlite3_shutdown() drops
// it.
int RegisterVfs(void (*auto_extension)());

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_ACTOR_VFS_H_
