#include "sql/backup_function.h"

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "kv/new_file.h"
#include "kv/store_directory.h"
#include "kv/store_marker.h"
#include "sql/function.h"
#include "sql/target.h"

namespace actorkv {

namespace {

// A directory that is removed with all that is in it, unless Keep() was
// called.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  ~TemporaryDirectory() {
    if (keep_) return;
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
    // Where RocksDB's checkpoint builds what it then renames (7.8).
    std::filesystem::remove_all(path_ + ".tmp", ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  void Keep() { keep_ = true; }

 private:
  const std::string path_;
  bool keep_ = false;
};

Status CheckIsFree(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::symlink_status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    return Status::Ok();
  }
  return Status::AlreadyExists("it exists already: " + path +
                               ": a backup goes to a new directory");
}

Status Backup(Call* call) {
  std::string path;
  std::string absolute;
  if (Status s = call->Text(0, "path", &path); !s.ok()) return s;
  if (Status s = AbsolutePath(path, &absolute); !s.ok()) return s;
  while (absolute.size() > 1 && absolute.back() == '/') absolute.pop_back();
  if (Status s = CheckIsFree(absolute); !s.ok()) return s;
  if (Status s = CheckNotInStore(absolute); !s.ok()) return s;
  std::shared_ptr<Store> store;
  if (Status s = call->connection()->OpenDefaultStore(StoreUse::kOwn, &store);
      !s.ok()) {
    return s;
  }
  // RocksDB's checkpoint takes no word to stop (7.8): an interrupt is heard
  // before it and after it.
  if (Status s = call->connection()->KeepOn(); !s.ok()) return s;
  TemporaryDirectory made(TemporaryName(absolute));
  uint64_t bytes = 0;
  if (Status s = store->engine()->Checkpoint(made.path(), &bytes); !s.ok()) {
    return s;
  }
  if (Status s = call->connection()->KeepOn(); !s.ok()) return s;
  if (Status s = WriteMarker(made.path()); !s.ok()) return s;
  if (Status s = DirectoryBytes(made.path(), &bytes); !s.ok()) return s;
  if (Status s = RenameWithoutReplacing(made.path(), absolute); !s.ok()) {
    return s;
  }
  made.Keep();
  if (Status s = SyncDirectoryOf(absolute); !s.ok()) return s;
  call->result().Int(bytes);
  return Status::Ok();
}

constexpr FunctionSpec kBackup = {"actorkv_backup", "path", 1, 1,
                                  Effects::kFile,   Backup};

}  // namespace

int RegisterBackupFunction(Connection* connection) {
  return RegisterFunctions<kBackup>(connection);
}

}  // namespace actorkv
