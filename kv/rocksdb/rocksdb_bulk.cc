#include "kv/rocksdb/rocksdb_bulk.h"

#include <rocksdb/sst_file_writer.h>
#include <unistd.h>

#include <atomic>
#include <utility>
#include <vector>

#include "kv/base/metrics.h"
#include "kv/files/directory.h"
#include "kv/rocksdb/database_names.h"
#include "kv/rocksdb/rocksdb_keys.h"
#include "kv/rocksdb/rocksdb_options.h"
#include "kv/rocksdb/rocksdb_status.h"

namespace actorkv {

namespace {

constexpr uint64_t kBytesPerSync = uint64_t{1} << 20;

std::string NewName(const std::string& directory) {
  // The pid and a count make the name unique among all that may write here.
  static std::atomic<uint64_t> count{0};
  return directory + "/" + kBulkPrefix + std::to_string(getpid()) + "-" +
         std::to_string(++count);
}

// Unlinker: removes the name that the table was written under. A table that was
// taken in has another one by then.
class Unlinker {
 public:
  explicit Unlinker(const std::string& path) : path_(path) {}
  ~Unlinker() { unlink(path_.c_str()); }
  Unlinker(const Unlinker&) = delete;
  Unlinker& operator=(const Unlinker&) = delete;

 private:
  const std::string& path_;
};

rocksdb::Status WriteTable(RocksDbHandle* handle, const Batch& batch,
                           const std::string& path) {
  rocksdb::ColumnFamilyHandle* const family =
      handle->family(FamilyOf(batch.op(0).partition));
  // The file is written back as it grows, so that the sync at its end has
  // little to do; and kept in the page cache, as its writer may well read it.
  rocksdb::EnvOptions environment;
  environment.bytes_per_sync = kBytesPerSync;
  rocksdb::SstFileWriter writer(
      environment, BulkTableOptions(handle->db()->GetOptions(family)), family,
      /*invalidate_page_cache=*/false);
  rocksdb::Status status = writer.Open(path);
  std::string key;
  for (size_t i = 0; i < batch.op_count() && status.ok(); ++i) {
    const Batch::Op op = batch.op(i);
    SetPhysicalKey(op.partition, op.key, &key);
    status = writer.Put(key, *op.value);
  }
  if (status.ok()) status = writer.Finish();  // syncs the table
  return status;
}

rocksdb::Status TakeIn(RocksDbHandle* handle, const Batch& batch,
                       const std::string& path) {
  rocksdb::IngestExternalFileOptions options;
  // The table is linked, not copied: it lies on the same file system.
  options.move_files = true;
  // The number is kept in the manifest, not by a write and a sync of the file
  // once more.
  options.write_global_seqno = false;
  return handle->db()->IngestExternalFile(
      handle->family(FamilyOf(batch.op(0).partition)), {path}, options);
}

}  // namespace

bool IsBulk(const Batch& batch) {
  if (batch.size_bytes() < kMinBulkBytes || !batch.guards().empty()) {
    return false;
  }
  const Batch::Op first = batch.op(0);
  std::string_view last_key;
  for (size_t i = 0; i < batch.op_count(); ++i) {
    const Batch::Op op = batch.op(i);
    if (op.partition != first.partition || !op.value.has_value() ||
        // SstFileWriter takes keys in strictly rising order, and one operation
        // each.
        (i > 0 && op.key <= last_key)) {
      return false;
    }
    last_key = op.key;
  }
  return true;
}

CommitResult CommitBulk(RocksDbHandle* handle, const Batch& batch) {
  const std::string path = NewName(handle->work_path());
  const Unlinker unlinker(path);
  Add(Metric::kSyncs, 2);  // one of the table, one of the log
  if (rocksdb::Status s = WriteTable(handle, batch, path); !s.ok()) {
    return {CommitOutcome::kFailed,
            FromRocksDb(s, "bulk write", handle->directory())};
  }
  CommitResult result = handle->AsWriter("bulk write", [&] {
    // The log goes first: see the header.
    rocksdb::Status s = handle->db()->SyncWAL();
    return s.ok() ? TakeIn(handle, batch, path) : s;
  });
  if (result.done()) handle->CountWrite();
  return result;
}

}  // namespace actorkv
