// Names that come to our VFS and that another one is to open: plain files.
//
// SQLite gives a VFS the full path name that its xFullPathname made, at xOpen
// of a database and, with a suffix, of its journal and WAL, at xDelete and at
// xAccess. Each must go to the VFS of the database:
//
// - A name that said which VFS (vfs/sqlite/raw_uri.h) is the absolute path of
//   the file with more than one "/" at the front: their number says the VFS and
//   the mode. So it still is the path of that file, also where SQLite writes it
//   into a journal or super-journal that somebody else may have to recover
//   from. The other VFS gets it with one slash, in the same memory, where
//   SQLite's own functions find what follows a name.
// - Where DefaultVfs::kStores decides by directory, a name has no mark. The
//   directories in which files were opened that way are remembered, whatever
//   becomes of the setting while they are open. No directory is both: one that
//   holds a file does not turn into a store, and in a store no plain file is
//   opened.

#ifndef ACTORKV_VFS_ACTOR_PLAIN_NAME_H_
#define ACTORKV_VFS_ACTOR_PLAIN_NAME_H_

#include <string>
#include <string_view>

#include "kv/base/status.h"
#include "vfs/sqlite/raw_uri.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

// A name of another VFS.
struct PlainName {
  sqlite3_vfs* vfs = nullptr;
  const char* name = nullptr;  // a part of the name that was asked for
  std::string_view mode;       // of its URI; empty: none
  bool is_marked = false;
};

// Returns true when the full path name, or one with a suffix, has a mark.
bool FindMarkedName(const char* full_name, PlainName* plain);

// Returns true in the same case, and also where the name lies in a directory
// that is remembered.
bool FindPlainName(const char* full_name, PlainName* plain);

// Returns true when the directory of `name` is a store, or its name ends in
// ".store" and it is missing or empty: a name in it is an actor's.
bool IsInStore(std::string_view name);

// Tells that the base VFS opened a file under a name without a mark. Names in
// its directory are the base VFS's from then on, until an actor is opened in
// it.
void RememberPlainDirectory(std::string_view full_name);
void ForgetPlainDirectory(std::string_view full_name);

// The full path name of a URI that names another VFS. Errors: kInvalidArgument
// for a VFS that is not there, whose files are too large, whose names are no
// absolute paths, or which would need more of the URI than its mode; for a file
// in the directory of a store.
Status ResolvePlainUri(const RawUri& uri, const std::string& vfs_name,
                       std::string* full_name);

// Adds what the mode of a URI means to the flags of an open. Errors:
// kInvalidArgument where the open does not allow the mode.
Status ApplyMode(std::string_view mode, int* flags);

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_PLAIN_NAME_H_
