#include "vfs/actor/commit_group.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "kv/base/per_process.h"
#include "kv/base/thrown.h"
#include "kv/pages/commit.h"
#include "vfs/actor/group_member.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

namespace {

struct OpenFiles {
  std::mutex mutex;
  std::multimap<std::string, GroupMember*> by_name;
  std::map<sqlite3*, std::weak_ptr<CommitGroup>> groups;
};

// Files may be closed after static objects are gone, and those of a parent are
// not this process's.
PerProcess<OpenFiles> open_files;

OpenFiles* Files() { return open_files.Get(); }

// The open file that SQLite shows, or where a VFS above ours shows one of its
// own the writer of that name, which is still ours; null: neither.
GroupMember* FindMember(const std::string& full_name,
                        const sqlite3_file* file) {
  OpenFiles* const files = Files();
  {
    const std::lock_guard<std::mutex> lock(files->mutex);
    const auto [begin, end] = files->by_name.equal_range(full_name);
    for (auto it = begin; it != end; ++it) {
      if (it->second->file() == file) return it->second;
    }
  }
  return FindWriter(full_name);
}

// What one database of a connection means for its commit.
void CountWriter(sqlite3* db, const char* schema, const GroupMember& member,
                 Writers* writers) {
  if (sqlite3_txn_state(db, schema) != SQLITE_TXN_WRITE) return;
  // In-memory and temporary databases have no name, and nothing to lose.
  const char* name = sqlite3_db_filename(db, schema);
  if (name == nullptr || *name == '\0') return;
  ++writers->count;
  sqlite3_file* other = nullptr;
  sqlite3_file_control(db, schema, SQLITE_FCNTL_FILE_POINTER, &other);
  const GroupMember* const actor = FindMember(name, other);
  if (actor == nullptr) {
    writers->mix = Status::NotSupported(
        std::string("a transaction cannot write to an actor and to a plain "
                    "file, it would not be atomic: ") +
        member.full_name() + " and " + name);
  } else if (actor->store() != member.store()) {
    writers->mix = Status::NotSupported(
        "a transaction cannot write to actors of two stores, it would not be "
        "atomic: " +
        member.full_name() + " and " + actor->full_name());
  }
}

// The strictest durability that a member asks for is that of all.
Status CommitMembers(const std::vector<GroupMember*>& members,
                     std::vector<PendingCommit>* commits) {
  Durability durability = Durability::kBuffered;
  for (size_t i = 0; i < members.size(); ++i) {
    if (members[i]->durability() == Durability::kSynced) {
      durability = Durability::kSynced;
    }
    if (Status s = members[i]->Prepare(&(*commits)[i]); !s.ok()) return s;
  }
  return CommitAll(members.front()->store(), durability, commits);
}

}  // namespace

void CommitGroup::Add(GroupMember* member) {
  if (std::find(members_.begin(), members_.end(), member) == members_.end()) {
    members_.push_back(member);
  }
}

void CommitGroup::Remove(GroupMember* member) {
  members_.erase(std::remove(members_.begin(), members_.end(), member),
                 members_.end());
}

Status CommitGroup::Publish() {
  const std::vector<GroupMember*> members = std::exchange(members_, {});
  if (members.empty()) return Status::Ok();
  std::vector<PendingCommit> commits;
  Status status = OrUndo(
      [&] {
        commits.resize(members.size());
        return CommitMembers(members, &commits);
      },
      [&] {
        for (GroupMember* member : members) member->EndPublish(nullptr);
      });
  // They are of one connection.
  if (status.ok()) EndErrorOfConnection(members.front()->error_owner().db);
  for (size_t i = 0; i < members.size(); ++i) {
    members[i]->EndPublish(status.ok() ? &commits[i] : nullptr);
  }
  return status;
}

int CommitGroup::PublishAndReport() {
  GroupMember* const first = members_.empty() ? nullptr : members_.front();
  const Status s = Publish();
  if (s.ok() || first == nullptr) return ReportError(Place::kSync, s);
  const int code = ReportError(Place::kSync, s, first->error_owner());
  first->BeginRollback();
  return code;
}

void CommitGroup::Drop() {
  for (GroupMember* member : std::exchange(members_, {})) member->Drop();
}

std::shared_ptr<CommitGroup> GroupOfConnection(sqlite3* db) {
  OpenFiles* files = Files();
  std::lock_guard<std::mutex> lock(files->mutex);
  std::weak_ptr<CommitGroup>& slot = files->groups[db];
  std::shared_ptr<CommitGroup> group = slot.lock();
  if (group != nullptr) return group;
  // Groups that ended are swept, so that the map holds no more than the commits
  // that are under way.
  for (auto it = files->groups.begin(); it != files->groups.end();) {
    it = it->first != db && it->second.expired() ? files->groups.erase(it)
                                                 : std::next(it);
  }
  group = std::make_shared<CommitGroup>();
  files->groups[db] = group;
  return group;
}

Writers CountWriters(sqlite3* db, const GroupMember& member) {
  Writers writers;
  for (int i = 0;; ++i) {
    const char* schema = sqlite3_db_name(db, i);
    if (schema == nullptr) break;
    CountWriter(db, schema, member, &writers);
  }
  return writers;
}

void RegisterOpenFile(GroupMember* member) {
  OpenFiles* files = Files();
  std::lock_guard<std::mutex> lock(files->mutex);
  files->by_name.emplace(member->full_name(), member);
}

void UnregisterOpenFile(GroupMember* member) {
  OpenFiles* files = Files();
  std::lock_guard<std::mutex> lock(files->mutex);
  auto [begin, end] = files->by_name.equal_range(member->full_name());
  for (auto it = begin; it != end; ++it) {
    if (it->second != member) continue;
    files->by_name.erase(it);
    return;
  }
}

GroupMember* FindWriter(const std::string& full_name) {
  OpenFiles* files = Files();
  std::lock_guard<std::mutex> lock(files->mutex);
  auto [begin, end] = files->by_name.equal_range(full_name);
  for (auto it = begin; it != end; ++it) {
    if (it->second->writing()) return it->second;
  }
  return nullptr;
}

}  // namespace actorkv
