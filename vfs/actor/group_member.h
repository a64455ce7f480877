// GroupMember: a file as the commits over several databases see it
// (vfs/actor/commit_group.h).

#ifndef ACTORKV_VFS_ACTOR_GROUP_MEMBER_H_
#define ACTORKV_VFS_ACTOR_GROUP_MEMBER_H_

#include <string>

#include "kv/engine/engine.h"
#include "kv/pages/commit.h"
#include "vfs/sqlite/last_error.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

class GroupMember {
 public:
  virtual ~GroupMember() = default;

  virtual const std::string& full_name() const = 0;
  virtual Store* store() const = 0;
  // The file as SQLite knows it.
  virtual const sqlite3_file* file() const = 0;
  virtual ErrorOwner error_owner() const = 0;

  // Holds the actor's reservation. May be asked from other threads.
  virtual bool writing() const = 0;

  // What its connection asks for.
  virtual Durability durability() const = 0;
  // Makes of its transaction what is to be committed.
  virtual Status Prepare(PendingCommit* commit) = 0;
  // The end of the commit: `commit` as it was prepared, null where it failed.
  virtual void EndPublish(PendingCommit* commit) noexcept = 0;
  // Its transaction is rolled back.
  virtual void Drop() noexcept = 0;
  // An error was reported that makes its connection roll back
  // (vfs/actor/actor_file.h, invariant 5).
  virtual void BeginRollback() = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_GROUP_MEMBER_H_
