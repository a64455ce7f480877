#include "kv/rocksdb_log_file.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <string_view>
#include <utility>

#include "kv/affix.h"
#include "kv/metrics.h"

namespace actorkv {
namespace {

constexpr size_t kZerosBytes = size_t{256} << 10;

const char* Zeros() {
  static const char zeros[kZerosBytes] = {};
  return zeros;
}

bool IsLog(std::string_view name) { return EndsWith(name, ".log"); }

// Appends come from one thread at a time; a sync may come beside them
// (DB::SyncWAL), and then covers what was appended before it.
class LogFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  // `file_system` outlives the file; `name` is the file's path.
  LogFile(std::unique_ptr<rocksdb::FSWritableFile> base,
          rocksdb::FileSystem* file_system, std::string name)
      : FSWritableFileOwnerWrapper(std::move(base)),
        file_system_(file_system),
        name_(std::move(name)) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data,
                           const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    Add(Metric::kLogBytes, data.size());
    const uint64_t end = end_.load(std::memory_order_relaxed);
    if (data.size() < kBulkAppendBytes) {
      rocksdb::IOStatus prepared = Prepare(end + data.size(), options, debug);
      if (!prepared.ok()) return prepared;
    }
    rocksdb::IOStatus written =
        target()->PositionedAppend(data, end, options, debug);
    if (written.ok()) end_.store(end + data.size());
    return written;
  }

  rocksdb::IOStatus Append(const rocksdb::Slice& data,
                           const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& /*info*/,
                           rocksdb::IODebugContext* debug) override {
    return Append(data, options, debug);
  }

  // Nothing is held back here.
  rocksdb::IOStatus Flush(const rocksdb::IOOptions& /*options*/,
                          rocksdb::IODebugContext* /*debug*/) override {
    return rocksdb::IOStatus::OK();
  }

  uint64_t GetFileSize(const rocksdb::IOOptions& /*options*/,
                       rocksdb::IODebugContext* /*debug*/) override {
    return end_.load();
  }

  rocksdb::IOStatus Truncate(uint64_t size, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus cut = target()->Truncate(size, options, debug);
    if (cut.ok()) {
      end_.store(size);
      prepared_ = std::min(prepared_, size);
    }
    return cut;
  }

  rocksdb::IOStatus Close(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override {
    // Only gives space back: the zeros would do no harm.
    if (prepared_ > end_.load()) {
      target()->Truncate(end_.load(), options, debug).PermitUncheckedError();
    }
    return target()->Close(options, debug);
  }

 private:
  // Makes room for a record that ends at `wanted`. Fails only when a sync
  // does: the records that it covered are in doubt then.
  rocksdb::IOStatus Prepare(uint64_t wanted, const rocksdb::IOOptions& options,
                            rocksdb::IODebugContext* debug) {
    if (wanted <= prepared_ || !can_prepare_) return rocksdb::IOStatus::OK();
    const uint64_t end = end_.load(std::memory_order_relaxed);
    const uint64_t begin = std::max(end, prepared_);
    const uint64_t ahead =
        std::min(std::clamp(end, kMinPreparedLogBytes, kMaxPreparedLogBytes),
                 MostAhead(options, debug));
    if (ahead < kMinPreparedLogBytes) return rocksdb::IOStatus::OK();
    const uint64_t target_end = std::max(wanted, begin) + ahead;
    if (!WriteZeros(begin, target_end, options, debug)) {
      // A disk without room for zeros may have room for records.
      can_prepare_ = false;
      target()->Truncate(end, options, debug).PermitUncheckedError();
      return rocksdb::IOStatus::OK();
    }
    rocksdb::IOStatus synced = target()->Sync(options, debug);
    if (synced.ok()) prepared_ = target_end;
    return synced;
  }

  uint64_t MostAhead(const rocksdb::IOOptions& options,
                     rocksdb::IODebugContext* debug) {
    uint64_t free_bytes = 0;
    if (!file_system_->GetFreeSpace(name_, options, &free_bytes, debug).ok()) {
      return kMaxPreparedLogBytes;
    }
    return free_bytes / kFreeBytesForOnePrepared;
  }

  bool WriteZeros(uint64_t begin, uint64_t end,
                  const rocksdb::IOOptions& options,
                  rocksdb::IODebugContext* debug) {
    while (begin < end) {
      const auto size =
          static_cast<size_t>(std::min<uint64_t>(kZerosBytes, end - begin));
      const rocksdb::Slice zeros(Zeros(), size);
      Add(Metric::kLogPreparedBytes, size);
      if (!target()->PositionedAppend(zeros, begin, options, debug).ok()) {
        return false;
      }
      begin += size;
    }
    return true;
  }

  rocksdb::FileSystem* const file_system_;
  const std::string name_;
  std::atomic<uint64_t> end_{0};  // of the last record, bytes
  uint64_t prepared_ = 0;         // zeros are on the disk up to here
  bool can_prepare_ = true;
};

class LogFileSystem : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;

  const char* Name() const override { return "actorkv.LogFileSystem"; }

  rocksdb::IOStatus NewWritableFile(
      const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* file,
      rocksdb::IODebugContext* debug) override {
    std::unique_ptr<rocksdb::FSWritableFile> base;
    rocksdb::IOStatus made =
        target()->NewWritableFile(name, options, &base, debug);
    if (!made.ok()) return made;
    *file = IsLog(name)
                ? std::make_unique<LogFile>(std::move(base), target(), name)
                : std::move(base);
    return made;
  }
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> NewLogFileSystem(
    std::shared_ptr<rocksdb::FileSystem> base) {
  return std::make_shared<LogFileSystem>(std::move(base));
}

}  // namespace actorkv
