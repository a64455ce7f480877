#include "vfs/actor/actor_file.h"

#include <cstring>
#include <utility>

#include "kv/base/events.h"
#include "kv/base/metrics.h"
#include "kv/base/thrown.h"
#include "kv/pages/commit.h"
#include "kv/process/store_registry.h"
#include "kv/store/store.h"
#include "kv/store/writer_queue.h"
#include "vfs/actor/busy_wait.h"
#include "vfs/actor/memory_file.h"
#include "vfs/actor/super_journal.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

namespace {

// The pager takes 512 for a file that says POWERSAFE_OVERWRITE (pager.c
// setSectorSize, 3.40.1); to others this is what os_unix.c says by default.
constexpr int kSectorBytes = 4096;

}  // namespace

class ActorFile::Member : public GroupMember {
 public:
  explicit Member(ActorFile* file) : file_(file) {}

  const std::string& full_name() const override { return file_->full_name(); }
  Store* store() const override { return file_->store_.get(); }
  const sqlite3_file* file() const override { return file_; }
  ErrorOwner error_owner() const override { return file_->error_owner(); }
  bool writing() const override { return file_->writing(); }
  Durability durability() const override {
    return file_->pragmas_.durability();
  }
  Status Prepare(PendingCommit* commit) override {
    Status s = file_->transaction_->Prepare(file_->origin_, commit);
    commit->pin = file_->next_pin_;
    return s;
  }
  void EndPublish(PendingCommit* commit) noexcept override {
    file_->EndPublish(commit);
  }
  void Drop() noexcept override { file_->DropTransaction(); }
  void BeginRollback() override { file_->BeginRollback(); }

 private:
  ActorFile* const file_;
};

ActorFile::ActorFile(std::shared_ptr<Store> store, std::shared_ptr<Actor> actor,
                     ActorFileOptions options)
    : store_(std::move(store)),
      actor_(std::move(actor)),
      options_(std::move(options)),
      reader_(store_.get(), *actor_),
      member_(std::make_unique<Member>(this)),
      writer_(std::make_shared<Writer>(actor_->writers())) {
  if (options_.version == nullptr) reader_.UseHints(actor_);
  RegisterOpenFile(member_.get());  // the last that may fail
  pMethods = &FileMethods<ActorFile>::kTable;
  Add(Metric::kFileOpens);
  Add(Metric::kOpenFiles);
}

ActorFile::~ActorFile() {
  Subtract(Metric::kOpenFiles);
  UnregisterOpenFile(member_.get());
  writer_->Leave();
  // What refers to it goes before, so that it is the last use.
  transaction_.reset();
  // Where memory runs out, the hints that the actor learned are lost, and
  // nothing else.
  static_cast<void>(
      IfMemory([this] { NoteIgnored(store_->CloseActor(std::move(actor_))); }));
}

int ActorFile::Close() {
  Unlock(SQLITE_LOCK_NONE);
  DropTransaction();
  return SQLITE_OK;
}

// --- Errors -----------------------------------------------------------------

int ActorFile::Report(Place place, const Status& status) {
  if (status.ok()) return SQLITE_OK;
  // The error goes to the log alone: what the connection keeps is the first one
  // (invariant 5).
  if (rolls_back_ && place != Place::kLock) {
    const int code = SqliteCode(place, status);
    LogError(code, status);
    return code;
  }
  const int code = ReportError(place, status, error_owner());
  // A read that fails brings a rollback about, too, but one that calls nothing
  // here as long as no page was written.
  const bool wrote = place != Place::kLock && place != Place::kRead;
  if (writing() && (wrote || transaction_ != nullptr)) BeginRollback();
  return code;
}

// Also the other writers of the connection: they are rolled back as well.
void ActorFile::BeginRollback() {
  rolls_back_ = true;
  if (db_ == nullptr) return;
  sqlite3* const db = *db_;
  for (int i = 0;; ++i) {
    const char* schema = sqlite3_db_name(db, i);
    if (schema == nullptr) return;
    sqlite3_file* other = nullptr;
    ActorFile* actor = nullptr;
    sqlite3_file_control(db, schema, SQLITE_FCNTL_FILE_POINTER, &other);
    if (FileMethods<ActorFile>::Cast(other, &actor) && actor->writing()) {
      actor->rolls_back_ = true;
    }
  }
}

// --- Locks ------------------------------------------------------------------

Status ActorFile::Reserve() {
  Status s = actor_->Reserve(writer_.get(), state_->head.snapshot, generation_);
  // Also a snapshot that is stale: where nothing was read of it, the busy
  // handler is asked (btree.c sqlite3BtreeBeginTrans, 3.40.1).
  if (s.code() == Code::kBusy || s.code() == Code::kConflict) {
    RememberBusy(writer_);
  }
  NoteFence(s);
  return s;
}

void ActorFile::NoteFence(const Status& status) const {
  if (status.code() != Code::kFenced) return;
  NoteEvent(
      {EventKind::kFence, store_->path(), actor_->name(), status.message()});
}

int ActorFile::Lock(int level) {
  const int held = lock_.load(std::memory_order_relaxed);
  if (level <= held) return SQLITE_OK;
  rolls_back_ = false;
  if (held == SQLITE_LOCK_NONE) {
    Status s = CheckProcess();
    if (s.ok()) s = TakeSnapshot();
    if (!s.ok()) return Report(Place::kLock, s);
    // Other threads ask only for what is RESERVED and above.
    lock_.store(SQLITE_LOCK_SHARED, std::memory_order_relaxed);
    if (level == SQLITE_LOCK_SHARED) return SQLITE_OK;
  }
  if (level >= SQLITE_LOCK_RESERVED && held < SQLITE_LOCK_RESERVED) {
    // The actor is reserved before lock_ says so: writing() is true only of
    // files that hold it.
    if (Status s = Reserve(); !s.ok()) return Report(Place::kLock, s);
    lock_.store(SQLITE_LOCK_RESERVED);
  }
  // A commit locks all its databases before it writes to any (vdbeaux.c
  // vdbeCommit, 3.40.1). A plain file in WAL mode would be committed before
  // FCNTL_SYNC comes here.
  if (level == SQLITE_LOCK_EXCLUSIVE && db_ != nullptr) {
    const Writers writers = CountWriters(*db_, *member_);
    if (writers.count > 1 && !writers.mix.ok()) {
      return Report(Place::kLock, writers.mix);
    }
  }
  lock_.store(level);
  return SQLITE_OK;
}

int ActorFile::Unlock(int level) {
  const int held = lock_.load(std::memory_order_relaxed);
  if (level >= held) return SQLITE_OK;
  if (held >= SQLITE_LOCK_RESERVED && level < SQLITE_LOCK_RESERVED) {
    DropTransaction();
    lock_.store(level);
    // lock_ falls before the actor is free, so that FindWriter() never sees two
    // files of it that write.
    actor_->Release(writer_.get());
    rolls_back_ = false;
  }
  exclusive_since_publish_ = false;
  sync_announced_ = false;
  lock_.store(level, std::memory_order_relaxed);
  if (level == SQLITE_LOCK_NONE) {
    in_doubt_ = false;
    journal_is_stale_ = false;
    LetGo();
    reader_.Release();
  }
  return SQLITE_OK;
}

int ActorFile::CheckReservedLock(int* reserved) {
  *reserved = actor_->reserved() ? 1 : 0;
  return SQLITE_OK;
}

// --- Writing ----------------------------------------------------------------

// A damaged page 1 is no error: it is about to be written anew, by a pager that
// has one in its cache.
Status ActorFile::ReadPageOne(BasePageOne* page_one) {
  Status s = reader_.ReadFirstPage(&page_one->page);
  if (!s.ok() && s.code() != Code::kCorruption) return s;
  page_one->header = ParseHeader(page_one->page);
  page_one->pager = view_.pager();
  return Status::Ok();
}

Status ActorFile::BeginTransaction() {
  if (transaction_ != nullptr) return Status::Ok();
  if (Status s = ResolveDoubt(); !s.ok()) return s;
  if (!writing()) {
    return Status::InvalidArgument("written without a lock: actor=" +
                                   actor_->name());
  }
  BasePageOne page_one;
  if (Status s = ReadPageOne(&page_one); !s.ok()) return s;
  transaction_ =
      std::make_unique<Transaction>(store_, actor_, state_, page_one);
  return Status::Ok();
}

template <typename Call>
Status ActorFile::OrDrop(const Call& call) {
  Status s = Caught(call);
  if (!s.ok()) DropTransaction();
  return s;
}

void ActorFile::DropTransaction() noexcept {
  if (group_ != nullptr) group_->Remove(member_.get());
  group_.reset();
  if (transaction_ == nullptr) return;
  transaction_.reset();
  // It may have left a stage behind.
  if (store_->work()->is_waiting()) StoreRegistry::Instance()->Wake();
}

// SQLite itself refuses to write to a file that was opened so; this is for raw
// users of the file.
int ActorFile::ReportReadOnly() {
  return ReportCode(
      SQLITE_READONLY,
      "read-only: the file was opened for reading: actor=" + actor_->name(),
      error_owner());
}

int ActorFile::Write(const void* buffer, int size, sqlite3_int64 offset) {
  if (options_.read_only != ReadOnly::kNo) return ReportReadOnly();
  // The pager plays back a journal of another version: invariant 6.
  if (journal_is_stale_) return SQLITE_OK;
  // See the header: invariant 4.
  return Report(Place::kWrite, OrDrop([&] {
                  if (Status s = BeginTransaction(); !s.ok()) return s;
                  return transaction_->Write(static_cast<uint64_t>(offset),
                                             static_cast<size_t>(size),
                                             static_cast<const char*>(buffer));
                }));
}

int ActorFile::Truncate(sqlite3_int64 size) {
  if (options_.read_only != ReadOnly::kNo) return ReportReadOnly();
  // The size of the stale journal's version counts no more than its pages do.
  if (journal_is_stale_) return SQLITE_OK;
  if (Status s = EnsureSnapshot(); !s.ok()) return Report(Place::kTruncate, s);
  const auto bytes = static_cast<uint64_t>(size);
  // After the commit point (key assumption 4) the size is right already, and a
  // transaction that began here would never be published.
  if (transaction_ == nullptr && bytes >= reader_.size_bytes())
    return SQLITE_OK;
  return Report(Place::kTruncate, OrDrop([&] {
                  if (Status s = BeginTransaction(); !s.ok()) return s;
                  return transaction_->Truncate(bytes);
                }));
}

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
  if (Status s = CheckProcess(); !s.ok()) return s;
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
  const Status s = group->Publish();
  if (s.code() != Code::kConflict && s.code() != Code::kFenced) return s;
  // SQLite takes no other code here than that of an error of the disk.
  return s.WithContext(
      "the transaction over several actors is rolled back, and nothing of it "
      "is there: begin it again");
}

// An xSync that no FCNTL_SYNC announced comes from a raw user of the file.
int ActorFile::Sync(int /*flags*/) {
  if (std::exchange(sync_announced_, false)) return SQLITE_OK;
  // A member of a group is published with it, never alone.
  if (transaction_ == nullptr || group_ != nullptr) return SQLITE_OK;
  bool differs = false;
  Status s = transaction_->Differs(&differs);
  if (s.ok() && differs) s = PublishAlone();
  return Report(Place::kSync, s);
}

// --- File controls ----------------------------------------------------------

// SQLite asks before the first write of a transaction that has a journal file
// (pager.c databaseIsUnmoved, 3.40.1), and answers READONLY_DBMOVED itself, so
// the text is kept here. A transaction without a journal file finds it out at
// its commit. The pager also asks as it closes, which shuts out nobody.
bool ActorFile::HasMoved() const {
  const Status s = store_->engine()->CheckNotMoved();
  if (writing()) NoteFence(s);
  return ReportError(Place::kLock, s, error_owner()) != SQLITE_OK;
}

int ActorFile::FileControl(int op, void* arg) {
  switch (op) {
    case SQLITE_FCNTL_SYNC: {
      const Status s = SyncControl(static_cast<const char*>(arg));
      const int code = Report(Place::kSync, s);
      // A playback ends with this call; where it failed, the rollback goes on
      // (see the table in the header).
      if (s.ok()) rolls_back_ = false;
      return code;
    }
    case SQLITE_FCNTL_COMMIT_PHASETWO:
      return Report(Place::kPhaseTwo, PhaseTwo());
    case SQLITE_FCNTL_PDB:
      db_ = static_cast<sqlite3**>(arg);
      return SQLITE_OK;
    case SQLITE_FCNTL_PRAGMA:
      if (FilePragmas::IsSchemaVersion(static_cast<char**>(arg))) {
        // The pragma is about to be prepared, and must see the number that is
        // stored.
        view_.ShowStored();
      }
      return pragmas_.Handle(db_ == nullptr ? nullptr : *db_,
                             static_cast<char**>(arg));
    case SQLITE_FCNTL_LOCKSTATE:
      *static_cast<int*>(arg) = lock_.load();
      return SQLITE_OK;
    case SQLITE_FCNTL_MMAP_SIZE:
      fetched_.Limit(static_cast<sqlite3_int64*>(arg));
      return SQLITE_OK;
    case SQLITE_FCNTL_HAS_MOVED:
      *static_cast<int*>(arg) = HasMoved() ? 1 : 0;
      return SQLITE_OK;
    case SQLITE_FCNTL_VFSNAME:
      *static_cast<char**>(arg) = sqlite3_mprintf("actorkv");
      return SQLITE_OK;
    default:
      // SQLite takes this for a file control that the VFS does not have, and
      // uses its default.
      return SQLITE_NOTFOUND;
  }
}

int ActorFile::SectorSize() const { return kSectorBytes; }

// A torn write cannot happen: a commit is there as a whole or not at all.
int ActorFile::DeviceCharacteristics() const {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

}  // namespace actorkv
