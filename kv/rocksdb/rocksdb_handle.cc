#include "kv/rocksdb/rocksdb_handle.h"

#include <malloc.h>
#include <rocksdb/file_system.h>

#include <utility>

#include "kv/base/events.h"
#include "kv/base/metrics.h"
#include "kv/base/process_end.h"
#include "kv/base/thrown.h"
#include "kv/base/whole_mutex.h"
#include "kv/files/directory.h"
#include "kv/rocksdb/database_files.h"
#include "kv/rocksdb/log_seal.h"
#include "kv/rocksdb/rocksdb_log_file.h"
#include "kv/rocksdb/rocksdb_options.h"
#include "kv/rocksdb/rocksdb_store_files.h"
#include "kv/rocksdb/space_reserve.h"

namespace actorkv {
namespace {

// One call may find the database broken again by others so often before it
// gives up.
constexpr int kUseAttempts = 4;

// The object is leaked on purpose: stores may be closed by exit handlers.
struct TestFileSystem {
  WholeMutex mutex;
  std::shared_ptr<rocksdb::FileSystem> file_system;
};
TestFileSystem& GetTestFileSystem() {
  static auto* const global = new TestFileSystem;
  return *global;
}

std::shared_ptr<rocksdb::FileSystem> NewFileSystem(
    const std::shared_ptr<OpenedDirectory>& directory,
    const std::shared_ptr<LogMarks>& marks) {
  TestFileSystem& test = GetTestFileSystem();
  std::lock_guard<WholeMutex> lock(test.mutex);
  const std::shared_ptr<rocksdb::FileSystem> base =
      test.file_system != nullptr ? test.file_system
                                  : rocksdb::FileSystem::Default();
  return NewLogFileSystem(NewStoreFileSystem(base, directory), marks);
}

}  // namespace

void SetRocksDbFileSystemForTesting(
    std::shared_ptr<rocksdb::FileSystem> file_system) {
  TestFileSystem& test = GetTestFileSystem();
  std::lock_guard<WholeMutex> lock(test.mutex);
  test.file_system = std::move(file_system);
}

RocksDbHandle::RocksDbHandle(const std::string& directory, OpenMode mode)
    : mode_(mode), path_(directory) {
  context_.marks = std::make_shared<LogMarks>();
  context_.cache = NewBlockCache();
  context_.listeners = {IteratorPool::NewListener(iterator_pool_),
                        Stoppage::NewListener(stoppage_)};
}

Status RocksDbHandle::Open(const std::string& directory, OpenMode mode,
                           std::unique_ptr<RocksDbHandle>* handle) {
  std::unique_ptr<RocksDbHandle> opened(new RocksDbHandle(directory, mode));
  if (Status s = opened->OpenFirst(); !s.ok()) return s;
  *handle = std::move(opened);
  return Status::Ok();
}

Status RocksDbHandle::OpenFirst() {
  if (!follows()) {
    // The directory is looked at before anything is made: one that is not for
    // us stays as it is.
    DirectoryKind kind = DirectoryKind::kMissing;
    if (Status s = ClassifyDirectory(path_, &kind); !s.ok()) return s;
    if (kind != DirectoryKind::kDatabase && mode_ == OpenMode::kExisting) {
      return Status::NotFound("no store: " + path_);
    }
    if (Status s = MakeDirectory(path_); !s.ok()) return s;
  }
  if (Status s = HoldDirectory(); !s.ok()) return s;
  return context_.opened->Named(OpenHeld());
}

Status RocksDbHandle::HoldDirectory() {
  if (Status s = OpenedDirectory::Open(path_, &context_.opened); !s.ok()) {
    return s;
  }
  // From here on every file is found through the open directory, not by its
  // path (invariant 1).
  context_.directory = context_.opened->work_path();
  context_.file_system = NewFileSystem(context_.opened, context_.marks);
  ballast_.emplace(work_path());
  return Status::Ok();
}

Status RocksDbHandle::OpenHeld() {
  // RocksDB follows links: a store with one could make it write elsewhere.
  if (Status s = CheckPlainFiles(work_path()); !s.ok()) return s;
  if (follows()) {
    if (Status s = OpenDatabase::ForFollowing(context_, &shown_, &database_);
        !s.ok()) {
      return s;
    }
    state_ = State::kReadOnly;
    return Status::Ok();
  }
  // The holder file comes before RocksDB: see kv/rocksdb/holder_file.h.
  if (Status s = HolderFile::Take(work_path(), &holder_); !s.ok()) return s;
  const bool create = mode_ == OpenMode::kCreate;
  last_error_ = OpenForWriting(create);
  if (last_error_.ok()) {
    work_file_ = WorkFile::MakeOrNone(work_path());
    return Status::Ok();
  }
  // A full disk must not keep a store from being read.
  if (last_error_.code() != Code::kNoSpace) return last_error_;
  next_attempt_ = std::chrono::steady_clock::now() + kReopenInterval;
  // The full disk is why the store is not as it was asked for, whatever a
  // reader's open says.
  return OpenForReadingOnly().ok() ? Status::Ok() : last_error_;
}

// Makes room where the disk is full: first what a dead process left goes, and
// then what was set aside for this moment.
Status RocksDbHandle::OpenForWriting(bool create) {
  Status opened = TryToOpenForWriting(create);
  if (opened.code() != Code::kNoSpace) return opened;
  bool any = false;
  if (OpenDatabase::RemoveUnfinishedTables(context_, &any).ok() && any) {
    opened = TryToOpenForWriting(create);
  }
  if (opened.code() == Code::kNoSpace && ballast_->GiveUp()) {
    opened = TryToOpenForWriting(create);
  }
  return opened;
}

Status RocksDbHandle::TryToOpenForWriting(bool create) {
  if (Status s = CheckHolding(); !s.ok()) return s;
  if (commit_counter_ == nullptr) {
    if (Status s = CommitCounter::Open(work_path(), &commit_counter_);
        !s.ok()) {
      return context_.opened->Named(s);
    }
  }
  // The holder file is held, so whoever was writing these is dead.
  RemoveBulkLeftovers(work_path());
  context_.compacts = !ballast_->IsMissing();
  context_.max_log_bytes = max_log_bytes_;
  // The marks are mapped before RocksDB opens its first log, which takes a slot
  // of them.
  Status s = context_.marks->Map(work_path());
  if (s.ok()) s = OpenDatabase::ForWriting(context_, create, &database_);
  if (s.ok()) s = RaiseFormat();
  if (!s.ok()) {
    database_.reset();
    return context_.opened->Named(s);
  }
  compacts_ = context_.compacts;
  // Writes that were in doubt are decided by here: followers are to look.
  commit_counter_->Increment();
  state_ = State::kWritable;
  return Status::Ok();
}

// The format is raised only of a store that can be opened, and before anything
// is written to it.
Status RocksDbHandle::RaiseFormat() {
  bool raised = false;
  Status s = RaiseMarker(work_path(), &raised);
  return s.ok() && raised ? context_.opened->AdoptMarker() : s;
}

// Looks that an open after the first does not find the files of another store.
Status RocksDbHandle::CheckHolding() const {
  FileAccess access;
  if (context_.opened->IsHolding(&access)) return Status::Ok();
  return Status::Fenced(
      "the files of the store were removed or replaced while it was open: " +
      path_ + ": close all connections to it and open them again");
}

RocksDbHandle::~RocksDbHandle() {
  // Iterators keep tables and memtables alive, and must be gone before the
  // database is.
  iterator_pool_->Clear();
  CloseForGood();
  // Memtables and tables leave holes that malloc keeps.
  malloc_trim(0);
}

// Syncs the log, so that a store that was closed survives a power loss whole. A
// failure has nobody to be told to, and promised nothing.
void RocksDbHandle::CloseForGood() {
  const bool synced = state_ == State::kWritable && SyncLog().done();
  // The ballast is trimmed while the memtables still say what an open will
  // write; the seal speaks of logs as the close left them.
  if (synced) TrimBallast();
  CloseDatabase();
  if (synced) Seal();
}

// Trims the ballast as far as memory allows; the rest goes in the next life.
void RocksDbHandle::TrimBallast() noexcept {
  static_cast<void>(
      IfMemory([this] { ballast_->Trim(database_->MemtableBytes()); }));
}

// Writes the seal. Without it less is known of the logs at the next open, and
// that is all.
void RocksDbHandle::Seal() noexcept {
  static_cast<void>(IfMemory([this] {
    if (CheckHolding().ok()) static_cast<void>(SealLogs(work_path()));
  }));
}

bool RocksDbHandle::Serves(Need need) const {
  const State state = state_.load(std::memory_order_acquire);
  return state == State::kWritable ||
         (state == State::kReadOnly && need == Need::kRead);
}

Status RocksDbHandle::Use(Need need, Gate::Hold* hold) {
  for (int attempt = 0; attempt < kUseAttempts; ++attempt) {
    Gate::Hold taken = gate_.Shared();
    const bool serves = Serves(need);
    if (serves && (need == Need::kRead || !stoppage_->IsDue())) {
      *hold = std::move(taken);
      return Status::Ok();
    }
    // Repair() and EndStoppage() take the gate exclusively, which would wait
    // for this hold.
    taken.unlock();
    if (serves) {
      EndStoppage();
    } else if (Status s = Repair(need); !s.ok()) {
      return s;
    }
  }
  return Status::IOError("store keeps failing: " + directory());
}

void RocksDbHandle::MarkBroken() noexcept {
  // Several holders may report the same failure; only the first changes the
  // state.
  State expected = State::kWritable;
  state_.compare_exchange_strong(expected, State::kBroken);
}

void RocksDbHandle::MarkGivenUp(Lost lost) noexcept {
  // The state comes last: whoever sees it broken must see why.
  if (lost == Lost::kWriter) lost_writer_ = true;
  is_given_up_ = true;
  state_ = State::kBroken;
}

CommitResult RocksDbHandle::WriteResult(const char* what,
                                        const rocksdb::Status& status) {
  if (status.ok()) return {};
  const bool nothing_written = NothingWritten(status);
  // The state changes first: before the guards are released and the caller
  // hears of it, and before the text of the error can fail. The next read or
  // commit, of whichever thread, finds it broken and reopens.
  if (!nothing_written) MarkBroken();
  CommitResult result = {
      nothing_written ? CommitOutcome::kFailed : CommitOutcome::kUnknown,
      Status::NoMemoryInDoubt()};
  static_cast<void>(IfMemory([&] {
    Status text = FromRocksDb(status, what, directory());
    if (text.code() != Code::kNoMemory) result.status = std::move(text);
  }));
  return result;
}

CommitResult RocksDbHandle::ThrownResult(Status thrown) noexcept {
  if (thrown.code() == Code::kNoMemory) thrown = Status::NoMemoryInDoubt();
  return {CommitOutcome::kUnknown, std::move(thrown)};
}

CommitResult RocksDbHandle::SyncLog() {
  return AsWriter("sync", [this] { return db()->SyncWAL(); });
}

Status RocksDbHandle::Repair(Need need) {
  Gate::Exclusive exclusive(&gate_);
  if (ended_) return last_error_;
  if (Serves(need)) return Status::Ok();  // another thread did it
  const bool broken = state_ == State::kBroken;
  // A store that is read-only because the disk is full serves reads; writes
  // need not try all the time. A broken one is repaired at once.
  if (!broken && std::chrono::steady_clock::now() < next_attempt_) {
    return last_error_;
  }
  return Reopen(need);
}

// Where the restart fails, what Repair() does is due, as after any failure.
void RocksDbHandle::EndStoppage() {
  Gate::Exclusive exclusive(&gate_);
  // Another thread may have ended it while this one waited for the gate.
  if (state_ != State::kWritable || !stoppage_->IsDue()) return;
  const DiskSpace space = LookAtDisk(work_path());
  if (space.free_bytes < space.reserve_bytes) return stoppage_->PutOff();
  RestartExclusively();
}

void RocksDbHandle::Restart() {
  Gate::Exclusive exclusive(&gate_);
  if (state_ == State::kWritable) RestartExclusively();
}

void RocksDbHandle::RestartExclusively() {
  stoppage_->End();
  // An open flushes what the log holds, which must be what was promised.
  if (!SyncLog().done()) return;
  static_cast<void>(Reopen(Need::kWrite));
}

bool RocksDbHandle::End(std::chrono::steady_clock::time_point give_up) {
  // Calls that may last see this and stop, while the locks below are waited
  // for.
  ending_ = true;
  // This mutex comes before the gate, as in CatchUp().
  const auto no_catch_up = LockUntil(&catch_up_mutex_, give_up);
  if (!no_catch_up.owns_lock()) return false;
  const Gate::Exclusive exclusive(&gate_, give_up);
  if (!exclusive.owns()) return false;
  if (ended_) return true;
  CloseForGood();
  holder_.reset();
  last_error_ = ProcessIsEnding(directory());
  ended_ = true;
  state_ = State::kClosed;
  return true;
}

bool RocksDbHandle::StillFull() const {
  if (state_ != State::kReadOnly || last_error_.code() != Code::kNoSpace) {
    return false;
  }
  const DiskSpace space = LookAtDisk(work_path());
  return space.free_bytes + ballast_->size_bytes() < space.reserve_bytes;
}

Status RocksDbHandle::Reopen(Need need) {
  // The open is not even tried: it would replay the log only to fail, while
  // reads wait.
  if (StillFull()) {
    next_attempt_ = std::chrono::steady_clock::now() + kReopenInterval;
    return last_error_;
  }
  const EventTimer timer;
  const bool was_down = state_ == State::kReadOnly || state_ == State::kClosed;
  Add(Metric::kEngineReopens);
  ++reopen_count_;
  // The write that failed may lie in the log without being on the disk:
  // invariant 3.
  if (state_ == State::kBroken) unproven_logs_ = true;
  CloseDatabase();
  last_error_ = Status::NoMemory();  // stands until the open says how it ended
  last_error_ = OpenAgain();
  // Attempts that fail like the one before are not worth one each.
  if (!was_down || last_error_.ok()) {
    NoteEvent({EventKind::kReopen, path_, "",
               last_error_.ok() ? "it can be written" : last_error_.message(),
               timer.elapsed_us()});
  }
  if (last_error_.ok()) {
    unproven_logs_ = false;
    return Status::Ok();
  }
  if (follows()) return last_error_;
  Status readable = OpenForReadingOnly();
  next_attempt_ = std::chrono::steady_clock::now() + kReopenInterval;
  if (need == Need::kRead) return readable;
  return last_error_;
}

Status RocksDbHandle::OpenAgain() {
  if (!follows()) return OpenForWriting(false);
  if (Status s = OpenDatabase::ForFollowing(context_, &shown_, &database_);
      !s.ok()) {
    return s;
  }
  state_ = State::kReadOnly;
  return Status::Ok();
}

void RocksDbHandle::CloseDatabase() noexcept {
  // RocksDB's destructors do not stand an allocation that fails
  // (kv/rocksdb/spare_memory.h). Where nothing can be put aside they run all
  // the same: the database must go.
  static_cast<void>(SpareMemory::Fill());
  const SpareMemory::Use use;
  DropAllIterators();
  const bool lost_writer = lost_writer_.exchange(false);
  if (is_given_up_.exchange(false)) {
    // An interrupted writer may hold locks that this call would wait for.
    if (!lost_writer) database_->TakeFromThreads();
    OpenDatabase::Abandon(std::move(database_));
  } else {
    database_.reset();
  }
  state_ = State::kClosed;
}

Status RocksDbHandle::OpenForReadingOnly() {
  if (Status s = CheckHolding(); !s.ok()) return s;
  if (unproven_logs_) {
    if (Status s = RewriteLogs(work_path()); !s.ok()) {
      return context_.opened->Named(s);
    }
    unproven_logs_ = false;
  }
  if (Status s = OpenDatabase::ForReading(context_, &database_); !s.ok()) {
    return context_.opened->Named(s);
  }
  state_ = State::kReadOnly;
  return Status::Ok();
}

Status RocksDbHandle::CatchUp(std::atomic<uint64_t>* epoch) {
  if (!follows()) return Status::Ok();
  // A store that the path does not lead to any more is not followed
  // (kv/README.md, invariant 12).
  if (Status s = CheckNotMoved(); !s.ok()) return s;
  std::lock_guard<std::mutex> one_at_a_time(catch_up_mutex_);
  if (ended_) return last_error_;
  CommitCount count;
  if (Status s = ReadCommitCount(work_path(), &count); !s.ok()) {
    return context_.opened->Named(s);
  }
  if (count == shown_) return Status::Ok();
  // The new database is opened beside the old one, so that readers wait only
  // for the exchange.
  std::unique_ptr<OpenDatabase> opened;
  bool given_up = false;
  if (Status s = OpenDatabase::ForFollowing(context_, &shown_, &opened);
      !s.ok()) {
    return context_.opened->Named(s);
  }
  {
    Gate::Exclusive exclusive(&gate_);
    DropAllIterators();
    database_.swap(opened);
    given_up = is_given_up_.exchange(false);
    state_ = State::kReadOnly;
    epoch->fetch_add(1, std::memory_order_acq_rel);
  }
  // The old database is closed after the gate is free: that takes long, and
  // readers need not wait for it.
  if (given_up) OpenDatabase::Abandon(std::move(opened));
  const SpareMemory::Use use;  // as in CloseDatabase()
  opened.reset();
  return Status::Ok();
}

void RocksDbHandle::Register(IteratorOwner* owner, IteratorSet* iterators) {
  // The set is taken and registered in one step, as DropAllIterators() must
  // find it. Registering comes first, as it may fail.
  std::lock_guard<std::mutex> lock(owners_mutex_);
  owners_.insert(owner);
  *iterators = iterator_pool_->Take();
}

void RocksDbHandle::Unregister(IteratorOwner* owner,
                               IteratorSet* iterators) noexcept {
  const Gate::Hold hold = gate_.Shared();
  iterator_pool_->GiveBack(iterators);
  std::lock_guard<std::mutex> lock(owners_mutex_);
  owners_.erase(owner);
}

void RocksDbHandle::DropAllIterators() {
  std::lock_guard<std::mutex> lock(owners_mutex_);
  if (is_given_up_) {
    for (IteratorOwner* owner : owners_) owner->LeaveIterators();
    return iterator_pool_->Leave();
  }
  for (IteratorOwner* owner : owners_) owner->DropIterators();
  iterator_pool_->Clear();
}

}  // namespace actorkv
