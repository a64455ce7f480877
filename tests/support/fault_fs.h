// FaultFileSystem: a RocksDB file system with two powers, for tests.
//
// 1. FailAppend() and FailSync() make chosen writes and syncs fail. A failing
//    append writes half of its bytes first, as a full disk does.
// 2. With a ledger file it keeps account, in shared memory that survives
//    kill -9, of how much of each file was synced. After the child that used
//    it was killed, the parent calls ApplyPowerLoss(): files are cut to what
//    was synced, files that never were are removed; where zeros had been
//    synced ahead of the data, the zeros come back. With a random generator,
//    each sector that was not synced is there or not, as it falls.
//
// What it does not model: creating, renaming and removing files is durable at
// once (RocksDB syncs its directory).

#ifndef ACTORKV_TESTS_SUPPORT_FAULT_FS_H_
#define ACTORKV_TESTS_SUPPORT_FAULT_FS_H_

#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "kv/base/status.h"

namespace actorkv {

// How much of each file is on the disk. Thread-safe; one process writes it.
class SyncLedger {
 public:
  // Makes the file `path`. Null when that fails.
  static std::shared_ptr<SyncLedger> Create(const std::string& path);
  ~SyncLedger();
  SyncLedger(const SyncLedger&) = delete;
  SyncLedger& operator=(const SyncLedger&) = delete;

  void Created(const std::string& name);
  // What was appended up to `size_bytes`, and zeros behind it up to
  // `prepared_bytes`.
  void Synced(const std::string& name, uint64_t size_bytes,
              uint64_t prepared_bytes);
  void Renamed(const std::string& from_name, const std::string& to_name);
  void Linked(const std::string& from_name, const std::string& to_name);
  void Removed(const std::string& name);

  struct Table;  // the bytes of the file

 private:
  explicit SyncLedger(Table* table) : table_(table) {}

  std::mutex mutex_;
  Table* const table_;
};

// Makes the files named in the ledger what a power loss would have left:
// nothing that was not synced, or with `rng` some sectors of it.
// REQUIRES: the process that used them is dead.
Status ApplyPowerLoss(const std::string& ledger_path,
                      std::mt19937_64* rng = nullptr);

// Of a file, of whatever handles it has.
struct FaultFileSize {
  struct Value {
    uint64_t appended_bytes = 0;  // the end of what was appended
    uint64_t zeros_bytes = 0;     // zeros behind it reach up to here
  };
  Value Get() const { return {appended_bytes, zeros_bytes}; }

  std::atomic<uint64_t> appended_bytes{0};
  std::atomic<uint64_t> zeros_bytes{0};
};

class FaultFileSystem : public rocksdb::FileSystemWrapper {
 public:
  // `ledger` may be null.
  explicit FaultFileSystem(std::shared_ptr<SyncLedger> ledger = nullptr);

  const char* Name() const override { return "FaultFileSystem"; }

  // The nth operation from now on (1 is the next), and the `times` - 1 behind
  // it, on files whose name ends in `suffix` answer `status`. One plan for
  // each kind; a new one replaces the old.
  void FailAppend(const std::string& suffix, uint64_t nth, uint64_t times,
                  rocksdb::IOStatus status);
  void FailSync(const std::string& suffix, uint64_t nth, uint64_t times,
                rocksdb::IOStatus status);
  // Of writes of zeros ahead of a log's end; FailAppend() leaves them alone.
  void FailPrepare(const std::string& suffix, uint64_t nth, uint64_t times,
                   rocksdb::IOStatus status);
  void Heal();  // drops all plans
  // Whether direct I/O is refused when a file is opened.
  void RefuseDirect(bool refuse);
  uint64_t fired_count() const;
  uint64_t sync_count() const;

  rocksdb::IOStatus NewWritableFile(
      const std::string& file, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* result,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomRWFile(
      const std::string& file, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSRandomRWFile>* result,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(
      const std::string& file, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* result,
      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& file,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;

  // For the files: ok, or what the plan says about this operation.
  rocksdb::IOStatus NextPrepare(const std::string& file);
  rocksdb::IOStatus NextAppend(const std::string& file);
  rocksdb::IOStatus NextSync(const std::string& file);
  void Synced(const std::string& file, const FaultFileSize::Value& covered);

 private:
  struct Plan {
    std::string suffix;
    uint64_t skip = 0;
    uint64_t times = 0;
    rocksdb::IOStatus status;
  };
  rocksdb::IOStatus Next(const std::string& file, Plan* plan);
  std::shared_ptr<FaultFileSize> SizeOf(const std::string& file);

  const std::shared_ptr<SyncLedger> ledger_;
  mutable std::mutex mutex_;
  Plan append_plan_;
  Plan sync_plan_;
  Plan prepare_plan_;
  uint64_t fired_count_ = 0;
  uint64_t sync_count_ = 0;
  bool refuses_direct_ = false;
  std::map<std::string, std::weak_ptr<FaultFileSize>> sizes_;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_FAULT_FS_H_
