#include "vfs/actor/commit_group.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "kv/pages/commit.h"
#include "vfs/actor/actor_file.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

namespace {

struct OpenFiles {
  std::mutex mutex;
  std::multimap<std::string, ActorFile*> by_name;
  std::map<sqlite3*, std::weak_ptr<CommitGroup>> groups;
};

OpenFiles* Files() {
  // The object is never destroyed, as files may be closed after static objects
  // are gone.
  static auto* const files = new OpenFiles;
  return files;
}

// Counts one database of a connection as a writer of its commit, if it is one.
void CountWriter(sqlite3* db, const char* schema, const ActorFile& file,
                 Writers* writers) {
  if (sqlite3_txn_state(db, schema) != SQLITE_TXN_WRITE) return;
  // In-memory and temporary databases have no name, and nothing to lose.
  const char* name = sqlite3_db_filename(db, schema);
  if (name == nullptr || *name == '\0') return;
  ++writers->count;
  sqlite3_file* other = nullptr;
  sqlite3_file_control(db, schema, SQLITE_FCNTL_FILE_POINTER, &other);
  ActorFile* actor = nullptr;
  // A VFS above ours shows a file of its own, but the name is still ours.
  if (!FileMethods<ActorFile>::Cast(other, &actor)) actor = FindWriter(name);
  if (actor == nullptr) {
    writers->mix = Status::NotSupported(
        std::string("a transaction cannot write to an actor and to a plain "
                    "file, it would not be atomic: ") +
        file.full_name() + " and " + name);
  } else if (actor->store() != file.store()) {
    writers->mix = Status::NotSupported(
        "a transaction cannot write to actors of two stores, it would not be "
        "atomic: " +
        file.full_name() + " and " + actor->full_name());
  }
}

}  // namespace

void CommitGroup::Add(ActorFile* file) {
  if (std::find(members_.begin(), members_.end(), file) == members_.end()) {
    members_.push_back(file);
  }
}

void CommitGroup::Remove(ActorFile* file) {
  members_.erase(std::remove(members_.begin(), members_.end(), file),
                 members_.end());
}

Status CommitGroup::Publish() {
  // Emptied first: each file takes itself out of its group when its transaction
  // ends.
  const std::vector<ActorFile*> members = std::exchange(members_, {});
  return ActorFile::PublishAll(members);
}

int CommitGroup::PublishAndReport() {
  // The owner of the error is noted before Publish() empties the group.
  ActorFile* const first = members_.empty() ? nullptr : members_.front();
  const Status s = Publish();
  if (s.ok() || first == nullptr) return ReportError(Place::kSync, s);
  const int code = ReportError(Place::kSync, s, first->error_owner());
  ActorFile::BeginRollback(first);
  return code;
}

void CommitGroup::Drop() { ActorFile::DropAll(std::exchange(members_, {})); }

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

Writers CountWriters(sqlite3* db, const ActorFile& file) {
  Writers writers;
  for (int i = 0;; ++i) {
    const char* schema = sqlite3_db_name(db, i);
    if (schema == nullptr) break;
    CountWriter(db, schema, file, &writers);
  }
  return writers;
}

void RegisterOpenFile(ActorFile* file) {
  OpenFiles* files = Files();
  std::lock_guard<std::mutex> lock(files->mutex);
  files->by_name.emplace(file->full_name(), file);
}

void UnregisterOpenFile(ActorFile* file) {
  OpenFiles* files = Files();
  std::lock_guard<std::mutex> lock(files->mutex);
  auto [begin, end] = files->by_name.equal_range(file->full_name());
  for (auto it = begin; it != end; ++it) {
    if (it->second != file) continue;
    // The same actor may be open many times; only this file goes.
    files->by_name.erase(it);
    return;
  }
}

ActorFile* FindWriter(const std::string& full_name) {
  OpenFiles* files = Files();
  std::lock_guard<std::mutex> lock(files->mutex);
  auto [begin, end] = files->by_name.equal_range(full_name);
  for (auto it = begin; it != end; ++it) {
    if (it->second->writing()) return it->second;
  }
  return nullptr;
}

}  // namespace actorkv
