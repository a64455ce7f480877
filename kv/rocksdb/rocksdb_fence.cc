#include "kv/rocksdb/rocksdb_fence.h"

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "kv/base/thrown.h"

namespace actorkv {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

namespace {

// The status has no text, so that nothing is allocated for it.
IOStatus NoMemory() { return IOStatus::IOError(IOStatus::kMemoryLimit); }

// Keeps what `call` throws from RocksDB: invariant 3.
template <typename Call>
IOStatus Quietly(const Call& call) noexcept {
  IOStatus status = NoMemory();
  static_cast<void>(IfMemory([&] { status = call(); }));
  return status;
}

}  // namespace

void Fence::Close() noexcept {
  // The lock waits for changes that are under way: invariant 1.
  const std::lock_guard<std::shared_mutex> lock(mutex_);
  is_closed_ = true;
  if (lock_ == nullptr) return;
  Quietly([this] {
    return locked_in_->UnlockFile(lock_, IOOptions(), nullptr);
  }).PermitUncheckedError();
  lock_ = nullptr;
}

template <typename Call>
IOStatus Fence::Change(const Call& call) noexcept {
  const std::shared_lock<std::shared_mutex> lock(mutex_);
  if (is_closed_) return IOStatus::IOError(IOStatus::kIOFenced);
  return Quietly(call);
}

class FencedFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FencedFile(std::unique_ptr<rocksdb::FSWritableFile> file,
             std::shared_ptr<Fence> fence)
      : FSWritableFileOwnerWrapper(std::move(file)), fence_(std::move(fence)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    return fence_->Change(
        [&] { return target()->Append(data, options, debug); });
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& info,
                  IODebugContext* debug) override {
    return fence_->Change(
        [&] { return target()->Append(data, options, info, debug); });
  }
  IOStatus PositionedAppend(const rocksdb::Slice& data, uint64_t offset,
                            const IOOptions& options,
                            IODebugContext* debug) override {
    return fence_->Change([&] {
      return target()->PositionedAppend(data, offset, options, debug);
    });
  }
  IOStatus PositionedAppend(const rocksdb::Slice& data, uint64_t offset,
                            const IOOptions& options,
                            const rocksdb::DataVerificationInfo& info,
                            IODebugContext* debug) override {
    return fence_->Change([&] {
      return target()->PositionedAppend(data, offset, options, info, debug);
    });
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options,
                    IODebugContext* debug) override {
    return fence_->Change(
        [&] { return target()->Truncate(size, options, debug); });
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    return fence_->Change([&] { return target()->Close(options, debug); });
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
    return fence_->Change([&] { return target()->Flush(options, debug); });
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return fence_->Change([&] { return target()->Sync(options, debug); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return fence_->Change([&] { return target()->Fsync(options, debug); });
  }
  IOStatus RangeSync(uint64_t offset, uint64_t size, const IOOptions& options,
                     IODebugContext* debug) override {
    return fence_->Change(
        [&] { return target()->RangeSync(offset, size, options, debug); });
  }

 private:
  const std::shared_ptr<Fence> fence_;
};

class FencedFileSystem : public rocksdb::FileSystemWrapper {
 public:
  FencedFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base,
                   std::shared_ptr<Fence> fence)
      : FileSystemWrapper(base), fence_(std::move(fence)) {}

  const char* Name() const override { return "actorkv.FencedFileSystem"; }

  IOStatus NewWritableFile(const std::string& name,
                           const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override {
    return NewFile(file, [&](std::unique_ptr<rocksdb::FSWritableFile>* made) {
      return target()->NewWritableFile(name, options, made, debug);
    });
  }
  IOStatus ReopenWritableFile(const std::string& name,
                              const rocksdb::FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* file,
                              IODebugContext* debug) override {
    return NewFile(file, [&](std::unique_ptr<rocksdb::FSWritableFile>* made) {
      return target()->ReopenWritableFile(name, options, made, debug);
    });
  }
  IOStatus ReuseWritableFile(const std::string& name,
                             const std::string& old_name,
                             const rocksdb::FileOptions& options,
                             std::unique_ptr<rocksdb::FSWritableFile>* file,
                             IODebugContext* debug) override {
    return NewFile(file, [&](std::unique_ptr<rocksdb::FSWritableFile>* made) {
      return target()->ReuseWritableFile(name, old_name, options, made, debug);
    });
  }
  // RocksDB makes none of these for its own files (7.8), so the file itself is
  // not fenced.
  IOStatus NewRandomRWFile(const std::string& name,
                           const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                           IODebugContext* debug) override {
    return fence_->Change(
        [&] { return target()->NewRandomRWFile(name, options, file, debug); });
  }
  // Reads are not fenced: a database that was given up may read on (invariant
  // 1). They are kept from throwing only.
  IOStatus NewSequentialFile(const std::string& name,
                             const rocksdb::FileOptions& options,
                             std::unique_ptr<rocksdb::FSSequentialFile>* file,
                             IODebugContext* debug) override {
    return Quietly([&] {
      return target()->NewSequentialFile(name, options, file, debug);
    });
  }
  IOStatus NewRandomAccessFile(
      const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
      IODebugContext* debug) override {
    return Quietly([&] {
      return target()->NewRandomAccessFile(name, options, file, debug);
    });
  }
  IOStatus NewDirectory(const std::string& name, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* directory,
                        IODebugContext* debug) override {
    return Quietly([&] {
      return target()->NewDirectory(name, options, directory, debug);
    });
  }
  IOStatus GetChildren(const std::string& directory, const IOOptions& options,
                       std::vector<std::string>* names,
                       IODebugContext* debug) override {
    return Quietly([&] {
      return target()->GetChildren(directory, options, names, debug);
    });
  }
  IOStatus DeleteFile(const std::string& name, const IOOptions& options,
                      IODebugContext* debug) override {
    return fence_->Change(
        [&] { return target()->DeleteFile(name, options, debug); });
  }
  IOStatus Truncate(const std::string& name, size_t size,
                    const IOOptions& options, IODebugContext* debug) override {
    return fence_->Change(
        [&] { return target()->Truncate(name, size, options, debug); });
  }
  IOStatus CreateDir(const std::string& name, const IOOptions& options,
                     IODebugContext* debug) override {
    return fence_->Change(
        [&] { return target()->CreateDir(name, options, debug); });
  }
  IOStatus CreateDirIfMissing(const std::string& name, const IOOptions& options,
                              IODebugContext* debug) override {
    return fence_->Change(
        [&] { return target()->CreateDirIfMissing(name, options, debug); });
  }
  IOStatus DeleteDir(const std::string& name, const IOOptions& options,
                     IODebugContext* debug) override {
    return fence_->Change(
        [&] { return target()->DeleteDir(name, options, debug); });
  }
  IOStatus RenameFile(const std::string& from, const std::string& to,
                      const IOOptions& options,
                      IODebugContext* debug) override {
    return fence_->Change(
        [&] { return target()->RenameFile(from, to, options, debug); });
  }
  IOStatus LinkFile(const std::string& from, const std::string& to,
                    const IOOptions& options, IODebugContext* debug) override {
    return fence_->Change(
        [&] { return target()->LinkFile(from, to, options, debug); });
  }

  // RocksDB locks one file, that of the database.
  IOStatus LockFile(const std::string& name, const IOOptions& options,
                    rocksdb::FileLock** lock, IODebugContext* debug) override {
    const std::lock_guard<std::shared_mutex> changing(fence_->mutex_);
    if (fence_->is_closed_) return IOStatus::IOError(IOStatus::kIOFenced);
    IOStatus s =
        Quietly([&] { return target()->LockFile(name, options, lock, debug); });
    if (!s.ok()) return s;
    fence_->locked_in_ = target();
    fence_->lock_ = *lock;
    return s;
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions& options,
                      IODebugContext* debug) override {
    const std::lock_guard<std::shared_mutex> changing(fence_->mutex_);
    if (fence_->lock_ != lock) return IOStatus::OK();  // by Close()
    fence_->lock_ = nullptr;
    return Quietly([&] { return target()->UnlockFile(lock, options, debug); });
  }

 private:
  template <typename Make>
  IOStatus NewFile(std::unique_ptr<rocksdb::FSWritableFile>* file,
                   const Make& make) {
    return fence_->Change([&] {
      std::unique_ptr<rocksdb::FSWritableFile> made;
      if (IOStatus s = make(&made); !s.ok()) return s;
      *file = std::make_unique<FencedFile>(std::move(made), fence_);
      return IOStatus::OK();
    });
  }

  const std::shared_ptr<Fence> fence_;
};

std::shared_ptr<rocksdb::FileSystem> NewFencedFileSystem(
    const std::shared_ptr<rocksdb::FileSystem>& base,
    std::shared_ptr<Fence> fence) {
  return std::make_shared<FencedFileSystem>(base, std::move(fence));
}

}  // namespace actorkv
