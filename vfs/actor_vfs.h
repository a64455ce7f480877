// ActorVfs: the VFS "actorkv". Opens actors as main databases, keeps journals
// in memory, and gives everything temporary to the VFS that was the default
// before.
//
// Names (vfs/actor_path.h): STORE/ACTOR. An open that may create makes the
// store's directory where it is missing; the actor itself comes with its first
// commit.

#ifndef ACTORKV_VFS_ACTOR_VFS_H_
#define ACTORKV_VFS_ACTOR_VFS_H_

#include <string>

#include "kv/status.h"
#include "vfs/sqlite_api.h"

namespace actorkv {

constexpr char kVfsName[] = "actorkv";

// Registers the VFS, and makes all ready for the first store. Again: does
// nothing. Returns a SQLite code. `auto_extension` is given to SQLite's
// function of that name at each open of an actor, as sqlite3_shutdown() drops
// it.
int RegisterVfs(void (*auto_extension)());

// The name of the VFS that was the default before ours: plain files are its.
// REQUIRES: RegisterVfs() was called.
const char* BaseVfsName();

// Makes ours the VFS of opens that name none, or the previous one again.
// *previous: whether ours was.
Status SetDefaultVfs(bool on, bool* previous);

// The store of bare names while ours is the default VFS; empty: none.
void SetDefaultStore(const std::string& store);
std::string DefaultStore();

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_VFS_H_
