#include "kv/rocksdb/rocksdb_log_zeros.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "kv/base/metrics.h"
#include "kv/base/thrown.h"
#include "kv/rocksdb/rocksdb_log_tail.h"

namespace actorkv {
namespace {

constexpr size_t kZerosBytes = size_t{256} << 10;

const char* Zeros() {
  static const char zeros[kZerosBytes] = {};
  return zeros;
}

}  // namespace

LogZeros::LogZeros(rocksdb::FileSystem* file_system, std::string path)
    : file_system_(file_system), path_(std::move(path)) {}

rocksdb::IOStatus LogZeros::Prepare(uint64_t begin, uint64_t end) {
  if (has_failed_.load(std::memory_order_relaxed)) return Collect();
  if (end <= next_ || out_of_room_) return rocksdb::IOStatus::OK();
  if (beside_ != nullptr) {
    if (end <= prepared_) return rocksdb::IOStatus::OK();
    if (rocksdb::IOStatus s = Collect(); !s.ok()) return s;
    if (end <= next_ || out_of_room_) return rocksdb::IOStatus::OK();
  }
  if (!Plan(begin, end)) return rocksdb::IOStatus::OK();
  if (end <= prepared_) {
    RunBeside();
    return rocksdb::IOStatus::OK();
  }
  Run();  // nobody could do anything meanwhile
  return Finish();
}

rocksdb::IOStatus LogZeros::Wait(uint64_t end) {
  if (beside_ == nullptr || end <= prepared_) return rocksdb::IOStatus::OK();
  return Collect();
}

void LogZeros::Stop() { beside_.reset(); }

bool LogZeros::Plan(uint64_t begin, uint64_t end) {
  const uint64_t ahead =
      std::min(std::clamp(begin, kMinPreparedLogBytes, kMaxPreparedLogBytes),
               MostAhead());
  if (ahead < kMinPreparedLogBytes) {
    next_ = prepared_;  // asks again when they are used up
    return false;
  }
  task_ = Task();
  task_.begin = std::max(begin, prepared_);
  // Direct I/O clears the operating system's cache of what it writes, which
  // fails where zeros are being written to the same piece of the cache. No
  // piece reaches past the block that the file ended with when it was made.
  task_.end = (end + ahead) / kLogBlockBytes * kLogBlockBytes;
  task_.next = task_.end - ahead / 2;
  return task_.begin < task_.end;
}

void LogZeros::RunBeside() {
  // Without memory to ask for a thread the next record asks again; without a
  // thread to be had Collect() does it.
  if (!IfMemory(
          [&] { beside_ = std::make_unique<Errand>([this] { Run(); }); })) {
    return;
  }
  static_cast<void>(beside_->Send());
}

rocksdb::IOStatus LogZeros::Collect() {
  if (beside_ == nullptr) return rocksdb::IOStatus::OK();
  static_cast<void>(beside_->Finish());
  beside_.reset();
  return Finish();
}

rocksdb::IOStatus LogZeros::Finish() {
  has_failed_.store(false, std::memory_order_relaxed);
  out_of_room_ = task_.out_of_room;
  if (!task_.status.ok() || out_of_room_) return task_.status;
  prepared_ = task_.end;
  next_ = task_.next;
  return task_.status;
}

// Memory that runs out is as a disk that is full: the log does without zeros.
void LogZeros::Run() noexcept {
  if (IfMemory([this] { WriteZeros(); })) return;
  task_.out_of_room = true;
  has_failed_.store(true, std::memory_order_relaxed);
}

void LogZeros::WriteZeros() {
  const rocksdb::IOOptions options;
  std::unique_ptr<rocksdb::FSRandomRWFile> file;
  rocksdb::IOStatus s = file_system_->NewRandomRWFile(
      path_, rocksdb::FileOptions(), &file, nullptr);
  for (uint64_t at = task_.begin; at < task_.end && s.ok();) {
    const auto size =
        static_cast<size_t>(std::min<uint64_t>(kZerosBytes, task_.end - at));
    Add(Metric::kLogPreparedBytes, size);
    s = file->Write(at, rocksdb::Slice(Zeros(), size), options, nullptr);
    at += size;
  }
  task_.out_of_room = !s.ok();
  if (s.ok()) task_.status = file->Sync(options, nullptr);
  has_failed_.store(task_.out_of_room || !task_.status.ok(),
                    std::memory_order_relaxed);
}

uint64_t LogZeros::MostAhead() const {
  uint64_t free_bytes = 0;
  if (!file_system_
           ->GetFreeSpace(path_, rocksdb::IOOptions(), &free_bytes, nullptr)
           .ok()) {
    return kMaxPreparedLogBytes;
  }
  return free_bytes / kFreeBytesForOnePrepared;
}

}  // namespace actorkv
