// CommitGroup: the actors that one SQLite transaction commits together.
//
// SQLite commits a transaction over several databases in two ways (vdbeaux.c
// vdbeCommit, 3.40.1), and each has its own moment at which all is decided:
//
// - With a super-journal: FCNTL_SYNC names it to each database; then it is
//   deleted, with syncDir = 1. That deletion publishes. Errors after it are
//   ignored by SQLite, so nothing may be left to do.
// - Without (main is in memory, or journals are): FCNTL_SYNC(NULL) to each,
//   then COMMIT_PHASETWO to each. The first of a member publishes.
//
// Invariant: a member that was published is published with all others of its
// group, in one commit of the store; a group whose members are not all actors
// of one store is refused before anything of it is published.

#ifndef ACTORKV_VFS_ACTOR_COMMIT_GROUP_H_
#define ACTORKV_VFS_ACTOR_COMMIT_GROUP_H_

#include <memory>
#include <string>
#include <vector>

#include "kv/base/status.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

class GroupMember;

class CommitGroup {
 public:
  void Add(GroupMember* member);
  void Remove(GroupMember* member);
  bool empty() const { return members_.empty(); }

  // Commits all members, which are of one store, in one commit of it. On an
  // error their transactions are dropped. Afterwards the group is empty,
  // whatever the outcome.
  Status Publish();

  // Does the same at the deletion of a super-journal, which belongs to no file.
  // Returns the code.
  int PublishAndReport();

  // Drops the transactions of all members: the group is rolled back.
  void Drop();

 private:
  std::vector<GroupMember*> members_;
};

// The group of the connection's commit without a super-journal, made when it
// is first asked for. One group per connection lives as long as a member.
std::shared_ptr<CommitGroup> GroupOfConnection(sqlite3* db);

// The databases that a connection is about to commit.
struct Writers {
  int count = 0;  // databases with a write transaction, temporary ones aside
  // Ok, or why the writers cannot be committed together.
  Status mix;
};

// Looks at every database of `db`. `member` is one of the writers.
Writers CountWriters(sqlite3* db, const GroupMember& member);

// The open files of the process by full name, to tell whose journal a
// super-journal lists.
void RegisterOpenFile(GroupMember* member);
void UnregisterOpenFile(GroupMember* member);

// The file of this full name that is writing (holds RESERVED); null if none.
GroupMember* FindWriter(const std::string& full_name);

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_COMMIT_GROUP_H_
