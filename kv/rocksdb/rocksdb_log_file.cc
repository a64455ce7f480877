#include "kv/rocksdb/rocksdb_log_file.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "kv/base/affix.h"
#include "kv/base/metrics.h"
#include "kv/rocksdb/log_marks.h"
#include "kv/rocksdb/rocksdb_log_tail.h"
#include "kv/rocksdb/rocksdb_log_zeros.h"

namespace actorkv {
namespace {

using WritableFile = std::unique_ptr<rocksdb::FSWritableFile>;

// RocksDB has no way to tell its file of a write's options: SyncedWrite says it
// to the same thread, which appends.
thread_local bool sync_follows = false;

bool IsLog(std::string_view name) { return EndsWith(name, ".log"); }

// The number of the log at a path.
uint64_t LogNumberOf(std::string_view path) {
  return LogNumber(path.substr(path.rfind('/') + 1));
}

// LogFile: appends come from one thread at a time; a sync may come beside them
// (DB::SyncWAL), and then covers what was appended before it.
class LogFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  // `base` and `direct` both are the file; `direct` may be null, and so may
  // `mark`, which hears of what is synced.
  LogFile(WritableFile base, WritableFile direct,
          std::unique_ptr<LogZeros> zeros, LogMarks::Slot* mark)
      : FSWritableFileOwnerWrapper(std::move(base)),
        direct_(std::move(direct)),
        zeros_(std::move(zeros)),
        mark_(mark) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data,
                           const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    Add(Metric::kLogBytes, data.size());
    const uint64_t begin = end_.load(std::memory_order_relaxed);
    const uint64_t end = begin + data.size();
    rocksdb::IOStatus s = data.size() < kBulkAppendBytes
                              ? zeros_->Prepare(begin, end)
                              : zeros_->Wait(end);
    if (!s.ok()) return s;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (zeros_->out_of_room()) CutZeros(options, debug);
    if (CanBeDirect(data.size())) {
      tail_.Append(data);
    } else {
      // Records that were held back come before this one: the log must have no
      // gap.
      s = WritePending(options, debug);
      if (s.ok()) s = target()->PositionedAppend(data, begin, options, debug);
      if (!s.ok()) return s;
      tail_.Skip(data);
    }
    // The end moves after the bytes are taken: a sync beside this covers what
    // it reads here.
    end_.store(end);
    return s;
  }

  rocksdb::IOStatus Append(const rocksdb::Slice& data,
                           const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& /*info*/,
                           rocksdb::IODebugContext* debug) override {
    return Append(data, options, debug);
  }

  // There is nothing to flush: what is held back here is synced at once.
  rocksdb::IOStatus Flush(const rocksdb::IOOptions& /*options*/,
                          rocksdb::IODebugContext* /*debug*/) override {
    return rocksdb::IOStatus::OK();
  }

  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override {
    // The end is read before the write: an append that comes meanwhile may miss
    // this sync.
    const uint64_t end = end_.load();
    rocksdb::IOStatus s = WriteDirect(options, debug);
    if (s.ok()) s = target()->Sync(options, debug);
    if (s.ok()) MarkSynced(end);
    return s;
  }

  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override {
    const uint64_t end = end_.load();
    rocksdb::IOStatus s = WriteDirect(options, debug);
    if (s.ok()) s = target()->Fsync(options, debug);
    if (s.ok()) MarkSynced(end);
    return s;
  }

  uint64_t GetFileSize(const rocksdb::IOOptions& /*options*/,
                       rocksdb::IODebugContext* /*debug*/) override {
    return end_.load();
  }

  rocksdb::IOStatus Truncate(uint64_t /*size*/,
                             const rocksdb::IOOptions& /*options*/,
                             rocksdb::IODebugContext* /*debug*/) override {
    return rocksdb::IOStatus::NotSupported("a log is never cut");
  }

  rocksdb::IOStatus Close(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override {
    zeros_->Stop();
    // Pending records were acknowledged to nobody. The cut only gives space
    // back, as the zeros would do no harm.
    target()->Truncate(end_.load(), options, debug).PermitUncheckedError();
    if (direct_ != nullptr) {
      direct_->Close(options, debug).PermitUncheckedError();
    }
    return target()->Close(options, debug);
  }

 private:
  // The mark only rises: syncs of two threads may end in any order.
  void MarkSynced(uint64_t end) {
    if (mark_ == nullptr) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (end > mark_->end_bytes.load()) mark_->end_bytes.store(end);
  }

  // All below REQUIRE the lock.

  // Cuts the zeros away, once: a disk without room for zeros may have room for
  // records.
  void CutZeros(const rocksdb::IOOptions& options,
                rocksdb::IODebugContext* debug) {
    if (std::exchange(is_cut_, true)) return;
    const uint64_t kept = std::max(tail_.end(), zeros_->prepared());
    target()->Truncate(kept, options, debug).PermitUncheckedError();
  }

  // Whole blocks must lie over zeros, or the file would grow by them.
  bool CanBeDirect(size_t size) const {
    return direct_ != nullptr && sync_follows && tail_.Fits(size) &&
           tail_.end() + size + kLogBlockBytes <= zeros_->prepared();
  }

  rocksdb::IOStatus WritePending(const rocksdb::IOOptions& options,
                                 rocksdb::IODebugContext* debug) {
    if (!tail_.has_pending()) return rocksdb::IOStatus::OK();
    rocksdb::IOStatus s = target()->PositionedAppend(
        tail_.pending(), tail_.pending_begin(), options, debug);
    if (s.ok()) tail_.Settle();
    return s;
  }

  rocksdb::IOStatus WriteDirect(const rocksdb::IOOptions& options,
                                rocksdb::IODebugContext* debug) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!tail_.has_pending()) return rocksdb::IOStatus::OK();
    const uint64_t begin = tail_.begin();
    rocksdb::IOStatus s =
        direct_->PositionedAppend(tail_.Blocks(), begin, options, debug);
    if (s.ok()) tail_.Settle();
    return s;
  }

  const WritableFile direct_;
  const std::unique_ptr<LogZeros> zeros_;
  LogMarks::Slot* const mark_;
  std::atomic<uint64_t> end_{0};  // of the last record, bytes
  std::mutex mutex_;
  LogTail tail_;         // guarded by mutex_
  bool is_cut_ = false;  // guarded by mutex_
};

// Opens the file for direct I/O; null where that is refused, at the opening or
// at the first write.
WritableFile OpenDirect(rocksdb::FileSystem* file_system,
                        const std::string& name, rocksdb::FileOptions options) {
  options.use_direct_writes = true;
  WritableFile file;
  LogTail zeros;
  // One block of zeros is written, because some file systems accept O_DIRECT at
  // open and refuse the write.
  zeros.Append(rocksdb::Slice("", 1));
  if (!file_system->NewWritableFile(name, options, &file, nullptr).ok() ||
      !file->PositionedAppend(zeros.Blocks(), 0, options.io_options, nullptr)
           .ok()) {
    return nullptr;
  }
  return file;
}

class LogFileSystem : public rocksdb::FileSystemWrapper {
 public:
  LogFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base,
                std::shared_ptr<LogMarks> marks)
      : FileSystemWrapper(base), marks_(std::move(marks)) {}

  const char* Name() const override { return "actorkv.LogFileSystem"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name,
                                    const rocksdb::FileOptions& options,
                                    WritableFile* file,
                                    rocksdb::IODebugContext* debug) override {
    if (!IsLog(name)) {
      return target()->NewWritableFile(name, options, file, debug);
    }
    // The direct one is opened first: each makes the file anew, and `base` is
    // to leave it empty.
    WritableFile direct = OpenDirect(target(), name, options);
    WritableFile base;
    rocksdb::IOStatus made =
        target()->NewWritableFile(name, options, &base, debug);
    if (!made.ok()) return made;
    *file = std::make_unique<LogFile>(
        std::move(base), std::move(direct),
        std::make_unique<LogZeros>(target(), name),
        marks_ == nullptr ? nullptr : marks_->Take(LogNumberOf(name)));
    return made;
  }

  rocksdb::IOStatus DeleteFile(const std::string& name,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    if (IsLog(name) && marks_ != nullptr &&
        !marks_->Remove(LogNumberOf(name))) {
      return rocksdb::IOStatus::IOError("cannot take away the mark of " + name);
    }
    return target()->DeleteFile(name, options, debug);
  }

 private:
  const std::shared_ptr<LogMarks> marks_;
};

}  // namespace

SyncedWrite::SyncedWrite() { sync_follows = true; }
SyncedWrite::~SyncedWrite() { sync_follows = false; }

std::shared_ptr<rocksdb::FileSystem> NewLogFileSystem(
    const std::shared_ptr<rocksdb::FileSystem>& base,
    std::shared_ptr<LogMarks> marks) {
  return std::make_shared<LogFileSystem>(base, std::move(marks));
}

}  // namespace actorkv
