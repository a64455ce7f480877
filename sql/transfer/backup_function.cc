#include "sql/transfer/backup_function.h"

#include <string>

#include "kv/process/engines.h"
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
  Target target;
  // A backup asks the engine for a checkpoint, which only the process that owns
  // the store can make.
  if (Status s =
          call->connection()->OpenDefaultStore(StoreUse::kOwn, &target.store);
      !s.ok()) {
    return s;
  }
  EngineHome* home = nullptr;
  if (Status s = FindHome(target.store_path(), &home); !s.ok()) return s;
  WorkMeter work = target.BeginWork(WorkKind::kBackup);
  // The engine does it in one call, which tells of no bytes.
  work.Enter("checkpoint");
  uint64_t bytes = 0;
  Status copied = home->BackUp(
      target.store_path(), target.engine(), absolute,
      [call] { return call->connection()->KeepOn(); }, &bytes);
  if (copied.ok()) call->result().Int(bytes);
  return copied;
}

constexpr FunctionSpec kBackup = {"actorkv_backup", "path", 1, 1,
                                  Effects::kFile,   Backup};

}  // namespace

int RegisterBackupFunction(Connection* connection) {
  return RegisterFunctions<kBackup>(connection);
}

}  // namespace actorkv
