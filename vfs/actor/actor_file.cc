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
  if (is_of_parent()) return Refuse(Place::kLock);
  const int held = lock_.load(std::memory_order_relaxed);
  if (level <= held) return SQLITE_OK;
  rolls_back_ = false;
  if (held == SQLITE_LOCK_NONE) {
    if (Status s = TakeSnapshot(); !s.ok()) return Report(Place::kLock, s);
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
  if (is_of_parent()) return SQLITE_OK;
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
  if (is_of_parent()) return Refuse(Place::kLock);
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
  if (is_of_parent()) return Refuse(Place::kWrite);
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
  if (is_of_parent()) return Refuse(Place::kTruncate);
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

// The pager goes through these also where it rolls back and closes.
int ActorFile::ControlOfParents(int op, void* arg) {
  switch (op) {
    case SQLITE_FCNTL_SYNC:
    case SQLITE_FCNTL_COMMIT_PHASETWO:
      return Refuse(Place::kSync);
    case SQLITE_FCNTL_PDB:
      db_ = static_cast<sqlite3**>(arg);
      return SQLITE_OK;
    default:
      return SQLITE_NOTFOUND;
  }
}

int ActorFile::FileControl(int op, void* arg) {
  if (is_of_parent()) return ControlOfParents(op, arg);
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
