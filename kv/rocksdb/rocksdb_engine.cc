#include "kv/rocksdb/rocksdb_engine.h"

#include <rocksdb/convenience.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/version.h>
#include <rocksdb/write_batch.h>

#include <optional>
#include <utility>
#include <vector>

#include "kv/base/events.h"
#include "kv/base/metrics.h"
#include "kv/engine/guarded_commits.h"
#include "kv/files/directory.h"
#include "kv/files/host_mark.h"
#include "kv/rocksdb/database_files.h"
#include "kv/rocksdb/log_damage.h"
#include "kv/rocksdb/rocksdb_compaction.h"
#include "kv/rocksdb/rocksdb_handle.h"
#include "kv/rocksdb/rocksdb_keys.h"
#include "kv/rocksdb/rocksdb_options.h"
#include "kv/rocksdb/rocksdb_reader.h"
#include "kv/rocksdb/rocksdb_status.h"
#include "kv/rocksdb/rocksdb_use.h"
#include "kv/rocksdb/rocksdb_writer.h"

namespace actorkv {
namespace {

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

// So much of a log an open reads in about 25 ms (kv/decisions/050): to make
// tables of it takes longer, and what others commit meanwhile waits for the
// disk.
constexpr uint64_t kQuicklyRead = uint64_t{2} << 20;

// Of synced commits that are written together.
constexpr size_t kMaxGroupBytes = size_t{4} << 20;

class RocksDbEngine : public Engine {
 public:
  explicit RocksDbEngine(std::unique_ptr<RocksDbHandle> handle)
      : handle_(std::move(handle)) {}

  const EngineLimits& limits() const override { return kLimits; }

  std::unique_ptr<EngineReader> NewReader() override {
    return std::make_unique<RocksDbReader>(handle_.get());
  }

  CommitResult Commit(const Batch& batch, Durability durability) override {
    std::optional<StallWatch> watch;  // much takes its time anyway
    if (durability != Durability::kBulk) watch.emplace(handle_->directory());
    return commits_.Commit(batch, durability);
  }
  HostId owner() const override { return owner_; }
  // The holder's lock says that no other process has it open; who works in it
  // by the holder has a mark.
  Status IsAlive(const HostId& host, bool* alive) override {
    if (host == owner_) {
      *alive = true;
      return Status::Ok();
    }
    return IsHostMarked(handle_->work_path(), host, alive);
  }

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

  void LimitLog(uint64_t bytes) override { handle_->LimitLog(bytes); }
  void KeepLogShort() override { handle_->KeepLogShort(); }
  // Makes tables of what the log holds.
  void WriteOutLog() override;
  void LimitCaches(size_t bytes) override { LimitRocksDbCaches(bytes); }
  bool IsWaitedFor() override { return handle_->IsWaitedFor(); }
  std::shared_ptr<WorkBoard> work_board() override {
    return handle_->work_board();
  }
  void BeginEnd() override { *handle_->ending() = true; }
  bool End(std::chrono::steady_clock::time_point give_up) override {
    return handle_->End(give_up);
  }

  std::string Describe() const override {
    return "RocksDB " + RocksDbVersion();
  }

 private:
  const HostId owner_{0, RandomId()};
  // Removes the table files that hold nothing but the partition, of which
  // every key was deleted before. Else they stay until they are compacted,
  // and nothing makes that happen soon: those of a bulk write lie on the last
  // level, where no other key comes. REQUIRES: a Hold.
  Status RemoveFilesOf(Partition partition);

  const std::unique_ptr<RocksDbHandle> handle_;
  RocksDbCompaction compaction_{handle_.get()};
  RocksDbWriter writer_{handle_.get()};
  GuardedCommits commits_{&writer_, kLimits, kMaxGroupBytes};
};

Status RocksDbEngine::Drop(Partition partition) {
  Gate::Hold hold;
  if (Status s = writer_.UseForWriting(&hold); !s.ok()) return s;
  rocksdb::WriteBatch batch;
  // No space is claimed: this is how space comes back.
  const rocksdb::Status added = batch.DeleteRange(
      handle_->family(FamilyOf(partition)), PhysicalKey(partition, ""),
      PartitionEnd(partition, kLimits.max_key_bytes));
  if (!added.ok()) return FromRocksDb(added, "drop", handle_->directory());
  Status written = writer_.WriteAsIs(&batch, Durability::kBuffered).status;
  commits_.Forget(partition);
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
  if (Status s = writer_.CheckWritable(); !s.ok()) return s;
  return compaction_.Compact(
      {FamilyOf(partition), PhysicalKey(partition, begin),
       end.empty() ? PartitionEnd(partition, kLimits.max_key_bytes)
                   : PhysicalKey(partition, end)});
}

Status RocksDbEngine::FinishCompactions() {
  if (Status s = writer_.CheckWritable(); !s.ok()) return s;
  return compaction_.Finish();
}

Status RocksDbEngine::Sync() {
  if (handle_->follows()) return Status::Ok();
  Gate::Hold hold;
  // Also of a directory that was moved: what was promised is to last.
  if (Status s = handle_->Use(RocksDbHandle::Need::kWrite, &hold); !s.ok())
    return s;
  Add(Metric::kSyncs);
  return handle_->SyncLog().status;
}

// Reads and commits go on meanwhile.
void RocksDbEngine::WriteOutLog() {
  Gate::Hold hold;
  if (!writer_.UseForWriting(&hold).ok()) return;
  const std::vector<rocksdb::ColumnFamilyHandle*> families = {
      handle_->family(Family::kDefault), handle_->family(Family::kChunks)};
  // Where it fails the next open has more to read.
  static_cast<void>(handle_
                        ->EnterToWork([&] {
                          if (handle_->MemtableBytes() < kQuicklyRead) {
                            return rocksdb::Status::OK();
                          }
                          return handle_->db()->Flush(rocksdb::FlushOptions(),
                                                      families);
                        })
                        .ok());
}

Status RocksDbEngine::Checkpoint(const std::string& path, uint64_t* bytes) {
  Gate::Hold hold;
  if (Status s = writer_.UseForWriting(&hold); !s.ok()) return s;
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

bool RocksDbMayNotEnd() {
  return OpenDatabase::AnyAbandoned() || ParentUsedRocksDb();
}

EngineLimits RocksDbLimits() { return kLimits; }

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
