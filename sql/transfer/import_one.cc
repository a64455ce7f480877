#include "sql/transfer/import_one.h"

#include "kv/rivet/container.h"
#include "sql/transfer/import_pairs.h"

namespace actorkv {

Status ParseImportAs(const std::string& text, ImportAs* as) {
  if (text == "pairs") {
    *as = ImportAs::kPairs;
  } else if (text == "db") {
    *as = ImportAs::kDatabase;
  } else if (text == "opaque") {
    *as = ImportAs::kOpaque;
  } else {
    return Status::InvalidArgument("no option '" + text +
                                   "': it is 'pairs', 'db', 'opaque' or left "
                                   "out");
  }
  return Status::Ok();
}

namespace {

// Says what to do with what is not the file of one actor; ok for what may be.
// Each other form gets an error that names the call which takes it.
Status CheckIsOneActor(const Container& container, const std::string& path) {
  switch (container.form) {
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
    // Whatever is left is a dump, or is opened as a database, whose errors say
    // more than a form does.
    case ContainerForm::kJsonLines:
    case ContainerForm::kKvBin:
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
  return Status::Ok();
}

bool IsDump(const Container& container) {
  return container.form == ContainerForm::kJsonLines ||
         container.form == ContainerForm::kKvBin;
}

Status CheckIsDump(const Container& container, const std::string& path) {
  if (Status s = CheckIsOneActor(container, path); !s.ok()) return s;
  if (IsDump(container)) return Status::Ok();
  const std::string what = "it is " + std::string(FormName(container.form)) +
                           ", and no dump of pairs: ";
  if (container.form == ContainerForm::kSqlite && !container.gzip) {
    return Status::InvalidArgument(
        what + "ATTACH it, and read the pairs from its table: " + path);
  }
  return Status::InvalidArgument(what + path);
}

// Says whether a file can be what it is to be taken for.
Status CheckFits(const Container& container, ImportAs as,
                 const std::string& path) {
  if (as == ImportAs::kOpaque) return CheckIsDump(container, path);
  if (as == ImportAs::kDatabase && IsDump(container)) {
    return Status::InvalidArgument(
        "it is " + std::string(FormName(container.form)) +
        ", and no database: leave 'db' out: " + path);
  }
  return CheckIsOneActor(container, path);
}

}  // namespace

Status CheckIsDump(const std::string& path) {
  Container container;
  if (Status s = RecogniseContainer(path, &container); !s.ok()) return s;
  return CheckIsDump(container, path);
}

Status ImportOne(Connection* connection, const FindTarget& find_target,
                 const std::string& path, const FileOptions& options,
                 ImportedActor* imported) {
  Container container;
  // What a file is, its first bytes say. Its name may be anything.
  if (Status s = RecogniseContainer(path, &container); !s.ok()) return s;
  Status s = CheckFits(container, options.as, path);
  if (!s.ok()) return s;
  if (IsDump(container)) {
    DumpFile dump;
    dump.path = path;
    dump.form = container.form;
    dump.opaque = options.as == ImportAs::kOpaque;
    return ImportDump(connection, find_target, dump, imported);
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
