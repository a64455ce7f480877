#include "kv/rocksdb/rocksdb_writer.h"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <optional>
#include <string>
#include <utility>

#include "kv/base/metrics.h"
#include "kv/engine/failed_commit.h"
#include "kv/rocksdb/rocksdb_bulk.h"
#include "kv/rocksdb/rocksdb_keys.h"
#include "kv/rocksdb/rocksdb_log_file.h"
#include "kv/rocksdb/rocksdb_status.h"

namespace actorkv {

namespace {

// Bytes that RocksDB's batch has beside a key and a value: tag, family,
// lengths, our prefix.
constexpr size_t kOpOverheadBytes = 24;

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

}  // namespace

Status RocksDbWriter::CheckWritable() {
  if (handle_->follows()) {
    return Status::NotSupported("store is open read-only: " +
                                handle_->directory());
  }
  // What is written to a directory that was moved away, or removed, would be
  // missed where people look for it.
  return handle_->CheckNotMoved();
}

Status RocksDbWriter::UseForWriting(Gate::Hold* hold) {
  if (Status s = CheckWritable(); !s.ok()) return s;
  return handle_->Use(RocksDbHandle::Need::kWrite, hold);
}

Status RocksDbWriter::Enter(Gate::Hold* hold, uint64_t* epoch) {
  if (Status s = UseForWriting(hold); !s.ok()) return s;
  *epoch = handle_->reopen_count();
  return Status::Ok();
}

Status RocksDbWriter::Holds(const Batch::Guard& guard, bool* holds) {
  rocksdb::PinnableSlice value;
  const std::string key = PhysicalKey(guard.partition, guard.key);
  const rocksdb::Status got = handle_->Enter([&] {
    return handle_->db()->Get(rocksdb::ReadOptions(),
                              handle_->family(FamilyOf(guard.partition)), key,
                              &value);
  });
  if (!got.ok() && !got.IsNotFound()) {
    return FromRocksDb(got, "read guard", handle_->directory());
  }
  *holds = got.ok() ? guard.expected.has_value() &&
                          value.ToStringView() == *guard.expected
                    : !guard.expected.has_value();
  return Status::Ok();
}

CommitResult RocksDbWriter::Write(const std::vector<const Batch*>& batches,
                                  Durability durability) noexcept {
  return OrFailed([&] {
    if (durability == Durability::kBulk && IsBulk(*batches.front())) {
      return CommitBulk(handle_, *batches.front());
    }
    rocksdb::WriteBatch translated = Translate(batches);
    return WriteAsIs(&translated, durability);
  });
}

Status RocksDbWriter::ClaimSpace(const Batch& batch, Durability durability) {
  const size_t bytes = batch.size_bytes() + batch.op_count() * kOpOverheadBytes;
  // What goes into a table at once does not go through the log as well.
  const bool is_bulk = durability == Durability::kBulk && IsBulk(batch);
  return Claim(is_bulk ? bytes / 2 : bytes, ClaimantOf(batch));
}

Status RocksDbWriter::Claim(size_t size_bytes, Claimant claimant) {
  if (space_.Stale()) LookAtSpace(size_bytes);
  if (space_.Claim(size_bytes, claimant).ok()) return Status::Ok();
  // Nobody is refused for what was free a moment ago.
  LookAtSpace(size_bytes);
  Status refused = space_.Claim(size_bytes, claimant);
  if (refused.ok() || claimant != Claimant::kHousekeeping) return refused;
  Ballast* const ballast = handle_->ballast();
  if (!ballast->GiveUp() && !ballast->IsMissing()) return refused;
  space_.OpenToHousekeeping();
  LookAtSpace(size_bytes);
  return space_.Claim(size_bytes, claimant);
}

void RocksDbWriter::KeepBallast(uint64_t memtable_bytes) {
  Ballast::Need need;
  need.flush_bytes = memtable_bytes;
  need.store_bytes = handle_->TableBytes();
  need.free_bytes = space_.spare_bytes();
  handle_->ballast()->Keep(need);
  handle_->FollowBallast();
}

void RocksDbWriter::LookAtSpace(size_t wanted_bytes) {
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

rocksdb::WriteBatch RocksDbWriter::Translate(
    const std::vector<const Batch*>& batches) {
  size_t bytes = 0;
  for (const Batch* batch : batches) {
    bytes += batch->size_bytes() + batch->op_count() * kOpOverheadBytes;
  }
  rocksdb::WriteBatch translated(bytes);
  std::string key;
  for (const Batch* batch : batches) {
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

CommitResult RocksDbWriter::WriteAsIs(rocksdb::WriteBatch* batch,
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

}  // namespace actorkv
