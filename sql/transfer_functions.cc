#include "sql/transfer_functions.h"

#include <sys/stat.h>

#include <memory>
#include <string>

#include "kv/image.h"
#include "sql/function.h"
#include "sql/import.h"
#include "sql/target.h"

namespace actorkv {

namespace {

bool IsThere(const std::string& path) {
  struct stat file = {};
  return lstat(path.c_str(), &file) == 0;
}

Status Import(Call* call) {
  std::string actor;
  std::string path;
  std::string absolute;
  uint64_t page_count = 0;
  if (Status s = call->Text(0, "actor", &actor); !s.ok()) return s;
  if (Status s = call->Text(1, "path", &path); !s.ok()) return s;
  if (Status s = AbsolutePath(path, &absolute); !s.ok()) return s;
  if (Status s = ImportFile(call->connection(), actor, absolute, &page_count);
      !s.ok()) {
    return s;
  }
  call->result().Int(page_count);
  return Status::Ok();
}

// The forms and points of later versions.
Status CheckFormAndPoint(const Call& call) {
  std::string text;
  if (!call.IsNull(2)) {
    if (Status s = call.Text(2, "form", &text); !s.ok()) return s;
    if (text != "db") {
      return Status::NotSupported("form '" + text +
                                  "' is not supported in this version; 'db' "
                                  "or NULL writes a plain SQLite file");
    }
  }
  if (call.IsNull(3)) return Status::Ok();
  if (Status s = call.Text(3, "point", &text); !s.ok()) return s;
  if (text == "head") return Status::Ok();
  return Status::NotSupported("point '" + text +
                              "' is not supported in this version; 'head' or "
                              "NULL exports the newest commit");
}

// SQLite would apply what such a file holds to the new database.
Status CheckNoSidecars(const std::string& path) {
  for (const char* suffix : {"-wal", "-journal"}) {
    if (IsThere(path + suffix)) {
      return Status::AlreadyExists(
          "there is " + path + suffix +
          ", which SQLite would apply to the exported file: remove it first");
    }
  }
  return Status::Ok();
}

Status ReadTarget(const Call& call, ImageTarget* file) {
  std::string path;
  if (Status s = call.Text(1, "path", &path); !s.ok()) return s;
  if (Status s = AbsolutePath(path, &file->path); !s.ok()) return s;
  if (Status s = CheckFormAndPoint(call); !s.ok()) return s;
  if (!call.IsNull(4)) {
    if (Status s = call.Flag(4, "overwrite", &file->overwrite); !s.ok()) {
      return s;
    }
  }
  if (!file->overwrite && IsThere(file->path)) {
    return Status::AlreadyExists("it exists already: " + file->path +
                                 ": to replace it give overwrite = 1, as in "
                                 "actorkv_export(actor, path, 'db', 'head', "
                                 "1)");
  }
  return CheckNoSidecars(file->path);
}

Status Export(Call* call) {
  std::string actor;
  ImageTarget file;
  Target target;
  std::shared_ptr<const HeadState> state;
  uint64_t bytes = 0;
  if (Status s = call->Text(0, "actor", &actor); !s.ok()) return s;
  if (Status s = ReadTarget(*call, &file); !s.ok()) return s;
  Connection* const connection = call->connection();
  if (Status s = ResolveTarget(connection, actor, StoreUse::kRead, &target);
      !s.ok()) {
    return s;
  }
  if (Status s = LoadExisting(target, &state); !s.ok()) return s;
  if (Status s = WriteImage(
          target.store->engine(), *state, file,
          [connection] { return connection->KeepOn(); }, &bytes);
      !s.ok()) {
    return s.WithContext("actor=" + target.actor);
  }
  call->result().Int(bytes);
  return Status::Ok();
}

constexpr FunctionSpec kImport = {"actorkv_import",  "actor, path", 2, 2,
                                  Effects::kDurable, Import};
constexpr FunctionSpec kExport = {
    "actorkv_export",
    "actor, path [, form [, point [, overwrite]]]",
    2,
    5,
    Effects::kDurable,
    Export};

}  // namespace

int RegisterTransferFunctions(Connection* connection) {
  return RegisterFunctions<kImport, kExport>(connection);
}

}  // namespace actorkv
