#include "sql/transfer/transfer_functions.h"

#include <memory>
#include <string>

#include "kv/files/file_target.h"
#include "sql/bind/function.h"
#include "sql/bind/target.h"
#include "sql/transfer/export.h"
#include "sql/transfer/import_one.h"

namespace actorkv {

namespace {

Status ReadImportAs(const Call& call, ImportAs* as) {
  std::string text;
  if (call.IsNull(2)) return Status::Ok();
  if (Status s = call.Text(2, "the option", &text); !s.ok()) return s;
  return ParseImportAs(text, as);
}

Status Import(Call* call) {
  std::string actor;
  std::string path;
  std::string absolute;
  FileOptions options;
  if (Status s = call->Text(0, "actor", &actor); !s.ok()) return s;
  if (Status s = call->Text(1, "path", &path); !s.ok()) return s;
  if (Status s = ReadImportAs(*call, &options.as); !s.ok()) return s;
  // The path is made absolute here, where the process has the current directory
  // that the user means.
  if (Status s = AbsolutePath(path, &absolute); !s.ok()) return s;
  Connection* const connection = call->connection();
  const auto target = [&](Target* found) {
    // The target is resolved when the source is known to be good: only then a
    // store is made for it.
    return ResolveTarget(connection, actor, StoreUse::kCreate, found);
  };
  ImportedActor imported;
  if (Status s = ImportOne(connection, target, absolute, options, &imported);
      !s.ok()) {
    return s;
  }
  call->result().Int(imported.page_count);
  return Status::Ok();
}

Status ReadForm(const Call& call, ExportForm* form) {
  std::string text;
  *form = ExportForm::kDatabase;
  if (!call.IsNull(2)) {
    if (Status s = call.Text(2, "form", &text); !s.ok()) return s;
    if (Status s = ParseExportForm(text, form); !s.ok()) return s;
  }
  return Status::Ok();
}

Status ReadFile(const Call& call, ExportForm form, ImageTarget* file) {
  std::string path;
  if (Status s = call.Text(1, "path", &path); !s.ok()) return s;
  if (Status s = AbsolutePath(path, &file->path); !s.ok()) return s;
  if (!call.IsNull(4)) {
    if (Status s = call.Flag(4, "overwrite", &file->overwrite); !s.ok()) {
      return s;
    }
  }
  // An archive is a directory, to which an actor is added.
  if (form == ExportForm::kArchive) return Status::Ok();
  // The place is looked at before the actor is read: an export that cannot be
  // written says so at once.
  FileTarget ignored;
  Status found = FindFileTarget(file->path, file->overwrite, &ignored);
  if (found.code() != Code::kAlreadyExists) return found;
  return Status::AlreadyExists(std::string(found.message()) +
                               ": to replace it give overwrite = 1, as in "
                               "actorkv_export(actor, path, 'db', 'head', 1)");
}

Status ReadPairsFrom(const Call& call, ExportForm form, PairsFrom* from) {
  std::string text;
  if (call.IsNull(5)) return Status::Ok();
  if (Status s = call.Text(5, "the option", &text); !s.ok()) return s;
  if (Status s = ParsePairsFrom(text, from); !s.ok()) return s;
  if (form != ExportForm::kDatabase && form != ExportForm::kSalvage) {
    return Status::Ok();
  }
  return Status::InvalidArgument(
      "a plain file has all tables of the actor: '" + text +
      "' is for the forms of pairs, 'jsonl', 'kv.bin' and 'archive'");
}

Status Export(Call* call) {
  std::string name;
  std::string point = "head";
  ExportForm form = ExportForm::kDatabase;
  PairsFrom from = PairsFrom::kStored;
  ImageTarget file;
  Target target;
  ExportedActor actor;
  uint64_t bytes = 0;
  if (Status s = call->Text(0, "actor", &name); !s.ok()) return s;
  // Arguments are read before anything is opened: a misspelt form costs
  // nothing.
  if (Status s = ReadForm(*call, &form); !s.ok()) return s;
  if (!call->IsNull(3)) {
    if (Status s = call->Text(3, "point", &point); !s.ok()) return s;
  }
  if (Status s = ReadPairsFrom(*call, form, &from); !s.ok()) return s;
  if (Status s = ReadFile(*call, form, &file); !s.ok()) return s;
  Connection* const connection = call->connection();
  if (Status s = ResolveTarget(connection, name, StoreUse::kRead, &target);
      !s.ok()) {
    return s;
  }
  if (Status s = LoadForExport(target, point, &actor); !s.ok()) return s;
  actor.pairs_from = from;
  if (Status s = ExportActor(*connection, actor, form, file, &bytes); !s.ok()) {
    return s.WithContext("actor=" + target.actor);
  }
  call->result().Int(bytes);
  return Status::Ok();
}

constexpr FunctionSpec kImport = {"actorkv_import",
                                  "actor, path [, 'pairs', 'db' or 'opaque']",
                                  2,
                                  3,
                                  Effects::kStore,
                                  Import};
constexpr FunctionSpec kExport = {
    "actorkv_export",
    "actor, path [, form [, point [, overwrite [, 'tables' or "
    "'rivet-tables']]]]",
    2,
    6,
    Effects::kFile,
    Export};

}  // namespace

int RegisterTransferFunctions(Connection* connection) {
  return RegisterFunctions<kImport, kExport>(connection);
}

}  // namespace actorkv
