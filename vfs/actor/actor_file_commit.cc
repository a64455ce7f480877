// This part of ActorFile makes a transaction a commit.

#include <utility>

#include "kv/base/metrics.h"
#include "kv/pages/commit.h"
#include "kv/store/store.h"
#include "vfs/actor/actor_file.h"
#include "vfs/actor/memory_file.h"
#include "vfs/actor/super_journal.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

// --- Publishing -------------------------------------------------------------

// A commit of the pager counts a new version in page 1. Without that, it is a
// rollback that rewrote pages (key assumption 3), whose content is the base's
// but for free pages; or, while the lock stays EXCLUSIVE, a commit of a pager
// that no longer counts.
Status ActorFile::ShouldPublish(bool* publish) {
  *publish = false;
  if (transaction_ == nullptr) return Status::Ok();
  if (Status s = transaction_->CountsNewVersion(publish); !s.ok()) return s;
  if (*publish) return Status::Ok();
  const bool may_not_count =
      exclusive_since_publish_ || state_->head.snapshot.page_count == 0;
  if (!may_not_count) return Status::Ok();
  return transaction_->Differs(publish);
}

// Nothing here can fail: what was committed is shown.
void ActorFile::EndPublish(PendingCommit* commit) noexcept {
  std::string first_page;
  if (commit != nullptr) {
    first_page = commit->writer->TakeFirstPage();
    // Both are taken out of the transaction before it is dropped.
    view_.OnPublish(transaction_->header_change());
  }
  DropTransaction();
  // An error of the engine may hide a commit that happened; ResolveDoubt()
  // looks before the next use.
  in_doubt_ = commit == nullptr;
  if (commit == nullptr) {
    next_pin_->Release();
    return;
  }
  // The version has its pin since before anyone could see it, and what this
  // transaction read goes with the other.
  std::swap(pin_, next_pin_);
  Adopt(commit->state, commit->version);
  next_pin_->Release();
  reader_.KeepFirstPage(std::move(first_page));
  generation_ = state_->head.generation;
  actor_id_ = state_->entry.actor;
  exclusive_since_publish_ = true;
}

Status ActorFile::PublishAlone() {
  CommitGroup alone;
  alone.Add(member_.get());
  return alone.Publish();
}

Status ActorFile::StageForSuperJournal(const char* super_journal) {
  // The record is hidden also where the commit is refused below: the rollback
  // of another database may delete the super-journal before this one is rolled
  // back.
  if (db_ != nullptr) {
    if (MemoryFile* journal = JournalOf(*db_, this); journal != nullptr) {
      if (journal->HideSuperRecord() != SQLITE_OK) {
        return Status::IOError("cannot rewrite the journal: actor=" +
                               actor_->name());
      }
    }
  }
  std::shared_ptr<CommitGroup> group = FindSuperJournal(super_journal);
  if (group == nullptr) {
    return Status::NotSupported(
        "a transaction cannot write to an actor and to a plain file, or to "
        "several actors under a main database that is a plain file, it would "
        "not be atomic: actor=" +
        actor_->name());
  }
  group->Add(member_.get());
  group_ = std::move(group);
  return Status::Ok();
}

// A transaction that is refused is dropped: the rollback that follows need not
// play the journal back (its super-journal may be gone), and sends FCNTL_SYNC.
Status ActorFile::SyncControl(const char* super_journal) {
  sync_announced_ = true;
  return OrDrop([&] { return Decide(super_journal); });
}

Status ActorFile::Decide(const char* super_journal) {
  bool publish = false;
  if (Status s = ShouldPublish(&publish); !s.ok()) return s;
  if (publish) return PublishOrStage(super_journal);
  DropTransaction();
  return Status::Ok();
}

// The writers are counted anew, though xLock(EXCLUSIVE) did. The lock may be
// older than this commit's set of writers: a cache spill takes it in the middle
// of a transaction, and exclusive locking keeps it for ever, and after either a
// write to another attached database may join.
Status ActorFile::PublishOrStage(const char* super_journal) {
  if (super_journal != nullptr) {
    if (Status s = StageForSuperJournal(super_journal); !s.ok()) return s;
    return CheckBaseIsHead();
  }
  if (db_ == nullptr) return PublishAlone();
  const Writers writers = CountWriters(*db_, *member_);
  if (writers.count <= 1) return PublishAlone();
  if (!writers.mix.ok()) return writers.mix;
  if (Status s = CheckBaseIsHead(); !s.ok()) return s;
  group_ = GroupOfConnection(*db_);
  group_->Add(member_.get());
  return Status::Ok();
}

// A member of a group is published later than this. Whoever lost the writer's
// word to another process, which has committed since, hears of it here all the
// same, where SQLite takes the code that says so (see PhaseTwo()).
Status ActorFile::CheckBaseIsHead() {
  std::shared_ptr<const HeadState> now;
  if (Status s = actor_->Current(&now); !s.ok()) return s;
  const Generation generation = now->head.generation;
  const bool is_fenced =
      generation_ != Generation{} && now->exists && generation != generation_;
  if (!is_fenced && now->head.snapshot == state_->head.snapshot) {
    return Status::Ok();
  }
  // As after a publish that failed: a lock that is kept is to be on the head.
  in_doubt_ = true;
  if (is_fenced) return FencedError(actor_->name(), generation_, generation);
  return Status::Conflict(
      "the actor has changed since the transaction began: actor=" +
      actor_->name());
}

Status ActorFile::PhaseTwo() {
  sync_announced_ = false;
  // The first member to come publishes all. The pointer is a copy, as
  // publishing resets group_.
  const std::shared_ptr<CommitGroup> group = group_;
  if (group == nullptr) return Status::Ok();
  Status s = group->Publish();
  if (s.code() != Code::kConflict && s.code() != Code::kFenced) return s;
  // SQLite takes no other code here than that of an error of the disk.
  return s.WithContext(
      "the transaction over several actors is rolled back, and nothing of it "
      "is there: begin it again");
}

// An xSync that no FCNTL_SYNC announced comes from a raw user of the file.
int ActorFile::Sync(int /*flags*/) {
  if (is_of_parent()) return Refuse(Place::kSync);
  if (std::exchange(sync_announced_, false)) return SQLITE_OK;
  // A member of a group is published with it, never alone.
  if (transaction_ == nullptr || group_ != nullptr) return SQLITE_OK;
  bool differs = false;
  Status s = transaction_->Differs(&differs);
  if (s.ok() && differs) s = PublishAlone();
  return Report(Place::kSync, s);
}

}  // namespace actorkv
