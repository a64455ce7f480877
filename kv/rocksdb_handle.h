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
//  2. In state broken nothing is answered: Use() repairs first.
//  3. What an open after broken shows is on the disk. For writing, RocksDB
//     flushes and syncs what it recovers from the log before Open returns
//     (avoid_flush_during_recovery is false), and what it did not recover is
//     skipped for ever. For reading, it changes nothing, so the logs are
//     written over themselves and synced before; if that fails, the database
//     stays closed, because showing a commit that a power loss can still
//     take back would turn an unknown outcome into a lie.

#ifndef ACTORKV_KV_ROCKSDB_HANDLE_H_
#define ACTORKV_KV_ROCKSDB_HANDLE_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>

#include "kv/commit_counter.h"
#include "kv/gate.h"
#include "kv/holder_file.h"
#include "kv/rocksdb_engine.h"
#include "kv/rocksdb_iterators.h"
#include "kv/rocksdb_open.h"
#include "kv/rocksdb_stoppage.h"

namespace actorkv {

// Something with iterators, which must be gone before a database is closed.
class IteratorOwner {
 public:
  virtual ~IteratorOwner() = default;
  // Called with the gate exclusive, so while no call on the owner is inside.
  virtual void DropIterators() = 0;
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

  // The next Use() reopens. REQUIRES: a Hold, and that the database was
  // writable under it.
  void MarkBroken();

  // Whether another process waits for the store.
  bool IsWaitedFor() const {
    return holder_ != nullptr && holder_->IsWaitedFor();
  }

  // The process ends: closes the database under its users, and for good. Use()
  // fails from then on, and nothing that is called here reaches RocksDB any
  // more. Waits for calls that are under a Hold until `give_up`: false when
  // they took longer, and it is open still.
  bool End(std::chrono::steady_clock::time_point give_up);

  // Set when the end is near: a call that may last looks at it, and stops.
  std::atomic<bool>* ending() { return &ending_; }

  // A follower opens the database again if the directory changed; see
  // Engine::CatchUp().
  Status CatchUp(std::atomic<uint64_t>* epoch);

  // REQUIRES: a Hold.
  rocksdb::DB* db() const { return database_->db(); }
  rocksdb::ColumnFamilyHandle* family(Family family) const {
    return database_->family(family);
  }

  // Gives the owner iterators to begin with, where there are idle ones.
  void Register(IteratorOwner* owner, IteratorSet* iterators);
  // Takes the owner's iterators back: under a hold, so that no reopen is in
  // the middle of closing the database under them.
  void Unregister(IteratorOwner* owner, IteratorSet* iterators);
  // Idle iterators keep files that were removed on the disk.
  void DropIdleIterators() { iterator_pool_.Clear(); }

  // Rises with every write that was done, before it is reported as done. An
  // iterator made or refreshed since the last rise sees everything.
  uint64_t write_count() const { return write_count_.load(); }
  void CountWrite() {
    ++write_count_;
    commit_counter_->Increment();
  }

  // How often the database was opened again: what was known of unsynced
  // writes before is not known any more. REQUIRES: a Hold.
  uint64_t reopen_count() const { return reopen_count_; }

  const std::string& directory() const { return context_.directory; }
  bool follows() const { return mode_ == OpenMode::kFollow; }

 private:
  enum class State { kWritable, kReadOnly, kBroken, kClosed };

  RocksDbHandle(const std::string& directory, OpenMode mode);

  Status OpenFirst();
  // REQUIRES: the holder file is held, and no database is open.
  Status OpenForWriting(bool create);
  bool Serves(Need need) const;
  // Reopens if it is due. Ok: the state now serves `need`.
  Status Repair(Need need);
  // REQUIRES: the gate exclusive.
  Status Reopen(Need need);
  // Opens the database again when RocksDB stopped compacting.
  void EndStoppage();
  bool StillFull() const;
  Status OpenForReadingOnly();
  void DropAllIterators();

  const OpenMode mode_;
  IteratorPool iterator_pool_;  // these two outlive their listeners
  Stoppage stoppage_;
  OpenContext context_;
  std::unique_ptr<HolderFile> holder_;  // released after database_ closed
  std::unique_ptr<CommitCounter> commit_counter_;  // of a writable database

  Gate gate_;
  // Changed with the gate exclusive, but for writable -> broken.
  std::atomic<State> state_{State::kClosed};
  std::unique_ptr<OpenDatabase> database_;  // null only in kClosed
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

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_HANDLE_H_
