// These keep which VFS serves names that say none: actorkv_default_vfs(), and
// actorkv_store() for bare names.

#ifndef ACTORKV_VFS_SQLITE_DEFAULT_VFS_H_
#define ACTORKV_VFS_SQLITE_DEFAULT_VFS_H_

#include <string>

#include "kv/base/status.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

// DefaultVfs: the values are those of the SQL function.
enum class DefaultVfs {
  kBase = 0,    // the VFS that was the default before ours
  kActors = 1,  // ours: every name is an actor's
  // Ours, which looks at the directory of a name (vfs/actor/plain_name.h): an
  // actor in a store, a plain file of the base VFS elsewhere.
  kStores = 2,
};

// Remembers both VFSes. To be called once, before the others.
void SetVfses(sqlite3_vfs* ours, sqlite3_vfs* base);

sqlite3_vfs* OurVfs();

// The VFS that was the default before ours: plain files are its.
sqlite3_vfs* BaseVfs();
const char* BaseVfsName();

DefaultVfs GetDefaultVfs();

// Sets the default; *previous: what it was. Errors: kIOError.
Status SetDefaultVfs(DefaultVfs value, DefaultVfs* previous);

// The store of bare names, for DefaultVfs::kActors; empty: none.
void SetDefaultStore(const std::string& store);
std::string DefaultStore();

}  // namespace actorkv

#endif  // ACTORKV_VFS_SQLITE_DEFAULT_VFS_H_
