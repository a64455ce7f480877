#include "kv/rocksdb_handle.h"

#include <rocksdb/file_system.h>

#include <utility>

#include "kv/metrics.h"
#include "kv/process_end.h"
#include "kv/rocksdb_bulk.h"
#include "kv/rocksdb_log_file.h"
#include "kv/rocksdb_options.h"
#include "kv/space_reserve.h"

namespace actorkv {
namespace {

// How often one call may find the database broken again by others before it
// gives up.
constexpr int kUseAttempts = 4;

// Leaked on purpose: stores may be closed by exit handlers.
struct TestFileSystem {
  std::mutex mutex;
  std::shared_ptr<rocksdb::FileSystem> file_system;
};
TestFileSystem& GetTestFileSystem() {
  static auto* const global = new TestFileSystem;
  return *global;
}

std::unique_ptr<rocksdb::Env> NewEnv() {
  TestFileSystem& test = GetTestFileSystem();
  std::lock_guard<std::mutex> lock(test.mutex);
  return rocksdb::NewCompositeEnv(NewLogFileSystem(
      test.file_system != nullptr ? test.file_system
                                  : rocksdb::FileSystem::Default()));
}

}  // namespace

void SetRocksDbFileSystemForTesting(
    std::shared_ptr<rocksdb::FileSystem> file_system) {
  TestFileSystem& test = GetTestFileSystem();
  std::lock_guard<std::mutex> lock(test.mutex);
  test.file_system = std::move(file_system);
}

RocksDbHandle::RocksDbHandle(const std::string& directory, OpenMode mode)
    : mode_(mode),
      context_{directory,
               NewEnv(),
               NewBlockCache(),
               {iterator_pool_.NewListener(), stoppage_.NewListener()}} {}

Status RocksDbHandle::Open(const std::string& directory, OpenMode mode,
                           std::unique_ptr<RocksDbHandle>* handle) {
  std::unique_ptr<RocksDbHandle> opened(new RocksDbHandle(directory, mode));
  if (Status s = opened->OpenFirst(); !s.ok()) return s;
  *handle = std::move(opened);
  return Status::Ok();
}

Status RocksDbHandle::OpenFirst() {
  if (follows()) {
    if (Status s = OpenDatabase::ForFollowing(context_, &shown_, &database_);
        !s.ok()) {
      return s;
    }
    state_ = State::kReadOnly;
    return Status::Ok();
  }
  // Before anything is made: a directory that is not for us stays as it is.
  DirectoryKind kind = DirectoryKind::kMissing;
  if (Status s = ClassifyDirectory(directory(), &kind); !s.ok()) return s;
  if (kind != DirectoryKind::kDatabase && mode_ == OpenMode::kExisting) {
    return Status::NotFound("no store: " + directory());
  }
  if (Status s = MakeDirectory(directory()); !s.ok()) return s;
  if (Status s = HolderFile::Take(directory(), &holder_); !s.ok()) return s;
  const bool create = mode_ == OpenMode::kCreate;
  last_error_ = OpenForWriting(create);
  if (last_error_.ok()) return Status::Ok();
  // A full disk must not keep a store from being read.
  if (last_error_.code() != Code::kNoSpace) return last_error_;
  next_attempt_ = std::chrono::steady_clock::now() + kReopenInterval;
  return OpenForReadingOnly().ok() ? Status::Ok() : last_error_;
}

Status RocksDbHandle::OpenForWriting(bool create) {
  if (commit_counter_ == nullptr) {
    if (Status s = CommitCounter::Open(directory(), &commit_counter_);
        !s.ok()) {
      return s;
    }
  }
  RemoveBulkLeftovers(directory());
  if (Status s = OpenDatabase::ForWriting(context_, create, &database_);
      !s.ok()) {
    return s;
  }
  // Writes that were in doubt are decided now.
  commit_counter_->Increment();
  state_ = State::kWritable;
  return Status::Ok();
}

RocksDbHandle::~RocksDbHandle() {
  iterator_pool_.Clear();
  if (state_ == State::kWritable) {
    // So that a store that was closed survives a power loss whole. A failure
    // has nobody to be told to, and promised nothing.
    (void)database_->db()->SyncWAL().ok();
  }
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
    if (serves && (need == Need::kRead || !stoppage_.IsDue())) {
      *hold = std::move(taken);
      return Status::Ok();
    }
    taken.unlock();
    if (serves) {
      EndStoppage();
    } else if (Status s = Repair(need); !s.ok()) {
      return s;
    }
  }
  return Status::IOError("store keeps failing: " + directory());
}

void RocksDbHandle::MarkBroken() {
  // Several holders may report the same failure; only the first changes it.
  State expected = State::kWritable;
  state_.compare_exchange_strong(expected, State::kBroken);
}

Status RocksDbHandle::Repair(Need need) {
  Gate::Exclusive exclusive(&gate_);
  if (ended_) return last_error_;
  if (Serves(need)) return Status::Ok();  // another thread did it
  const bool broken = state_ == State::kBroken;
  if (!broken && std::chrono::steady_clock::now() < next_attempt_) {
    return last_error_;
  }
  return Reopen(need);
}

// Where that fails, what Repair() does is due, as after any failure.
void RocksDbHandle::EndStoppage() {
  Gate::Exclusive exclusive(&gate_);
  if (state_ != State::kWritable || !stoppage_.IsDue()) return;
  const DiskSpace space = LookAtDisk(directory());
  if (space.free_bytes < space.reserve_bytes) return stoppage_.PutOff();
  stoppage_.End();
  // An open flushes what the log holds, which must be what was promised.
  if (!database_->db()->SyncWAL().ok()) {
    state_ = State::kBroken;
    return;
  }
  static_cast<void>(Reopen(Need::kWrite));
}

bool RocksDbHandle::End(std::chrono::steady_clock::time_point give_up) {
  ending_ = true;
  const auto no_catch_up = LockUntil(&catch_up_mutex_, give_up);
  if (!no_catch_up.owns_lock()) return false;
  const Gate::Exclusive exclusive(&gate_, give_up);
  if (!exclusive.owns()) return false;
  if (ended_) return true;
  // As in a close; a failure has nobody to be told to.
  if (state_ == State::kWritable) (void)database_->db()->SyncWAL().ok();
  DropAllIterators();
  database_.reset();
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
  const DiskSpace space = LookAtDisk(directory());
  return space.free_bytes < space.reserve_bytes;
}

Status RocksDbHandle::Reopen(Need need) {
  // Not even tried: it would replay the log only to fail, while reads wait.
  if (StillFull()) {
    next_attempt_ = std::chrono::steady_clock::now() + kReopenInterval;
    return last_error_;
  }
  Add(Metric::kEngineReopens);
  ++reopen_count_;
  if (state_ == State::kBroken) unproven_logs_ = true;
  DropAllIterators();
  database_.reset();
  state_ = State::kClosed;
  last_error_ = OpenForWriting(false);
  if (last_error_.ok()) {
    unproven_logs_ = false;
    return Status::Ok();
  }
  Status readable = OpenForReadingOnly();
  next_attempt_ = std::chrono::steady_clock::now() + kReopenInterval;
  if (need == Need::kRead) return readable;
  return last_error_;
}

Status RocksDbHandle::OpenForReadingOnly() {
  if (unproven_logs_) {
    if (Status s = RewriteLogs(directory()); !s.ok()) return s;
    unproven_logs_ = false;
  }
  if (Status s = OpenDatabase::ForReading(context_, &database_); !s.ok()) {
    return s;
  }
  state_ = State::kReadOnly;
  return Status::Ok();
}

Status RocksDbHandle::CatchUp(std::atomic<uint64_t>* epoch) {
  if (!follows()) return Status::Ok();
  std::lock_guard<std::mutex> one_at_a_time(catch_up_mutex_);
  if (ended_) return last_error_;
  CommitCount count;
  if (Status s = ReadCommitCount(directory(), &count); !s.ok()) return s;
  if (count == shown_) return Status::Ok();
  // Opened beside the old one, so that readers wait only for the exchange.
  std::unique_ptr<OpenDatabase> opened;
  if (Status s = OpenDatabase::ForFollowing(context_, &shown_, &opened);
      !s.ok()) {
    return s;
  }
  {
    Gate::Exclusive exclusive(&gate_);
    DropAllIterators();
    database_.swap(opened);
    epoch->fetch_add(1, std::memory_order_acq_rel);
  }
  return Status::Ok();
}

void RocksDbHandle::Register(IteratorOwner* owner, IteratorSet* iterators) {
  // Taken and registered in one step: DropAllIterators() must find them.
  std::lock_guard<std::mutex> lock(owners_mutex_);
  *iterators = iterator_pool_.Take();
  owners_.insert(owner);
}

void RocksDbHandle::Unregister(IteratorOwner* owner, IteratorSet* iterators) {
  const Gate::Hold hold = gate_.Shared();
  iterator_pool_.GiveBack(iterators);
  std::lock_guard<std::mutex> lock(owners_mutex_);
  owners_.erase(owner);
}

void RocksDbHandle::DropAllIterators() {
  std::lock_guard<std::mutex> lock(owners_mutex_);
  for (IteratorOwner* owner : owners_) owner->DropIterators();
  iterator_pool_.Clear();
}

}  // namespace actorkv
