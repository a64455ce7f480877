// Engine: the ordered key-value store that everything else stands on.
//
// The interface promises only what an embedded LSM tree (RocksDB), an object
// store with ordered maps (RADOS omap) and a relational database can all keep:
//
// - A partition is the unit of ordered scan and of atomic write.
// - There are no engine snapshots and no reverse scans: versions live in the
//   keys (kv/format/keys.h), so a reader needs only "first key at or after".
// - A commit has four outcomes, see CommitOutcome. After kUnknown the caller
//   re-reads the head and looks for its own commit id; an engine whose live
//   reads may lie after a failed sync (RocksDB) reopens itself before it
//   answers any further read or commit.
// - Commits over several partitions are atomic where
//   limits().multi_partition_commit says so. Elsewhere the store orders them.
//
// Thread safety: Engine may be used from any thread. An EngineReader belongs
// to one thread at a time.
//
// One conformance suite (tests/kv/engine/engine_conformance_test.cc) runs on
// every engine.

#ifndef ACTORKV_KV_ENGINE_ENGINE_H_
#define ACTORKV_KV_ENGINE_ENGINE_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/host_id.h"
#include "kv/base/status.h"
#include "kv/base/work_board.h"

namespace actorkv {

// DO NOT CHANGE THESE ENUM VALUES: they are embedded in stored keys.
enum class PartitionKind : uint8_t {
  kCatalog = 1,  // one per store, id 0: names, store record, clock, stages
  kActor = 2,    // one per actor: head, branch records, commit records
  kBranch = 3,   // one per branch: page chunks
  kLegacy = 4,   // one per set of legacy pairs: the pairs
};

struct Partition {
  PartitionKind kind;
  uint64_t id;

  friend bool operator==(const Partition& a, const Partition& b) {
    return a.kind == b.kind && a.id == b.id;
  }
  friend bool operator!=(const Partition& a, const Partition& b) {
    return !(a == b);
  }
};

struct KeyValue {
  std::string key;
  std::string value;
};

// EngineLimits: what an engine can take in one commit. They are constants of
// the engine.
struct EngineLimits {
  size_t max_batch_bytes;  // keys and values of one commit together
  size_t max_value_bytes;
  size_t max_key_bytes;
  bool multi_partition_commit;  // commits over several partitions are atomic
  // True where no other process has a store open for writing while this one
  // has.
  bool one_process = false;
  // True where reads may wait for a disk, so that it pays to ask for more than
  // is wanted.
  bool read_ahead = false;
  // True where each read is a request to another process or machine, so that
  // what is wanted is best asked for together.
  bool is_remote = false;
};

// Batch: puts, deletes and guards of one commit. Keys and values are copied in,
// one behind the other, so that a large batch is a few pieces of memory.
class Batch {
 public:
  // Op: views into the batch, valid until it changes.
  struct Op {
    Partition partition;
    std::string_view key;
    std::optional<std::string_view> value;  // nullopt: delete
  };
  struct Guard {
    Partition partition;
    std::string key;
    std::optional<std::string> expected;  // nullopt: the key must not exist
  };

  void Put(Partition partition, std::string_view key, std::string_view value);
  // Puts a value that is made in place: `make(std::string* bytes)` adds it at
  // the end of `bytes` and touches nothing before.
  template <typename Make>
  void PutMade(Partition partition, std::string_view key, const Make& make);
  void Delete(Partition partition, std::string_view key);

  // Makes the commit happen only if `key` has exactly this value (or is
  // absent).
  void AddGuard(Partition partition, std::string_view key,
                std::optional<std::string_view> expected);

  // Has `tell` called by TellDone(). Whoever puts something into the batch that
  // counts once it is there hears of it so, and reads nothing out of the batch.
  // `tell` throws nothing, may be called by any thread, and more than once
  // where the batch was copied; what it refers to must outlive the commit.
  void WhenDone(std::function<void()> tell);

  // Tells those of WhenDone(), in their order. By whoever committed the batch,
  // when all of it is there, and only then (Store::Commit()): what fails, or
  // whose outcome is not known, is not told. Engines do not call it.
  void TellDone() const noexcept;

  // Adds the operations and guards of `other` behind those of this batch, and
  // those who hear when it is done.
  void Append(Batch other);

  // Makes room for keys and values of so many bytes.
  void Reserve(size_t size_bytes) { bytes_.reserve(size_bytes); }
  // Empties the batch, and keeps its memory for what comes next.
  void Clear();
  bool empty() const { return ops_.empty() && guards_.empty(); }
  size_t op_count() const { return ops_.size(); }
  // The bytes of all keys and values.
  size_t size_bytes() const { return bytes_.size(); }
  Op op(size_t index) const;
  const std::vector<Guard>& guards() const { return guards_; }

 private:
  struct StoredOp {
    Partition partition;
    size_t key_begin;    // in bytes_
    size_t value_begin;  // the end of the key
    size_t value_end;
    bool is_put;
  };

  std::string bytes_;
  std::vector<StoredOp> ops_;
  std::vector<Guard> guards_;
  std::vector<std::function<void()>> when_done_;
};

template <typename Make>
void Batch::PutMade(Partition partition, std::string_view key,
                    const Make& make) {
  const size_t key_begin = bytes_.size();
  bytes_.append(key);
  make(&bytes_);
  ops_.push_back({partition, key_begin, key_begin + key.size(), bytes_.size(),
                  /*is_put=*/true});
}

enum class Durability {
  kBuffered,  // survives the death of the process, not a power loss
  // The same as kBuffered, for much data that nobody reads soon: an engine may
  // have a way for that which spares its log.
  kBulk,
  // The commit is on stable storage when Commit returns, and so is every
  // kBuffered commit that was done before it, whatever its partition: what a
  // power loss leaves is the store as it was after some commit.
  kSynced,
};

enum class CommitOutcome {
  kDone,      // all of it is there, with the durability asked for
  kConflict,  // a guard did not hold; nothing was written
  kFailed,    // nothing was written
  kUnknown,   // it may or may not be there, now or after a restart
};

struct [[nodiscard]] CommitResult {
  CommitOutcome outcome = CommitOutcome::kDone;
  Status status;  // ok exactly when outcome is kDone

  bool done() const { return outcome == CommitOutcome::kDone; }
};

// EngineReader: a read session. It sees every commit that was done before the
// session's first read after NewReader() or Refresh(); it may or may not see
// later ones. Cheap to keep: an engine may hold an iterator in it, so hold one
// for a transaction, not for a connection. Must be destroyed before its Engine.
class EngineReader {
 public:
  virtual ~EngineReader() = default;

  // Reads values: values->at(i) is that of keys[i], nullopt where it does not
  // exist.
  virtual Status Get(Partition partition,
                     const std::vector<std::string_view>& keys,
                     std::vector<std::optional<std::string>>* values) = 0;

  // Finds pairs: found->at(i) is the first one at or after keys[i] inside the
  // partition, nullopt past its end.
  virtual Status Seek(Partition partition,
                      const std::vector<std::string_view>& keys,
                      std::vector<std::optional<KeyValue>>* found) = 0;

  // Reads up to `limit` pairs at or after `start`, in key order.
  virtual Status Scan(Partition partition, std::string_view start, size_t limit,
                      std::vector<KeyValue>* pairs) = 0;

  // Calls `visit` with the pairs at or after `start` of the partition, in key
  // order, until it returns false. Nothing is copied, where the engine can do
  // that: the views are valid during the call, and `visit` must not use the
  // engine. The engine keeps nothing of it in memory: the caller does, or needs
  // it once.
  using Visitor =
      std::function<bool(std::string_view key, std::string_view value)>;
  virtual Status Visit(Partition partition, std::string_view start,
                       const Visitor& visit);

  // Does Seek() for one key, without copying: the views are valid until the
  // next call on this reader. *found is false past the end of the partition.
  virtual Status SeekOne(Partition partition, std::string_view key, bool* found,
                         std::string_view* found_key,
                         std::string_view* value) = 0;

  // Forgets what it has seen: the next read sees every commit done by now.
  virtual void Refresh() = 0;
};

// EngineDamage: something that the engine lost, and knows of.
struct EngineDamage {
  enum class Kind {
    kStranded,  // not replayed, but kept in a file
    kLost,      // gone
  };

  Kind kind = Kind::kLost;
  std::string detail;  // what, and where
  std::string mend;    // what a person can do
};

class Engine {
 public:
  virtual ~Engine() = default;

  virtual const EngineLimits& limits() const = 0;
  virtual std::unique_ptr<EngineReader> NewReader() = 0;

  // Commits all of the batch or nothing. Errors (kFailed): kInvalidArgument
  // past a limit, with the limit and the value in the message; kNoSpace;
  // kNoMemory; kIOError. kNotSupported for more than one partition without
  // multi_partition_commit. Throws nothing: memory that runs out before the
  // write is kNoMemory, and in it an outcome that is not known.
  virtual CommitResult Commit(const Batch& batch, Durability durability) = 0;

  // The owner of what this engine writes, from its opening to its end: no other
  // opening of the store has the same.
  virtual HostId owner() const = 0;

  // *alive: whether `host` may still be at work in the store; true also where
  // nothing is known of it. What belongs to a host is dropped only where it is
  // not alive. On an engine that one process at a time has open only the asker
  // lives. Errors: kIOError.
  virtual Status IsAlive(const HostId& host, bool* alive) = 0;

  // Removes every key of the partition. Not atomic with anything; may be
  // repeated. It is used for keys that are already unreachable.
  virtual Status Drop(Partition partition) = 0;

  // Gives back the space of what was removed from the partition, of the keys at
  // or after `begin` and before `end` (empty: to its end), where that does not
  // happen at once. Changes nothing that a reader sees, takes as long as the
  // range is large, and holds up no commit. It needs space itself: ranges that
  // the disk has no room for are left, and are no error.
  virtual Status Compact(Partition partition, std::string_view begin,
                         std::string_view end) = 0;
  // Compacts ranges that were left, where there is room by then.
  virtual Status FinishCompactions() { return Status::Ok(); }

  // Makes what kBuffered commits wrote durable.
  virtual Status Sync() = 0;

  // Sees commits that another process made since (a follower engine); does
  // nothing on an engine that is itself the writer. Raises *epoch when there
  // may be something new, and before any reader sees it: where it is as it was
  // after a read, nothing new was read.
  virtual Status CatchUp(std::atomic<uint64_t>* epoch) = 0;

  // Says ok while the name under which the engine was opened means what was
  // opened. Every write asks by itself; a caller that is about to write, or
  // goes by the name, asks for an error in time. Errors: kFenced, saying what
  // became of it.
  virtual Status CheckNotMoved() { return Status::Ok(); }

  // Makes a consistent copy of everything in the directory `path`, which must
  // not exist. *bytes: its size. kNotSupported where an engine has no files.
  virtual Status Checkpoint(const std::string& path, uint64_t* bytes) = 0;

  // Lists what is known to be lost, until a person has dealt with it. Errors:
  // kIOError.
  virtual Status ListDamage(std::vector<EngineDamage>* damage) = 0;

  // Says whether another process waits for the store: whoever has no use for
  // the engine should close it.
  virtual bool IsWaitedFor() { return false; }

  // The board on which other processes see the work of this one in the store;
  // null where they do not.
  virtual std::shared_ptr<WorkBoard> work_board() { return nullptr; }

  // Keeps the log, that the next open of the store has to read, below about
  // `bytes` from now on, where the engine keeps more: other processes wait for
  // that where this one ends.
  virtual void LimitLog(uint64_t bytes) { static_cast<void>(bytes); }

  // Begins to write out a log that LimitLog() finds too long: where commits
  // came faster than it was written out, and then no more of them. To be called
  // now and then.
  virtual void KeepLogShort() {}

  // Makes what the next open has to read of the log short, before it returns.
  virtual void WriteOutLog() {}

  // Bounds what the engine keeps in memory beside the page cache, which holds
  // `bytes`, for all engines of its kind in the process.
  virtual void LimitCaches(size_t bytes) { static_cast<void>(bytes); }

  // Tells that the process is about to end: calls that take long stop with an
  // error.
  virtual void BeginEnd() {}

  // Makes all durable and lets go of what the engine stands on, under its
  // users, as the process ends. Their calls fail from then on, those under way
  // are waited for until `give_up`. False when they took longer. REQUIRES: the
  // engine is not destroyed any more.
  virtual bool End(std::chrono::steady_clock::time_point give_up) {
    static_cast<void>(give_up);
    return true;
  }

  // Describes the engine for people: "RocksDB 7.8.3".
  virtual std::string Describe() const = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ENGINE_ENGINE_H_
