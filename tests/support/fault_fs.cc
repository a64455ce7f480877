#include "tests/support/fault_fs.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace actorkv {

// One slot for each file there ever was. Filled first and then set live, so
// that a kill between two stores leaves no half entry.
struct SyncLedger::Table {
  static constexpr size_t kSlots = 8192;
  struct Slot {
    std::atomic<bool> live;
    std::atomic<bool> ever_synced;
    std::atomic<uint64_t> synced_bytes;
    char file[240];
  };
  std::atomic<uint64_t> used;
  Slot slots[kSlots];

  Slot* Find(const std::string& file) {
    for (size_t i = used; i-- > 0;) {
      if (slots[i].live && file == slots[i].file) return &slots[i];
    }
    return nullptr;
  }

  void Add(const std::string& file, bool ever_synced, uint64_t synced_bytes) {
    if (used == kSlots || file.size() >= sizeof(Slot::file)) {
      std::abort();  // a test beyond the size of this tool
    }
    Slot& slot = slots[used];
    std::memcpy(slot.file, file.c_str(), file.size() + 1);
    slot.ever_synced = ever_synced;
    slot.synced_bytes = synced_bytes;
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

bool EndsWith(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() &&
         text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

class FaultFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultFile(std::unique_ptr<rocksdb::FSWritableFile> base, std::string name,
            FaultFileSystem* owner, uint64_t size_bytes)
      : FSWritableFileOwnerWrapper(std::move(base)),
        name_(std::move(name)),
        owner_(owner),
        size_bytes_(size_bytes) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data,
                           const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    if (auto fault = owner_->NextAppend(name_); !fault.ok()) {
      const rocksdb::Slice half(data.data(), data.size() / 2);
      if (target()->Append(half, options, debug).ok()) {
        size_bytes_ += half.size();
      }
      return fault;
    }
    auto status = target()->Append(data, options, debug);
    if (status.ok()) size_bytes_ += data.size();
    return status;
  }

  rocksdb::IOStatus Append(const rocksdb::Slice& data,
                           const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo&,
                           rocksdb::IODebugContext* debug) override {
    return Append(data, options, debug);
  }

  rocksdb::IOStatus Truncate(uint64_t size, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
    auto status = target()->Truncate(size, options, debug);
    if (status.ok()) size_bytes_ = size;
    return status;
  }

  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override {
    // Taken before: what is appended meanwhile may not be covered.
    const uint64_t covered = size_bytes_;
    if (auto fault = owner_->NextSync(name_); !fault.ok()) return fault;
    auto status = target()->Sync(options, debug);
    if (status.ok()) Account(covered);
    return status;
  }

  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override {
    const uint64_t covered = size_bytes_;
    if (auto fault = owner_->NextSync(name_); !fault.ok()) return fault;
    auto status = target()->Fsync(options, debug);
    if (status.ok()) Account(covered);
    return status;
  }

 private:
  void Account(uint64_t size_bytes) {
    if (owner_->ledger() != nullptr) {
      owner_->ledger()->Synced(name_, size_bytes);
    }
  }

  const std::string name_;
  FaultFileSystem* const owner_;
  std::atomic<uint64_t> size_bytes_;
};

}  // namespace

std::shared_ptr<SyncLedger> SyncLedger::Create(const std::string& path) {
  Table* const table = MapTable(path, O_CREAT | O_TRUNC);
  if (table == nullptr) return nullptr;
  return std::shared_ptr<SyncLedger>(new SyncLedger(table));
}

SyncLedger::~SyncLedger() { munmap(table_, sizeof(Table)); }

void SyncLedger::Created(const std::string& file) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (Table::Slot* slot = table_->Find(file)) slot->live = false;
  table_->Add(file, false, 0);
}

void SyncLedger::Synced(const std::string& file, uint64_t size_bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  Table::Slot* const slot = table_->Find(file);
  if (slot == nullptr) return;
  if (size_bytes > slot->synced_bytes) slot->synced_bytes = size_bytes;
  slot->ever_synced = true;
}

void SyncLedger::Renamed(const std::string& from, const std::string& to) {
  std::lock_guard<std::mutex> lock(mutex_);
  Table::Slot* const source = table_->Find(from);
  Table::Slot* const target = table_->Find(to);
  if (source != nullptr) {
    table_->Add(to, source->ever_synced, source->synced_bytes);
    source->live = false;
  }
  if (target != nullptr) target->live = false;
}

void SyncLedger::Linked(const std::string& from, const std::string& to) {
  std::lock_guard<std::mutex> lock(mutex_);
  Table::Slot* const source = table_->Find(from);
  if (source == nullptr) return;
  table_->Add(to, source->ever_synced, source->synced_bytes);
}

void SyncLedger::Removed(const std::string& file) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (Table::Slot* slot = table_->Find(file)) slot->live = false;
}

Status ApplyPowerLoss(const std::string& ledger_path) {
  SyncLedger::Table* const table = MapTable(ledger_path, 0);
  if (table == nullptr) return Status::IOError("no ledger: " + ledger_path);
  Status status;
  for (size_t i = 0; i < table->used; ++i) {
    const SyncLedger::Table::Slot& slot = table->slots[i];
    if (!slot.live) continue;
    const int result =
        slot.ever_synced
            ? truncate(slot.file, static_cast<off_t>(slot.synced_bytes.load()))
            : unlink(slot.file);
    if (result != 0 && errno != ENOENT) {
      status = Status::IOError(std::string("power loss: ") + slot.file);
    }
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

void FaultFileSystem::Heal() {
  std::lock_guard<std::mutex> lock(mutex_);
  append_plan_ = sync_plan_ = Plan();
}

uint64_t FaultFileSystem::fired_count() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return fired_count_;
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

rocksdb::IOStatus FaultFileSystem::NextSync(const std::string& file) {
  return Next(file, &sync_plan_);
}

rocksdb::IOStatus FaultFileSystem::NewWritableFile(
    const std::string& file, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* result,
    rocksdb::IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSWritableFile> base;
  auto status = target()->NewWritableFile(file, options, &base, debug);
  if (!status.ok()) return status;
  if (ledger_ != nullptr) ledger_->Created(file);
  *result = std::make_unique<FaultFile>(std::move(base), file, this, 0);
  return status;
}

rocksdb::IOStatus FaultFileSystem::ReopenWritableFile(
    const std::string& file, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* result,
    rocksdb::IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSWritableFile> base;
  auto status = target()->ReopenWritableFile(file, options, &base, debug);
  if (!status.ok()) return status;
  const uint64_t size = base->GetFileSize(options.io_options, debug);
  *result = std::make_unique<FaultFile>(std::move(base), file, this, size);
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
