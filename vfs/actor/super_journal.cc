#include "vfs/actor/super_journal.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>
#include <utility>

#include "kv/base/per_process.h"
#include "vfs/actor/group_member.h"
#include "vfs/sqlite/actor_path.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

namespace {

struct SuperJournal {
  std::shared_ptr<CommitGroup> group;  // also held by its members
  bool is_open = false;
};

struct SuperJournals {
  std::mutex mutex;
  std::map<std::string, SuperJournal> groups;
};

// For the reasons of Files() in vfs/actor/commit_group.cc.
PerProcess<SuperJournals> super_journals;

SuperJournals* Journals() { return super_journals.Get(); }

}  // namespace

SuperJournalFile::SuperJournalFile(std::string name) : name_(std::move(name)) {
  pMethods = &FileMethods<SuperJournalFile>::kTable;
  SuperJournals* journals = Journals();
  std::lock_guard<std::mutex> lock(journals->mutex);
  // A commit that failed leaves its super-journal behind, closed and with no
  // member: SQLite would delete it in the next recovery (vdbeaux.c vdbeCommit).
  for (auto it = journals->groups.begin(); it != journals->groups.end();) {
    const bool left_behind =
        !it->second.is_open && it->second.group.use_count() == 1;
    it = left_behind ? journals->groups.erase(it) : std::next(it);
  }
  journals->groups[name_] = {std::make_shared<CommitGroup>(), true};
}

int SuperJournalFile::Close() {
  SuperJournals* journals = Journals();
  std::lock_guard<std::mutex> lock(journals->mutex);
  auto it = journals->groups.find(name_);
  if (it != journals->groups.end()) it->second.is_open = false;
  return SQLITE_OK;
}

int SuperJournalFile::Read(void* buffer, int size, sqlite3_int64 /*offset*/) {
  // SQLite reads a super-journal only where it recovers (pager.c
  // pager_delsuper, 3.40.1), and there is nothing of an actor to recover.
  std::memset(buffer, 0, static_cast<size_t>(size));
  return SQLITE_IOERR_SHORT_READ;
}

Status SuperJournalFile::AddJournal(std::string journal_name) {
  std::string full_name = std::move(journal_name);
  GroupMember* writer = nullptr;
  if (RemoveSuffix("-journal", &full_name)) writer = FindWriter(full_name);
  if (writer == nullptr) {
    return Status::NotSupported(
        "a transaction cannot write to an actor and to a plain file, it would "
        "not be atomic: " +
        full_name);
  }
  if (store_ != nullptr && writer->store() != store_) {
    return Status::NotSupported(
        "a transaction cannot write to actors of two stores, it would not be "
        "atomic: " +
        full_name);
  }
  store_ = writer->store();
  writer_ = writer;
  return Status::Ok();
}

int SuperJournalFile::Write(const void* buffer, int size,
                            sqlite3_int64 offset) {
  const auto* text = static_cast<const char*>(buffer);
  const auto length = static_cast<size_t>(size);
  for (size_t begin = 0; begin < length;) {
    const size_t end = begin + strnlen(text + begin, length - begin);
    if (Status s = AddJournal(std::string(text + begin, end - begin));
        !s.ok()) {
      if (writer_ == nullptr) return ReportError(Place::kWrite, s);
      ReportError(Place::kWrite, s, writer_->error_owner());
      writer_->BeginRollback();
      return SqliteCode(Place::kWrite, s);
    }
    begin = end + 1;
  }
  size_bytes_ = std::max(size_bytes_, offset + size);
  return SQLITE_OK;
}

int SuperJournalFile::Truncate(sqlite3_int64 size) {
  size_bytes_ = size;
  return SQLITE_OK;
}

int SuperJournalFile::FileSize(sqlite3_int64* size) {
  *size = size_bytes_;
  return SQLITE_OK;
}

std::shared_ptr<CommitGroup> FindSuperJournal(const std::string& name) {
  SuperJournals* journals = Journals();
  std::lock_guard<std::mutex> lock(journals->mutex);
  auto it = journals->groups.find(name);
  return it == journals->groups.end() ? nullptr : it->second.group;
}

void DropSuperJournal(const std::string& name) {
  SuperJournals* journals = Journals();
  std::lock_guard<std::mutex> lock(journals->mutex);
  journals->groups.erase(name);
}

}  // namespace actorkv
