#include "tests/support/fault_fs.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "kv/base/affix.h"
#include "kv/base/descriptor.h"
#include "kv/base/system_error.h"

namespace actorkv {

// One slot for each file there ever was. Filled first and then set live, so
// that a kill between two stores leaves no half entry.
struct SyncLedger::Table {
  static constexpr size_t kSlots = 8192;
  struct Slot {
    std::atomic<bool> live;
    std::atomic<bool> ever_synced;
    std::atomic<uint64_t> synced_bytes;    // of what was appended
    std::atomic<uint64_t> prepared_bytes;  // zeros behind it, up to here
    char file[232];
  };
  std::atomic<uint64_t> used;
  Slot slots[kSlots];

  Slot* Find(const std::string& file) {
    for (size_t i = used; i-- > 0;) {
      if (slots[i].live && file == slots[i].file) return &slots[i];
    }
    return nullptr;
  }

  void Add(const std::string& file, bool ever_synced, uint64_t synced_bytes,
           uint64_t prepared_bytes) {
    if (used == kSlots || file.size() >= sizeof(Slot::file)) {
      std::abort();  // a test beyond the size of this tool
    }
    Slot& slot = slots[used];
    std::memcpy(slot.file, file.c_str(), file.size() + 1);
    slot.ever_synced = ever_synced;
    slot.synced_bytes = synced_bytes;
    slot.prepared_bytes = prepared_bytes;
    slot.live = true;
    ++used;
  }
};

namespace {

SyncLedger::Table* MapTable(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_RDWR | O_CLOEXEC, 0666);
  if (fd < 0) return nullptr;
  void* bytes = MAP_FAILED;
  if (ftruncate(fd, sizeof(SyncLedger::Table)) == 0) {
    // All zeros is an empty table, so nothing has to be constructed.
    bytes = mmap(nullptr, sizeof(SyncLedger::Table), PROT_READ | PROT_WRITE,
                 MAP_SHARED, fd, 0);
  }
  close(fd);
  return bytes == MAP_FAILED ? nullptr : static_cast<SyncLedger::Table*>(bytes);
}

// The same file for another process: a directory may be named through a
// descriptor of this one.
std::string RealName(const std::string& file) {
  const std::filesystem::path path = file;
  std::error_code error;
  const auto directory = std::filesystem::canonical(path.parent_path(), error);
  return error ? file : (directory / path.filename()).string();
}

// All zeros at the end of a block are padding, or might as well be.
size_t SizeWithoutZeros(const rocksdb::Slice& data) {
  const std::string_view bytes = data.ToStringView();
  const size_t last = bytes.find_last_not_of('\0');
  return last == std::string_view::npos ? 0 : last + 1;
}

class FaultFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultFile(std::unique_ptr<rocksdb::FSWritableFile> base, std::string name,
            FaultFileSystem* owner, std::shared_ptr<FaultFileSize> size)
      : FSWritableFileOwnerWrapper(std::move(base)),
        name_(std::move(name)),
        owner_(owner),
        size_(std::move(size)) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data,
                           const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    if (auto fault = owner_->NextAppend(name_); !fault.ok()) {
      const rocksdb::Slice half(data.data(), data.size() / 2);
      if (target()->Append(half, options, debug).ok()) {
        size_->appended_bytes += half.size();
      }
      return fault;
    }
    auto status = target()->Append(data, options, debug);
    if (status.ok()) size_->appended_bytes += data.size();
    return status;
  }

  rocksdb::IOStatus Append(const rocksdb::Slice& data,
                           const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo&,
                           rocksdb::IODebugContext* debug) override {
    return Append(data, options, debug);
  }

  // An append over zeros that were written before
  // (kv/rocksdb/rocksdb_log_file.h).
  rocksdb::IOStatus PositionedAppend(const rocksdb::Slice& data,
                                     uint64_t offset,
                                     const rocksdb::IOOptions& options,
                                     rocksdb::IODebugContext* debug) override {
    if (auto fault = owner_->NextAppend(name_); !fault.ok()) {
      if (use_direct_io()) return fault;  // half a block is no write
      const rocksdb::Slice half(data.data(), data.size() / 2);
      if (target()->PositionedAppend(half, offset, options, debug).ok()) {
        size_->appended_bytes = offset + half.size();
      }
      return fault;
    }
    auto status = target()->PositionedAppend(data, offset, options, debug);
    if (status.ok()) size_->appended_bytes = offset + SizeWithoutZeros(data);
    return status;
  }

  rocksdb::IOStatus Truncate(uint64_t size, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
    auto status = target()->Truncate(size, options, debug);
    if (status.ok()) size_->appended_bytes = size_->zeros_bytes = size;
    return status;
  }

  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override {
    // Taken before: what is appended meanwhile may not be covered.
    const FaultFileSize::Value covered = size_->Get();
    if (auto fault = owner_->NextSync(name_); !fault.ok()) return fault;
    auto status = target()->Sync(options, debug);
    if (status.ok()) owner_->Synced(name_, covered);
    return status;
  }

  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override {
    return Sync(options, debug);
  }

 private:
  const std::string name_;
  FaultFileSystem* const owner_;
  const std::shared_ptr<FaultFileSize> size_;
};

// Writes zeros ahead of a log's end (kv/rocksdb/rocksdb_log_zeros.h), and
// nothing else.
class FaultZeros : public rocksdb::FSRandomRWFileOwnerWrapper {
 public:
  FaultZeros(std::unique_ptr<rocksdb::FSRandomRWFile> base, std::string name,
             FaultFileSystem* owner, std::shared_ptr<FaultFileSize> size)
      : FSRandomRWFileOwnerWrapper(std::move(base)),
        name_(std::move(name)),
        owner_(owner),
        size_(std::move(size)) {}

  rocksdb::IOStatus Write(uint64_t offset, const rocksdb::Slice& data,
                          const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override {
    if (SizeWithoutZeros(data) != 0) std::abort();
    if (auto fault = owner_->NextPrepare(name_); !fault.ok()) return fault;
    auto status =
        FSRandomRWFileOwnerWrapper::Write(offset, data, options, debug);
    if (status.ok()) size_->zeros_bytes = offset + data.size();
    return status;
  }

  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override {
    const FaultFileSize::Value covered = size_->Get();
    if (auto fault = owner_->NextSync(name_); !fault.ok()) return fault;
    auto status = FSRandomRWFileOwnerWrapper::Sync(options, debug);
    if (status.ok()) owner_->Synced(name_, covered);
    return status;
  }

 private:
  const std::string name_;
  FaultFileSystem* const owner_;
  const std::shared_ptr<FaultFileSize> size_;
};

// What a power loss does to the bytes of a file that were not synced.
Status LoseBytes(const std::string& file, uint64_t synced_bytes,
                 uint64_t prepared_bytes, std::mt19937_64* rng) {
  constexpr uint64_t kSectorBytes = 512;
  const Descriptor fd(open(file.c_str(), O_RDWR | O_CLOEXEC));
  if (fd.get() < 0) {
    return errno == ENOENT ? Status::Ok() : SystemError("open", file, errno);
  }
  const uint64_t kept = std::max(synced_bytes, prepared_bytes);
  if (ftruncate(fd.get(), static_cast<off_t>(kept)) != 0) {
    return SystemError("cut", file, errno);
  }
  const std::string zeros(kSectorBytes, '\0');
  for (uint64_t at = synced_bytes; at < kept;) {
    const uint64_t end = std::min(kept, (at / kSectorBytes + 1) * kSectorBytes);
    // A sector that reached the disk in time stays.
    if (rng == nullptr || (*rng)() % 2 == 0) {
      if (pwrite(fd.get(), zeros.data(), end - at, static_cast<off_t>(at)) <
          0) {
        return SystemError("write", file, errno);
      }
    }
    at = end;
  }
  return Status::Ok();
}

}  // namespace

std::shared_ptr<SyncLedger> SyncLedger::Create(const std::string& path) {
  Table* const table = MapTable(path, O_CREAT | O_TRUNC);
  if (table == nullptr) return nullptr;
  return std::shared_ptr<SyncLedger>(new SyncLedger(table));
}

SyncLedger::~SyncLedger() { munmap(table_, sizeof(Table)); }

void SyncLedger::Created(const std::string& name) {
  const std::string file = RealName(name);
  std::lock_guard<std::mutex> lock(mutex_);
  if (Table::Slot* slot = table_->Find(file)) slot->live = false;
  table_->Add(file, false, 0, 0);
}

void SyncLedger::Synced(const std::string& name, uint64_t size_bytes,
                        uint64_t prepared_bytes) {
  const std::string file = RealName(name);
  std::lock_guard<std::mutex> lock(mutex_);
  Table::Slot* const slot = table_->Find(file);
  if (slot == nullptr) return;
  if (size_bytes > slot->synced_bytes) slot->synced_bytes = size_bytes;
  slot->prepared_bytes = prepared_bytes;
  slot->ever_synced = true;
}

void SyncLedger::Renamed(const std::string& from_name,
                         const std::string& to_name) {
  const std::string from = RealName(from_name);
  const std::string to = RealName(to_name);
  std::lock_guard<std::mutex> lock(mutex_);
  Table::Slot* const source = table_->Find(from);
  Table::Slot* const target = table_->Find(to);
  if (source != nullptr) {
    table_->Add(to, source->ever_synced, source->synced_bytes,
                source->prepared_bytes);
    source->live = false;
  }
  if (target != nullptr) target->live = false;
}

void SyncLedger::Linked(const std::string& from_name,
                        const std::string& to_name) {
  const std::string from = RealName(from_name);
  const std::string to = RealName(to_name);
  std::lock_guard<std::mutex> lock(mutex_);
  Table::Slot* const source = table_->Find(from);
  if (source == nullptr) return;
  table_->Add(to, source->ever_synced, source->synced_bytes,
              source->prepared_bytes);
}

void SyncLedger::Removed(const std::string& name) {
  const std::string file = RealName(name);
  std::lock_guard<std::mutex> lock(mutex_);
  if (Table::Slot* slot = table_->Find(file)) slot->live = false;
}

Status ApplyPowerLoss(const std::string& ledger_path, std::mt19937_64* rng) {
  SyncLedger::Table* const table = MapTable(ledger_path, 0);
  if (table == nullptr) return Status::IOError("no ledger: " + ledger_path);
  Status status;
  for (size_t i = 0; i < table->used; ++i) {
    const SyncLedger::Table::Slot& slot = table->slots[i];
    if (!slot.live) continue;
    Status lost;
    if (slot.ever_synced) {
      lost = LoseBytes(slot.file, slot.synced_bytes, slot.prepared_bytes, rng);
    } else if (unlink(slot.file) != 0 && errno != ENOENT) {
      lost = SystemError("remove", slot.file, errno);
    }
    if (!lost.ok()) status = lost;
  }
  munmap(table, sizeof(SyncLedger::Table));
  return status;
}

FaultFileSystem::FaultFileSystem(std::shared_ptr<SyncLedger> ledger)
    : FileSystemWrapper(rocksdb::FileSystem::Default()),
      ledger_(std::move(ledger)) {}

void FaultFileSystem::FailAppend(const std::string& suffix, uint64_t nth,
                                 uint64_t times, rocksdb::IOStatus status) {
  std::lock_guard<std::mutex> lock(mutex_);
  append_plan_ = {suffix, nth - 1, times, std::move(status)};
}

void FaultFileSystem::FailSync(const std::string& suffix, uint64_t nth,
                               uint64_t times, rocksdb::IOStatus status) {
  std::lock_guard<std::mutex> lock(mutex_);
  sync_plan_ = {suffix, nth - 1, times, std::move(status)};
}

void FaultFileSystem::FailPrepare(const std::string& suffix, uint64_t nth,
                                  uint64_t times, rocksdb::IOStatus status) {
  std::lock_guard<std::mutex> lock(mutex_);
  prepare_plan_ = {suffix, nth - 1, times, std::move(status)};
}

void FaultFileSystem::Heal() {
  std::lock_guard<std::mutex> lock(mutex_);
  append_plan_ = sync_plan_ = prepare_plan_ = Plan();
}

uint64_t FaultFileSystem::fired_count() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return fired_count_;
}

uint64_t FaultFileSystem::sync_count() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return sync_count_;
}

rocksdb::IOStatus FaultFileSystem::Next(const std::string& file, Plan* plan) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (plan->times == 0 || !EndsWith(file, plan->suffix)) {
    return rocksdb::IOStatus::OK();
  }
  if (plan->skip > 0) {
    --plan->skip;
    return rocksdb::IOStatus::OK();
  }
  --plan->times;
  ++fired_count_;
  return plan->status;
}

rocksdb::IOStatus FaultFileSystem::NextAppend(const std::string& file) {
  return Next(file, &append_plan_);
}

rocksdb::IOStatus FaultFileSystem::NextPrepare(const std::string& file) {
  return Next(file, &prepare_plan_);
}

rocksdb::IOStatus FaultFileSystem::NextSync(const std::string& file) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ++sync_count_;
  }
  return Next(file, &sync_plan_);
}

void FaultFileSystem::Synced(const std::string& file,
                             const FaultFileSize::Value& covered) {
  if (ledger_ == nullptr) return;
  ledger_->Synced(file, covered.appended_bytes, covered.zeros_bytes);
}

std::shared_ptr<FaultFileSize> FaultFileSystem::SizeOf(
    const std::string& file) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::weak_ptr<FaultFileSize>& known = sizes_[file];
  std::shared_ptr<FaultFileSize> size = known.lock();
  if (size == nullptr) known = size = std::make_shared<FaultFileSize>();
  return size;
}

void FaultFileSystem::RefuseDirect(bool refuse) {
  std::lock_guard<std::mutex> lock(mutex_);
  refuses_direct_ = refuse;
}

rocksdb::IOStatus FaultFileSystem::NewWritableFile(
    const std::string& file, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* result,
    rocksdb::IODebugContext* debug) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (options.use_direct_writes && refuses_direct_) {
      return rocksdb::IOStatus::IOError("Invalid argument");
    }
  }
  std::unique_ptr<rocksdb::FSWritableFile> base;
  auto status = target()->NewWritableFile(file, options, &base, debug);
  if (!status.ok()) return status;
  if (ledger_ != nullptr) ledger_->Created(file);
  std::shared_ptr<FaultFileSize> size = SizeOf(file);
  size->appended_bytes = size->zeros_bytes = 0;
  *result =
      std::make_unique<FaultFile>(std::move(base), file, this, std::move(size));
  return status;
}

rocksdb::IOStatus FaultFileSystem::NewRandomRWFile(
    const std::string& file, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSRandomRWFile>* result,
    rocksdb::IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSRandomRWFile> base;
  auto status = target()->NewRandomRWFile(file, options, &base, debug);
  if (!status.ok()) return status;
  *result =
      std::make_unique<FaultZeros>(std::move(base), file, this, SizeOf(file));
  return status;
}

rocksdb::IOStatus FaultFileSystem::ReopenWritableFile(
    const std::string& file, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* result,
    rocksdb::IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSWritableFile> base;
  auto status = target()->ReopenWritableFile(file, options, &base, debug);
  if (!status.ok()) return status;
  std::shared_ptr<FaultFileSize> size = SizeOf(file);
  size->appended_bytes = base->GetFileSize(options.io_options, debug);
  *result =
      std::make_unique<FaultFile>(std::move(base), file, this, std::move(size));
  return status;
}

rocksdb::IOStatus FaultFileSystem::DeleteFile(const std::string& file,
                                              const rocksdb::IOOptions& options,
                                              rocksdb::IODebugContext* debug) {
  auto status = target()->DeleteFile(file, options, debug);
  if (status.ok() && ledger_ != nullptr) ledger_->Removed(file);
  return status;
}

rocksdb::IOStatus FaultFileSystem::RenameFile(const std::string& from,
                                              const std::string& to,
                                              const rocksdb::IOOptions& options,
                                              rocksdb::IODebugContext* debug) {
  auto status = target()->RenameFile(from, to, options, debug);
  if (status.ok() && ledger_ != nullptr) ledger_->Renamed(from, to);
  return status;
}

rocksdb::IOStatus FaultFileSystem::LinkFile(const std::string& from,
                                            const std::string& to,
                                            const rocksdb::IOOptions& options,
                                            rocksdb::IODebugContext* debug) {
  auto status = target()->LinkFile(from, to, options, debug);
  if (status.ok() && ledger_ != nullptr) ledger_->Linked(from, to);
  return status;
}

}  // namespace actorkv
