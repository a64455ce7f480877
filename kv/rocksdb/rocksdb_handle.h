// RocksDbHandle: a RocksDB database that may be closed and opened again under
// its users. Owns the gate, the holder file, and the decision in which state
// the database is.
//
//                     MarkBroken                    reopen fails
//     +----------+ -------------> +--------+ --------------------------+
//     | writable |                | broken |                           |
//     +----------+ <------------- +--------+                           v
//          ^          reopened                +-----------+      +--------+
//          +--------------------------------- | read-only | <--> | closed |
//               reopened for a commit, at     +-----------+      +--------+
//               most every kReopenInterval      opens for reading or not
//
// A follower is always read-only and replaces its database in CatchUp().
//
// Invariants:
//  1. The database is used only under a Hold. Opening and closing it happen
//     with the gate exclusive, after all registered iterators were dropped.
//     All files are those of the directory that was opened, wherever it is now
//     (kv/files/opened_directory.h); errors name it as it was opened.
//     A database through which an exception passed is broken, and is not closed
//     but given up (kv/rocksdb/rocksdb_fence.h), with its iterators.
//  2. In state broken nothing is answered: Use() repairs first.
//  3. What an open after broken shows is on the disk. For writing, RocksDB
//     flushes and syncs what it recovers from the log before Open returns
//     (avoid_flush_during_recovery is false), and what it did not recover is
//     skipped for ever. For reading, it changes nothing, so the logs are
//     written over themselves and synced before; if that fails, the database
//     stays closed, because showing a commit that a power loss can still
//     take back would turn an unknown outcome into a lie.
//  4. One writes or syncs at a time, and nobody after one that failed: RocksDB
//     asserts that (Debian's 7.8 ends the process), and who waits in its queue
//     of writers for one that an exception took away waits for ever.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_HANDLE_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_HANDLE_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>

#include "kv/base/gate.h"
#include "kv/base/thrown.h"
#include "kv/engine/engine_home.h"
#include "kv/files/work_file.h"
#include "kv/rocksdb/ballast.h"
#include "kv/rocksdb/commit_counter.h"
#include "kv/rocksdb/holder_file.h"
#include "kv/rocksdb/rocksdb_iterators.h"
#include "kv/rocksdb/rocksdb_open.h"
#include "kv/rocksdb/rocksdb_status.h"
#include "kv/rocksdb/rocksdb_stoppage.h"
#include "kv/rocksdb/spare_memory.h"

namespace actorkv {

// IteratorOwner: has iterators, which must be gone before a database is closed.
class IteratorOwner {
 public:
  virtual ~IteratorOwner() = default;
  // Called with the gate exclusive, so while no call on the owner is inside.
  virtual void DropIterators() = 0;
  // Called in the same way, but the iterators are left as they are:
  // IteratorSet::Leave().
  virtual void LeaveIterators() = 0;
};

class RocksDbHandle {
 public:
  enum class Need { kRead, kWrite };

  static constexpr std::chrono::milliseconds kReopenInterval{500};

  // Errors: as OpenRocksDbEngine().
  static Status Open(const std::string& directory, OpenMode mode,
                     std::unique_ptr<RocksDbHandle>* handle);

  // Syncs the log of a writable database. REQUIRES: no Hold, no owner left.
  ~RocksDbHandle();

  // Takes a hold of a database that serves `need`, after reopening it if
  // that is due. REQUIRES: the thread has no other Hold of it.
  Status Use(Need need, Gate::Hold* hold);

  // Calls what reads from the database. What RocksDB throws is passed on, and
  // leaves a database that is given up: the next Use() opens another.
  // REQUIRES: a Hold.
  template <typename Call>
  auto Enter(const Call& call);

  // Calls what works on the database without a turn as a writer, in the same
  // way.
  template <typename Call>
  auto EnterToWork(const Call& call);

  // Has `call` write to the database, or sync its log: invariant 4. Its status
  // as an outcome: kFailed, where nothing was written; kUnknown, also where it
  // throws, and then the next Use() reopens, before anyone hears of it. `what`
  // is for the error. REQUIRES: a Hold, and that the database was writable
  // under it.
  template <typename Call>
  CommitResult AsWriter(const char* what, const Call& call);

  // Syncs what was written so far. REQUIRES: as AsWriter().
  CommitResult SyncLog();

  // Errors: kFenced when the path leads to another directory now, or nowhere.
  Status CheckNotMoved() { return context_.opened->CheckNotMoved(); }

  // Says whether another process waits for the store.
  bool IsWaitedFor() const {
    return holder_ != nullptr && holder_->IsWaitedFor();
  }

  // Closes the database under its users, and for good, as the process ends.
  // Use() fails from then on, and nothing that is called here reaches RocksDB
  // any more. Waits for calls that are under a Hold until `give_up`: false when
  // they took longer, and it is open still.
  bool End(std::chrono::steady_clock::time_point give_up);

  // The board in the directory; null for a follower, and where the disk had no
  // room for it.
  std::shared_ptr<WorkBoard> work_board() const {
    if (work_file_ == nullptr) return nullptr;
    return {work_file_, work_file_->board()};
  }

  // See Engine::LimitLog(). Counts for databases that are opened later as well.
  void LimitLog(uint64_t bytes);
  // See Engine::KeepLogShort().
  void KeepLogShort();

  // A flag that is set when the end is near: a call that may last looks at it,
  // and stops.
  std::atomic<bool>* ending() { return &ending_; }

  // A follower opens the database again if the directory changed; see
  // Engine::CatchUp(). Errors: also kFenced, as CheckNotMoved().
  Status CatchUp(std::atomic<uint64_t>* epoch);

  // REQUIRES: a Hold.
  rocksdb::DB* db() const { return database_->db(); }
  rocksdb::ColumnFamilyHandle* family(Family family) const {
    return database_->family(family);
  }

  // These do what they do in OpenDatabase. REQUIRE: a Hold.
  uint64_t TableBytes() const { return database_->TableBytes(); }
  uint64_t MemtableBytes() const { return database_->MemtableBytes(); }
  void BeginFlush() { database_->BeginFlush(); }

  // Gives the owner iterators to begin with, where there are idle ones.
  void Register(IteratorOwner* owner, IteratorSet* iterators);
  // Takes the owner's iterators back: under a hold, so that no reopen is in
  // the middle of closing the database under them.
  void Unregister(IteratorOwner* owner, IteratorSet* iterators) noexcept;
  // Drops idle iterators, which keep files that were removed on the disk.
  void DropIdleIterators() { iterator_pool_->Clear(); }

  // A number that rises with every write that was done, before it is reported
  // as done. An iterator made or refreshed since the last rise sees everything.
  uint64_t write_count() const { return write_count_.load(); }
  void CountWrite() {
    ++write_count_;
    commit_counter_->Increment();
  }

  // Opens a writable database again, as after a compaction that found no room.
  // REQUIRES: the thread has no Hold.
  void Restart();

  // The number of times that the database was opened again: what was known of
  // unsynced writes before is not known any more. REQUIRES: a Hold.
  uint64_t reopen_count() const { return reopen_count_; }

  // The space set aside on the store's disk. REQUIRES: it is no follower.
  Ballast* ballast() { return &*ballast_; }
  // Has RocksDB compact by itself, or not while the ballast is missing: what is
  // free then is for removing. To be called when that may have changed.
  // REQUIRES: a Hold of a writable database.
  void FollowBallast();

  // The directory, for people; and for file work.
  const std::string& directory() const { return path_; }
  const std::string& work_path() const { return context_.directory; }
  bool follows() const { return mode_ == OpenMode::kFollow; }

 private:
  enum class State { kWritable, kReadOnly, kBroken, kClosed };
  // Lost: the user that an exception took away, a reader or one that may have
  // had locks.
  enum class Lost { kReader, kWriter };

  RocksDbHandle(const std::string& directory, OpenMode mode);

  Status OpenFirst();
  Status HoldDirectory();
  Status OpenHeld();
  // REQUIRES: the holder file is held, and no database is open.
  Status OpenForWriting(bool create);
  Status TryToOpenForWriting(bool create);
  Status RaiseFormat();
  Status CheckHolding() const;
  bool Serves(Need need) const;
  // Reopens if it is due. Ok: the state now serves `need`.
  Status Repair(Need need);
  // REQUIRES: the gate exclusive.
  Status Reopen(Need need);
  Status OpenAgain();
  // Opens the database again when RocksDB stopped compacting.
  void EndStoppage();
  void RestartExclusively();
  bool StillFull() const;
  Status OpenForReadingOnly();
  void DropAllIterators();
  void CloseForGood();
  void TrimBallast() noexcept;
  void Seal() noexcept;
  // Closes the database with its iterators, or gives it up.
  void CloseDatabase() noexcept;
  // These have the next Use() reopen. REQUIRE: a Hold.
  void MarkBroken() noexcept;
  void MarkGivenUp(Lost lost) noexcept;
  CommitResult WriteResult(const char* what, const rocksdb::Status& status);
  static CommitResult ThrownResult(Status thrown) noexcept;

  const OpenMode mode_;
  const std::string path_;
  const std::shared_ptr<IteratorPool> iterator_pool_ =
      std::make_shared<IteratorPool>();
  const std::shared_ptr<Stoppage> stoppage_ = std::make_shared<Stoppage>();
  OpenContext context_;
  std::unique_ptr<HolderFile> holder_;  // released after database_ closed
  std::unique_ptr<CommitCounter> commit_counter_;  // of a writable database
  std::shared_ptr<WorkFile> work_file_;  // made by the first open, or never

  Gate gate_;
  // Changed with the gate exclusive, but for a change to broken.
  std::atomic<State> state_{State::kClosed};
  std::atomic<bool> is_given_up_{false};    // broken by an exception
  std::atomic<bool> lost_writer_{false};    // and perhaps in a lock
  std::mutex writers_mutex_;                // taken after the gate
  std::unique_ptr<OpenDatabase> database_;  // null only in kClosed
  std::optional<Ballast> ballast_;          // once the directory is held
  std::atomic<bool> compacts_{true};        // the database, by itself
  std::atomic<uint64_t> max_log_bytes_{kMaxLogBytes};
  // The rest is used with the gate exclusive.
  bool unproven_logs_ = false;  // a failed write may sit in them, unsynced
  Status last_error_;           // why it is not writable
  std::chrono::steady_clock::time_point next_attempt_;
  uint64_t reopen_count_ = 0;
  bool ended_ = false;  // by End(); also under catch_up_mutex_

  std::atomic<bool> ending_{false};
  std::atomic<uint64_t> write_count_{0};

  std::mutex owners_mutex_;  // taken after the gate
  std::unordered_set<IteratorOwner*> owners_;

  std::mutex catch_up_mutex_;  // taken before the gate
  CommitCount shown_;          // what a follower's database shows at least
};

template <typename Call>
auto RocksDbHandle::Enter(const Call& call) {
  if (!SpareMemory::Fill()) ThrowNoMemory();
  const SpareMemory::Use use;
  return OrUndo(call, [this] { MarkGivenUp(Lost::kReader); });
}

template <typename Call>
auto RocksDbHandle::EnterToWork(const Call& call) {
  if (!SpareMemory::Fill()) ThrowNoMemory();
  const SpareMemory::Use use;
  return OrUndo(call, [this] { MarkGivenUp(Lost::kWriter); });
}

template <typename Call>
CommitResult RocksDbHandle::AsWriter(const char* what, const Call& call) {
  const std::lock_guard<std::mutex> lock(writers_mutex_);
  if (state_.load(std::memory_order_acquire) != State::kWritable) {
    return {CommitOutcome::kFailed,
            Status::IOError("a write before this one failed: " + directory())};
  }
  if (!SpareMemory::Fill()) return {CommitOutcome::kFailed, Status::NoMemory()};
  const SpareMemory::Use use;
  rocksdb::Status status;
  const Status thrown = Caught([&] {
    status = call();
    return Status::Ok();
  });
  if (!thrown.ok()) {
    MarkGivenUp(Lost::kWriter);
    return ThrownResult(thrown);
  }
  return WriteResult(what, status);
}

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_HANDLE_H_
