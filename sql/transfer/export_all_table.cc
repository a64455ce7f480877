#include "sql/transfer/export_all_table.h"

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "kv/files/directory.h"
#include "sql/bind/actor_walk.h"
#include "sql/bind/outcome_rows.h"
#include "sql/bind/target.h"
#include "sql/transfer/export.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(actor TEXT, state TEXT, bytes INTEGER,"
    " duration_ms INTEGER, error TEXT, dir TEXT HIDDEN, form TEXT HIDDEN)";

constexpr int kDir = kOutcomeColumnCount;

// Returns how the name of an actor's file in a directory ends.
const char* SuffixOf(ExportForm form) {
  switch (form) {
    case ExportForm::kDatabase:
      return ".db";
    case ExportForm::kSalvage:
      return ".salvage.db";
    case ExportForm::kJsonLines:
      return ".jsonl";
    case ExportForm::kKvBin:
      return ".kv.bin";
    case ExportForm::kArchive:
      return "";
  }
  return "";
}

class ExportAllRows : public OutcomeRows {
 public:
  ExportAllRows(Connection* connection, std::shared_ptr<Store> store,
                std::string directory, ExportForm form)
      : OutcomeRows(connection, *store),
        walk_(std::move(store)),
        directory_(std::move(directory)),
        form_(form) {}

 private:
  Status Work(ActorOutcome* outcome, bool* has_row) override {
    do {
      if (Status s = walk_.Next(has_row); !s.ok() || !*has_row) return s;
    } while (walk_.is_deleted());
    outcome->actor = walk_.name();
    outcome->status = walk_.status();
    if (outcome->status.ok()) {
      outcome->status = Export(outcome->actor, &outcome->bytes);
    }
    outcome->state = "exported";
    return Status::Ok();
  }

  Status Export(const std::string& name, uint64_t* bytes) {
    ExportedActor actor;
    // Each actor is read when its turn comes: there is no moment of all of
    // them, for which there is actorkv_backup().
    if (Status s = LoadForExport({walk_.store(), name}, "head", &actor);
        !s.ok()) {
      return s;
    }
    ImageTarget file;
    // Names of actors have no slash, so that each is a file name in the
    // directory.
    file.path = form_ == ExportForm::kArchive
                    ? directory_
                    : directory_ + "/" + name + SuffixOf(form_);
    return ExportActor(*connection(), actor, form_, file, bytes);
  }

  ActorWalk walk_;
  const std::string directory_;
  const ExportForm form_;
};

Status OpenRows(Connection* connection, const TableArguments& arguments,
                std::unique_ptr<RowSource>* rows) {
  if (!arguments[0].has_value()) {
    return Status::InvalidArgument(
        "into which directory? Write SELECT * FROM actorkv_export_all('dir' "
        "[, form])");
  }
  std::string directory;
  ExportForm form = ExportForm::kDatabase;
  std::shared_ptr<Store> store;
  if (Status s = AbsolutePath(*arguments[0], &directory); !s.ok()) return s;
  if (Status s = ParseExportForm(arguments[1].value_or("db"), &form); !s.ok()) {
    return s;
  }
  if (Status s = connection->OpenDefaultStore(StoreUse::kRead, &store);
      !s.ok()) {
    return s;
  }
  if (form != ExportForm::kArchive) {
    // An archive makes its own directory, and looks whether it may.
    if (Status s = MakeDirectory(directory); !s.ok()) return s;
    // A file may have the name, which MakeDirectory() takes for a directory
    // that is there.
    std::error_code ignored;
    if (!std::filesystem::is_directory(directory, ignored)) {
      return Status::InvalidArgument("not a directory: " + directory);
    }
  }
  *rows = std::make_unique<ExportAllRows>(connection, std::move(store),
                                          std::move(directory), form);
  return Status::Ok();
}

constexpr TableSpec kExportAll = {
    "actorkv_export_all", kDeclaration, kDir, 2, OpenRows, Effects::kFile};

}  // namespace

int RegisterExportAllTable(Connection* connection) {
  return RegisterTables<kExportAll>(connection);
}

}  // namespace actorkv
