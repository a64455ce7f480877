#include "kv/rocksdb/rocksdb_engine.h"

#include <rocksdb/convenience.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/version.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "kv/base/events.h"
#include "kv/base/metrics.h"
#include "kv/base/thrown.h"
#include "kv/engine/engine_limits.h"
#include "kv/engine/group_commit.h"
#include "kv/engine/guard_memo.h"
#include "kv/engine/guard_set.h"
#include "kv/files/directory.h"
#include "kv/rocksdb/database_files.h"
#include "kv/rocksdb/log_damage.h"
#include "kv/rocksdb/rocksdb_bulk.h"
#include "kv/rocksdb/rocksdb_compaction.h"
#include "kv/rocksdb/rocksdb_handle.h"
#include "kv/rocksdb/rocksdb_keys.h"
#include "kv/rocksdb/rocksdb_log_file.h"
#include "kv/rocksdb/rocksdb_reader.h"
#include "kv/rocksdb/rocksdb_status.h"
#include "kv/rocksdb/space_reserve.h"

namespace actorkv {
namespace {

using Need = RocksDbHandle::Need;

// A batch lives in memory several times over (ours, RocksDB's, the log's
// buffer), so it is bounded well below the write buffers.
constexpr EngineLimits kLimits = {
    /*max_batch_bytes=*/size_t{16} << 20,
    /*max_value_bytes=*/size_t{8} << 20,
    /*max_key_bytes=*/4096,
    /*multi_partition_commit=*/true,
    /*one_process=*/true,
    /*read_ahead=*/true,
};

// Bytes that RocksDB's batch has beside a key and a value: tag, family,
// lengths, our prefix.
constexpr size_t kOpOverheadBytes = 24;

// Of synced commits that are written together.
constexpr size_t kMaxGroupBytes = size_t{4} << 20;

CommitResult Failed(Status status) {
  return {CommitOutcome::kFailed, std::move(status)};
}

// Of what throws only where nothing was written.
template <typename Call>
CommitResult OrFailed(const Call& call) noexcept {
  CommitResult result;
  const Status thrown = Caught([&] {
    result = call();
    return Status::Ok();
  });
  return thrown.ok() ? result : Failed(thrown);
}

class RocksDbEngine : public Engine {
 public:
  explicit RocksDbEngine(std::unique_ptr<RocksDbHandle> handle)
      : handle_(std::move(handle)),
        space_(handle_->directory(), handle_->work_path()),
        group_(kMaxGroupBytes, [this](const std::vector<const Batch*>& group) {
          return WriteGroup(group, Durability::kSynced);
        }) {}

  const EngineLimits& limits() const override { return kLimits; }

  std::unique_ptr<EngineReader> NewReader() override {
    return std::make_unique<RocksDbReader>(handle_.get());
  }

  CommitResult Commit(const Batch& batch, Durability durability) override;
  Status Drop(Partition partition) override;
  Status Compact(Partition partition, std::string_view begin,
                 std::string_view end) override;
  Status FinishCompactions() override;
  Status Sync() override;
  Status CatchUp(std::atomic<uint64_t>* epoch) override {
    return handle_->CatchUp(epoch);
  }
  Status CheckNotMoved() override { return handle_->CheckNotMoved(); }
  Status Checkpoint(const std::string& path, uint64_t* bytes) override;

  Status ListDamage(std::vector<EngineDamage>* damage) override {
    return ListLogDamage({handle_->directory(), handle_->work_path()}, damage);
  }

  void LimitCaches(size_t bytes) override { LimitRocksDbCaches(bytes); }
  bool IsWaitedFor() override { return handle_->IsWaitedFor(); }
  void BeginEnd() override { *handle_->ending() = true; }
  bool End(std::chrono::steady_clock::time_point give_up) override {
    return handle_->End(give_up);
  }

  std::string Describe() const override {
    return "RocksDB " + RocksDbVersion();
  }

 private:
  // Of one key that a commit writes: made before the write, so that nothing is
  // allocated between a write that landed and what is known of it.
  struct Note {
    GuardMemo::Ticket ticket;
    std::string key;  // empty: the value is not to be known
    std::string value;
  };

  Status CheckWritable();
  Status UseForWriting(Gate::Hold* hold);

  // All below REQUIRE a Hold.

  // The name of a key in the memo, where nothing outlives a reopen.
  std::string MemoKey(const std::string& full_key) const {
    return std::to_string(handle_->reopen_count()) + full_key;
  }
  // Done when every guard holds. `memo_keys`: theirs, in their order.
  CommitResult CheckGuards(const std::vector<Batch::Guard>& guards,
                           const std::vector<std::string>& memo_keys);
  CommitResult CommitOnce(const Batch& batch, Durability durability);
  CommitResult WriteBatch(const Batch& batch, Durability durability) noexcept;
  // The same, and keeps the memo. REQUIRES: the guards are claimed.
  CommitResult WriteGuarded(const Batch& batch, Durability durability,
                            const std::vector<std::string>& memo_keys);
  // What the memo will know of each key of the batch that can be guarded.
  std::vector<Note> NotesOf(const Batch& batch,
                            const std::vector<std::string>& memo_keys);
  Status ClaimSpace(size_t size_bytes, Claimant claimant);
  // After a look at the space.
  void KeepBallast(uint64_t memtable_bytes);
  // Begins to flush where a commit of so many bytes would be refused.
  void LookAtSpace(size_t wanted_bytes);
  // Removes the table files that hold nothing but the partition, of which
  // every key was deleted before. Else they stay until they are compacted,
  // and nothing makes that happen soon: those of a bulk write lie on the last
  // level, where no other key comes.
  Status RemoveFilesOf(Partition partition);
  rocksdb::WriteBatch Translate(const std::vector<const Batch*>& group);
  CommitResult WriteGroup(const std::vector<const Batch*>& group,
                          Durability durability) noexcept;
  CommitResult Write(rocksdb::WriteBatch* batch, Durability durability);

  const std::unique_ptr<RocksDbHandle> handle_;
  RocksDbCompaction compaction_{handle_.get()};
  GuardSet guards_;
  GuardMemo memo_;
  SpaceReserve space_;
  GroupCommit group_;  // of synced commits
};

Claimant ClaimantOf(const Batch& batch) {
  for (size_t i = 0; i < batch.op_count(); ++i) {
    const Batch::Op op = batch.op(i);
    if (!op.value.has_value()) continue;
    if (op.partition.kind == PartitionKind::kBranch ||
        op.partition.kind == PartitionKind::kLegacy) {
      return Claimant::kPages;
    }
  }
  return Claimant::kHousekeeping;
}

// One for each key of the database: the kind sets the two column families
// apart.
std::string FullKey(Partition partition, std::string_view key) {
  return static_cast<char>(partition.kind) + PhysicalKey(partition, key);
}

std::vector<std::string> GuardedKeys(const std::vector<Batch::Guard>& guards) {
  std::vector<std::string> keys;
  keys.reserve(guards.size());
  for (const Batch::Guard& guard : guards) {
    keys.push_back(FullKey(guard.partition, guard.key));
  }
  return keys;
}

Status RocksDbEngine::CheckWritable() {
  if (handle_->follows()) {
    return Status::NotSupported("store is open read-only: " +
                                handle_->directory());
  }
  // What is written to a directory that was moved away, or removed, would be
  // missed where people look for it.
  return handle_->CheckNotMoved();
}

Status RocksDbEngine::UseForWriting(Gate::Hold* hold) {
  if (Status s = CheckWritable(); !s.ok()) return s;
  return handle_->Use(Need::kWrite, hold);
}

CommitResult RocksDbEngine::Commit(const Batch& batch, Durability durability) {
  // The write itself throws nothing.
  return OrFailed([&] { return CommitOnce(batch, durability); });
}

CommitResult RocksDbEngine::CommitOnce(const Batch& batch,
                                       Durability durability) {
  if (Status s = CheckBatchLimits(batch, kLimits); !s.ok()) return Failed(s);
  // Claimed before the hold: who waits here must not keep a reopen waiting.
  const GuardSet::Claim claim(&guards_, GuardedKeys(batch.guards()));
  std::optional<StallWatch> watch;  // much takes its time anyway
  if (durability != Durability::kBulk) watch.emplace(handle_->directory());
  Gate::Hold hold;
  if (Status s = UseForWriting(&hold); !s.ok()) return Failed(s);
  std::vector<std::string> memo_keys;
  memo_keys.reserve(claim.keys().size());
  for (const std::string& key : claim.keys()) memo_keys.push_back(MemoKey(key));
  if (CommitResult r = CheckGuards(batch.guards(), memo_keys); !r.done()) {
    return r;
  }
  const size_t bytes = batch.size_bytes() + batch.op_count() * kOpOverheadBytes;
  const bool is_bulk = durability == Durability::kBulk && IsBulk(batch);
  // What goes into a table at once does not go through the log as well.
  if (Status s = ClaimSpace(is_bulk ? bytes / 2 : bytes, ClaimantOf(batch));
      !s.ok()) {
    return Failed(s);
  }
  const bool is_small = durability == Durability::kBulk && !is_bulk;
  return WriteGuarded(batch, is_small ? Durability::kBuffered : durability,
                      memo_keys);
}

CommitResult RocksDbEngine::WriteGuarded(
    const Batch& batch, Durability durability,
    const std::vector<std::string>& memo_keys) {
  std::vector<Note> notes = NotesOf(batch, memo_keys);
  CommitResult result = WriteBatch(batch, durability);
  for (Note& note : notes) {
    if (result.done() && !note.key.empty()) {
      memo_.Learn(note.ticket, std::move(note.key), std::move(note.value));
    } else {
      memo_.Forget(note.ticket);
    }
  }
  return result;
}

std::vector<RocksDbEngine::Note> RocksDbEngine::NotesOf(
    const Batch& batch, const std::vector<std::string>& memo_keys) {
  std::vector<Note> notes;
  for (size_t i = 0; i < batch.op_count(); ++i) {
    const Batch::Op op = batch.op(i);
    if (FamilyOf(op.partition) != Family::kDefault) continue;  // no guards
    const auto guard = std::find_if(
        batch.guards().begin(), batch.guards().end(),
        [&op](const Batch::Guard& other) {
          return other.partition == op.partition && other.key == op.key;
        });
    if (guard == batch.guards().end()) {
      const std::string key = MemoKey(FullKey(op.partition, op.key));
      notes.push_back({memo_.Begin(key), "", ""});
      continue;
    }
    const auto index = static_cast<size_t>(guard - batch.guards().begin());
    Note note{memo_.Begin(memo_keys[index]), "", ""};
    if (op.value.has_value()) {
      note.key = memo_keys[index];
      note.value = *op.value;
    }
    notes.push_back(std::move(note));
  }
  return notes;
}

CommitResult RocksDbEngine::WriteBatch(const Batch& batch,
                                       Durability durability) noexcept {
  if (durability == Durability::kSynced) return group_.Commit(batch);
  return OrFailed([&] {
    return durability == Durability::kBulk ? CommitBulk(handle_.get(), batch)
                                           : WriteGroup({&batch}, durability);
  });
}

CommitResult RocksDbEngine::WriteGroup(const std::vector<const Batch*>& group,
                                       Durability durability) noexcept {
  return OrFailed([&] {
    rocksdb::WriteBatch translated = Translate(group);
    return Write(&translated, durability);
  });
}

CommitResult RocksDbEngine::CheckGuards(
    const std::vector<Batch::Guard>& guards,
    const std::vector<std::string>& memo_keys) {
  rocksdb::PinnableSlice value;
  for (size_t i = 0; i < guards.size(); ++i) {
    const Batch::Guard& guard = guards[i];
    if (guard.expected.has_value() &&
        memo_.Holds(memo_keys[i], *guard.expected)) {
      continue;
    }
    value.Reset();
    const std::string key = PhysicalKey(guard.partition, guard.key);
    const rocksdb::Status got = handle_->Enter([&] {
      return handle_->db()->Get(rocksdb::ReadOptions(),
                                handle_->family(FamilyOf(guard.partition)), key,
                                &value);
    });
    if (!got.ok() && !got.IsNotFound()) {
      return Failed(FromRocksDb(got, "read guard", handle_->directory()));
    }
    const bool holds = got.ok() ? guard.expected.has_value() &&
                                      value.ToStringView() == *guard.expected
                                : !guard.expected.has_value();
    if (!holds) {
      return {CommitOutcome::kConflict,
              Status::Conflict("a guarded key has another value")};
    }
  }
  return {};
}

Status RocksDbEngine::ClaimSpace(size_t size_bytes, Claimant claimant) {
  if (space_.Stale()) LookAtSpace(size_bytes);
  if (space_.Claim(size_bytes, claimant).ok()) return Status::Ok();
  // Nobody is refused for what was free a moment ago.
  LookAtSpace(size_bytes);
  const Status refused = space_.Claim(size_bytes, claimant);
  if (refused.ok() || claimant != Claimant::kHousekeeping) return refused;
  Ballast* const ballast = handle_->ballast();
  if (!ballast->GiveUp() && !ballast->IsMissing()) return refused;
  space_.OpenToHousekeeping();
  LookAtSpace(size_bytes);
  return space_.Claim(size_bytes, claimant);
}

void RocksDbEngine::KeepBallast(uint64_t memtable_bytes) {
  Ballast::Need need;
  need.flush_bytes = memtable_bytes;
  need.store_bytes = handle_->TableBytes();
  need.free_bytes = space_.spare_bytes();
  handle_->ballast()->Keep(need);
  handle_->FollowBallast();
}

void RocksDbEngine::LookAtSpace(size_t wanted_bytes) {
  const uint64_t memtable_bytes =
      handle_->Enter([&] { return handle_->MemtableBytes(); });
  bool tight = false;
  space_.Refresh(memtable_bytes, wanted_bytes, &tight);
  KeepBallast(memtable_bytes);
  if (!tight) return;
  // Turns log and memtables into tables, which gives the log's space back;
  // without it nothing would flush while commits are refused.
  static_cast<void>(handle_->AsWriter("flush", [&] {
    handle_->BeginFlush();
    return rocksdb::Status::OK();  // what it does not give back is refused
  }));
}

rocksdb::WriteBatch RocksDbEngine::Translate(
    const std::vector<const Batch*>& group) {
  size_t bytes = 0;
  for (const Batch* batch : group) {
    bytes += batch->size_bytes() + batch->op_count() * kOpOverheadBytes;
  }
  rocksdb::WriteBatch translated(bytes);
  std::string key;
  for (const Batch* batch : group) {
    for (size_t i = 0; i < batch->op_count(); ++i) {
      const Batch::Op op = batch->op(i);
      SetPhysicalKey(op.partition, op.key, &key);
      rocksdb::ColumnFamilyHandle* const family =
          handle_->family(FamilyOf(op.partition));
      // These fail only for batches beyond 4 GiB.
      if (op.value.has_value()) {
        (void)translated.Put(family, key, *op.value).ok();
      } else {
        (void)translated.Delete(family, key).ok();
      }
    }
  }
  return translated;
}

CommitResult RocksDbEngine::Write(rocksdb::WriteBatch* batch,
                                  Durability durability) {
  rocksdb::WriteOptions options;
  options.sync = durability == Durability::kSynced;
  std::optional<SyncedWrite> synced;
  if (options.sync) {
    Add(Metric::kSyncs);
    synced.emplace();
  }
  CommitResult result = handle_->AsWriter(
      "commit", [&] { return handle_->db()->Write(options, batch); });
  if (result.done()) handle_->CountWrite();
  return result;
}

Status RocksDbEngine::Drop(Partition partition) {
  Gate::Hold hold;
  if (Status s = UseForWriting(&hold); !s.ok()) return s;
  rocksdb::WriteBatch batch;
  // No space is claimed: this is how space comes back.
  const rocksdb::Status added = batch.DeleteRange(
      handle_->family(FamilyOf(partition)), PhysicalKey(partition, ""),
      PartitionEnd(partition, kLimits.max_key_bytes));
  if (!added.ok()) return FromRocksDb(added, "drop", handle_->directory());
  const Status written = Write(&batch, Durability::kBuffered).status;
  if (FamilyOf(partition) == Family::kDefault) memo_.Clear();
  if (!written.ok()) return written;
  return RemoveFilesOf(partition);
}

Status RocksDbEngine::RemoveFilesOf(Partition partition) {
  const std::string begin = PhysicalKey(partition, "");
  const std::string end = PartitionEnd(partition, kLimits.max_key_bytes);
  const rocksdb::Slice begin_slice(begin);
  const rocksdb::Slice end_slice(end);
  // A removed file is gone at once. What made the partition unreachable may
  // be in the log only, and must not come back without it.
  const CommitResult removed = handle_->AsWriter("drop", [&] {
    rocksdb::Status s = handle_->db()->SyncWAL();
    if (!s.ok()) return s;
    return rocksdb::DeleteFilesInRange(
        handle_->db(), handle_->family(FamilyOf(partition)), &begin_slice,
        &end_slice, /*include_end=*/false);
  });
  if (removed.done()) handle_->DropIdleIterators();
  return removed.status;
}

Status RocksDbEngine::Compact(Partition partition, std::string_view begin,
                              std::string_view end) {
  if (Status s = CheckWritable(); !s.ok()) return s;
  return compaction_.Compact(
      {FamilyOf(partition), PhysicalKey(partition, begin),
       end.empty() ? PartitionEnd(partition, kLimits.max_key_bytes)
                   : PhysicalKey(partition, end)});
}

Status RocksDbEngine::FinishCompactions() {
  if (Status s = CheckWritable(); !s.ok()) return s;
  return compaction_.Finish();
}

Status RocksDbEngine::Sync() {
  if (handle_->follows()) return Status::Ok();
  Gate::Hold hold;
  // Also of a directory that was moved: what was promised is to last.
  if (Status s = handle_->Use(Need::kWrite, &hold); !s.ok()) return s;
  Add(Metric::kSyncs);
  return handle_->SyncLog().status;
}

Status RocksDbEngine::Checkpoint(const std::string& path, uint64_t* bytes) {
  Gate::Hold hold;
  if (Status s = UseForWriting(&hold); !s.ok()) return s;
  DirectoryKind kind = DirectoryKind::kMissing;
  const Status classified = ClassifyDirectory(path, &kind);
  if (!classified.ok() || kind != DirectoryKind::kMissing) {
    return Status::AlreadyExists("checkpoint target exists: " + path);
  }
  const rocksdb::Status made = handle_->EnterToWork([&] {
    rocksdb::Checkpoint* raw = nullptr;
    rocksdb::Status s = rocksdb::Checkpoint::Create(handle_->db(), &raw);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
    // Flushes first, so that the copy is tables without a log.
    return s.ok() ? checkpoint->CreateCheckpoint(path) : s;
  });
  if (!made.ok())
    return FromRocksDb(made, "checkpoint to " + path, handle_->directory());
  return DirectoryBytes(path, bytes);
}

}  // namespace

bool RocksDbMayNotEnd() { return OpenDatabase::AnyAbandoned(); }

std::string RocksDbVersion() { return rocksdb::GetRocksVersionAsString(); }

Status OpenRocksDbEngine(const std::string& directory, OpenMode mode,
                         std::unique_ptr<Engine>* engine) {
  std::unique_ptr<RocksDbHandle> handle;
  if (Status s = RocksDbHandle::Open(directory, mode, &handle); !s.ok()) {
    return s;
  }
  *engine = std::make_unique<RocksDbEngine>(std::move(handle));
  return Status::Ok();
}

}  // namespace actorkv
