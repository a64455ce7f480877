#include "sql/transfer/backup_function.h"

#include <memory>
#include <string>

#include "kv/files/directory.h"
#include "kv/files/file_access.h"
#include "kv/files/file_names.h"
#include "kv/files/new_directory.h"
#include "kv/files/store_marker.h"
#include "sql/bind/function.h"
#include "sql/bind/target.h"

namespace actorkv {

namespace {

Status Backup(Call* call) {
  std::string path;
  std::string absolute;
  if (Status s = call->Text(0, "path", &path); !s.ok()) return s;
  if (Status s = AbsolutePath(path, &absolute); !s.ok()) return s;
  // The directory above is found by the last slash.
  while (absolute.size() > 1 && absolute.back() == '/') absolute.pop_back();
  std::shared_ptr<Store> store;
  if (Status s = call->connection()->OpenDefaultStore(StoreUse::kOwn, &store);
      !s.ok()) {
    return s;
  }
  // RocksDB's checkpoint cannot be stopped (7.8): an interrupt is heard before
  // it and after it.
  if (Status s = call->connection()->KeepOn(); !s.ok()) return s;
  std::unique_ptr<NewDirectory> made;
  Status created =
      NewDirectory::Create(std::string(DirectoryOf(absolute)), absolute, &made);
  if (created.code() == Code::kAlreadyExists) {
    return Status::AlreadyExists(std::string(created.message()) +
                                 ": a backup goes to a new directory");
  }
  if (!created.ok()) return created;
  const std::string content = made->content();
  uint64_t bytes = 0;
  if (Status s = store->engine()->Checkpoint(content, &bytes); !s.ok()) {
    return s;
  }
  if (Status s = call->connection()->KeepOn(); !s.ok()) return s;
  // The copy gets an id of its own: what is done to it is not done to this
  // store.
  if (Status s = WriteMarker(content, AccessIn(store->path())); !s.ok()) {
    return s;
  }
  if (Status s = DirectoryBytes(content, &bytes); !s.ok()) return s;
  // The directory takes its name last, so that half a backup is never found by
  // it.
  if (Status s = made->Finish(); !s.ok()) return s;
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
