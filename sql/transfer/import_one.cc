#include "sql/transfer/import_one.h"

#include "kv/rivet/container.h"
#include "sql/transfer/import_pairs.h"

namespace actorkv {

Status ParseImportAs(const std::string& text, ImportAs* as) {
  if (text == "pairs") {
    *as = ImportAs::kPairs;
  } else if (text == "db") {
    *as = ImportAs::kDatabase;
  } else {
    return Status::InvalidArgument("no option '" + text +
                                   "': it is 'pairs', 'db' or left out");
  }
  return Status::Ok();
}

Status ImportOne(Connection* connection, const FindTarget& find_target,
                 const std::string& path, const FileOptions& options,
                 ImportedActor* imported) {
  Container container;
  // What a file is, its first bytes say. Its name may be anything.
  if (Status s = RecogniseContainer(path, &container); !s.ok()) return s;
  switch (container.form) {
    case ContainerForm::kJsonLines:
    case ContainerForm::kKvBin:
      if (options.as == ImportAs::kDatabase) {
        return Status::InvalidArgument(
            "it is " + std::string(FormName(container.form)) +
            ", and no database: leave 'db' out: " + path);
      }
      return ImportDump(connection, find_target, path, container.form,
                        imported);
    // Each other form gets an error that names the call which takes it.
    case ContainerForm::kArchive:
    case ContainerForm::kDriverStore:
    case ContainerForm::kRivetEngine:
      return Status::InvalidArgument(
          "it holds more than one actor: SELECT * FROM "
          "actorkv_import_all(path): " +
          path);
    case ContainerForm::kActorkvStore:
      return Status::InvalidArgument("it is a store: " + StoreAdvice(path));
    case ContainerForm::kActorFiles:
      return Status::InvalidArgument(
          "not a file: " + path +
          ": a directory of actors' files: SELECT * FROM "
          "actorkv_import_all(path)");
    case ContainerForm::kEmptyDirectory:
    case ContainerForm::kOtherDirectory:
      return Status::InvalidArgument("not a file: " + path);
    case ContainerForm::kSqliteBin:
      return Status::InvalidArgument(
          "it is " + std::string(FormName(container.form)) +
          ", and comes in with that: SELECT * FROM actorkv_import_all(path of "
          "the archive): " +
          path);
    // Whatever is left is opened as a database, whose errors say more than a
    // form does.
    case ContainerForm::kEmpty:
    case ContainerForm::kSqlite:
    case ContainerForm::kUnknown:
      break;
  }
  // A dump that was cut to nothing before it was packed is no database without
  // pages either.
  if (container.gzip && container.form == ContainerForm::kEmpty) {
    return Status::InvalidArgument("gzip of an empty file: " + path);
  }
  if (container.gzip) {
    return Status::InvalidArgument("it is packed, unpack it with gunzip: " +
                                   path);
  }
  // SQLite knows best what is wrong with a file that is no database.
  return ImportFile(connection, find_target, path, options, imported);
}

std::string StoreAdvice(const std::string& path) {
  return "open its actors as file:" + path +
         "/ACTOR?vfs=actorkv; to bring one into another store, SELECT "
         "actorkv_export('" +
         path +
         "/ACTOR', 'ACTOR.db') and import that file; to bring all, SELECT "
         "actorkv_store('" +
         path +
         "') and SELECT * FROM actorkv_export_all('DIR'), then SELECT "
         "actorkv_store() of the other and SELECT * FROM "
         "actorkv_import_all('DIR')";
}

}  // namespace actorkv
