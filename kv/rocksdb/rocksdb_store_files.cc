#include "kv/rocksdb/rocksdb_store_files.h"

#include <string>
#include <utility>

#include "kv/files/file_access.h"
#include "kv/files/lock_file.h"

namespace actorkv {
namespace {

using rocksdb::IOStatus;
using WritableFile = std::unique_ptr<rocksdb::FSWritableFile>;

// DatabaseLock: the lock of a database, which RocksDB calls LOCK.
class DatabaseLock : public rocksdb::FileLock {
 public:
  // LOCK is empty; those that have a lock on all of it, as RocksDB's own does,
  // have this byte.
  static constexpr int64_t kByte = 0;

  explicit DatabaseLock(std::unique_ptr<LockFile> file)
      : file_(std::move(file)) {}

 private:
  const std::unique_ptr<LockFile> file_;
};

class StoreFileSystem : public rocksdb::FileSystemWrapper {
 public:
  StoreFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base,
                  std::shared_ptr<const OpenedDirectory> directory)
      : FileSystemWrapper(base), directory_(std::move(directory)) {}

  const char* Name() const override { return "actorkv.StoreFileSystem"; }

  IOStatus NewWritableFile(const std::string& name,
                           const rocksdb::FileOptions& options,
                           WritableFile* file,
                           rocksdb::IODebugContext* debug) override {
    return Make(name, [&] {
      return target()->NewWritableFile(name, options, file, debug);
    });
  }

  IOStatus ReopenWritableFile(const std::string& name,
                              const rocksdb::FileOptions& options,
                              WritableFile* file,
                              rocksdb::IODebugContext* debug) override {
    return Make(name, [&] {
      return target()->ReopenWritableFile(name, options, file, debug);
    });
  }

  IOStatus ReuseWritableFile(const std::string& name,
                             const std::string& old_name,
                             const rocksdb::FileOptions& options,
                             WritableFile* file,
                             rocksdb::IODebugContext* debug) override {
    return Make(name, [&] {
      return target()->ReuseWritableFile(name, old_name, options, file, debug);
    });
  }

  // Invariant 4.
  IOStatus LockFile(const std::string& name,
                    const rocksdb::IOOptions& /*options*/,
                    rocksdb::FileLock** lock,
                    rocksdb::IODebugContext* /*debug*/) override {
    return Make(name, [&] { return Lock(name, lock); });
  }

  rocksdb::IOStatus UnlockFile(rocksdb::FileLock* lock,
                               const rocksdb::IOOptions& /*options*/,
                               rocksdb::IODebugContext* /*debug*/) override {
    delete lock;
    return IOStatus::OK();
  }

  IOStatus RenameFile(const std::string& from, const std::string& to,
                      const rocksdb::IOOptions& options,
                      rocksdb::IODebugContext* debug) override {
    FileAccess access;
    if (IOStatus s = CheckHolding(to, &access); !s.ok()) return s;
    return target()->RenameFile(from, to, options, debug);
  }

  IOStatus LinkFile(const std::string& from, const std::string& to,
                    const rocksdb::IOOptions& options,
                    rocksdb::IODebugContext* debug) override {
    FileAccess access;
    if (IOStatus s = CheckHolding(to, &access); !s.ok()) return s;
    return target()->LinkFile(from, to, options, debug);
  }

  IOStatus DeleteFile(const std::string& name,
                      const rocksdb::IOOptions& options,
                      rocksdb::IODebugContext* debug) override {
    FileAccess access;
    if (IOStatus s = CheckHolding(name, &access); !s.ok()) return s;
    return target()->DeleteFile(name, options, debug);
  }

  // Makes the directory of a checkpoint: the store's own one is there.
  IOStatus CreateDir(const std::string& name, const rocksdb::IOOptions& options,
                     rocksdb::IODebugContext* debug) override {
    IOStatus made = target()->CreateDir(name, options, debug);
    if (made.ok()) CopyDirectoryAccess(directory_->work_path(), name);
    return made;
  }

 private:
  static IOStatus Lock(const std::string& name, rocksdb::FileLock** lock) {
    std::unique_ptr<actorkv::LockFile> file;
    Status s = actorkv::LockFile::Open(name, /*create=*/true, &file);
    bool locked = false;
    if (s.ok()) {
      s = file->TryLock(DatabaseLock::kByte,
                        actorkv::LockFile::Kind::kExclusive, &locked);
    }
    if (!s.ok()) return IOStatus::IOError(std::string(s.message()));
    if (!locked) return IOStatus::IOError("another process has the lock", name);
    *lock = new DatabaseLock(std::move(file));
    return IOStatus::OK();
  }

  IOStatus CheckHolding(const std::string& name, FileAccess* access) const {
    if (directory_->IsHolding(access)) return IOStatus::OK();
    return IOStatus::IOError(
        "the directory does not hold the store that was opened any more", name);
  }

  // Runs `make`, which makes the file `name`, or opens it for writing.
  template <typename MakeFile>
  IOStatus Make(const std::string& name, const MakeFile& make) const {
    FileAccess access;
    if (IOStatus s = CheckHolding(name, &access); !s.ok()) return s;
    if (Status s = CheckPlainFile(name); !s.ok()) {
      return IOStatus::IOError(std::string(s.message()));
    }
    IOStatus made = make();
    // Access is given before RocksDB writes to the file: invariant 2.
    if (made.ok()) GiveAccess(name, access);
    return made;
  }

  const std::shared_ptr<const OpenedDirectory> directory_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> NewStoreFileSystem(
    const std::shared_ptr<rocksdb::FileSystem>& base,
    std::shared_ptr<const OpenedDirectory> directory) {
  return std::make_shared<StoreFileSystem>(base, std::move(directory));
}

}  // namespace actorkv
