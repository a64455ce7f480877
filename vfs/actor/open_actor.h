// Opening a main database: the store and the actor that its name says, and the
// file that fits what they are: a live actor, a version of it, or the database
// in the pairs that it came with.

#ifndef ACTORKV_VFS_ACTOR_OPEN_ACTOR_H_
#define ACTORKV_VFS_ACTOR_OPEN_ACTOR_H_

#include <utility>

#include "kv/base/status.h"
#include "kv/base/thrown.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

// OpenedFile: the file that SQLite asks for in xOpen, and what it is told of
// it.
struct OpenedFile {
  const char* name;
  sqlite3_file* file;
  int flags;
  int* out_flags;  // null: it does not ask
};

// Makes a File in the memory that SQLite has for it. SQLite closes a file that
// has methods, also where its open failed; a constructor that throws after it
// set them has destroyed the object.
template <typename File, typename... Args>
int Construct(sqlite3_file* file, Args&&... args) {
  OrUndo([&] { new (file) File(std::forward<Args>(args)...); },
         [&] { file->pMethods = nullptr; });
  return SQLITE_OK;
}

// Opens the actor. Errors: those of StoreRegistry::Acquire(); kNotFound where
// it is not there and not to be made; kInvalidArgument for options that do not
// fit it; kBusy while it is renamed or deleted; those of its pairs.
Status OpenActorFile(OpenedFile opened);

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_OPEN_ACTOR_H_
