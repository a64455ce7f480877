#include "sql/transfer/import_all_table.h"

#include <memory>
#include <string>
#include <utility>

#include "sql/bind/outcome_rows.h"
#include "sql/bind/target.h"
#include "sql/transfer/directory_import.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(actor TEXT, state TEXT, bytes INTEGER,"
    " duration_ms INTEGER, error TEXT, form TEXT, dir TEXT HIDDEN)";

constexpr int kDir = kOutcomeColumnCount + 1;

class ImportAllRows : public OutcomeRows {
 public:
  ImportAllRows(Connection* connection, const Store& store,
                std::unique_ptr<DirectoryImport> import)
      : OutcomeRows(connection, store), import_(std::move(import)) {}

 private:
  Status Work(ActorOutcome* outcome, bool* has_row) override {
    // An actor that cannot be imported is a row, and the next one is tried.
    DirectoryImport::Outcome made;
    if (Status s = import_->Next(&made, has_row); !s.ok()) return s;
    outcome->actor = std::move(made.name);
    outcome->skipped = made.skipped;
    outcome->status = std::move(made.status);
    outcome->state = LegacyStateName(made.imported.state);
    outcome->bytes = made.imported.bytes;
    outcome->form = made.imported.form;
    return Status::Ok();
  }

  const std::unique_ptr<DirectoryImport> import_;
};

Status OpenRows(Connection* connection, const TableArguments& arguments,
                std::unique_ptr<RowSource>* rows) {
  if (!arguments[0].has_value()) {
    return Status::InvalidArgument(
        "which directory? Write SELECT * FROM actorkv_import_all('dir')");
  }
  std::string path;
  std::shared_ptr<Store> store;
  std::unique_ptr<DirectoryImport> import;
  if (Status s = AbsolutePath(*arguments[0], &path); !s.ok()) return s;
  // The store comes before the directory: with an unknown one there is nothing
  // to import into.
  if (Status s = connection->OpenDefaultStore(StoreUse::kCreate, &store);
      !s.ok()) {
    return s;
  }
  if (Status s = DirectoryImport::Open(connection, store, path, &import);
      !s.ok()) {
    return s;
  }
  *rows =
      std::make_unique<ImportAllRows>(connection, *store, std::move(import));
  return Status::Ok();
}

constexpr TableSpec kImportAll = {
    "actorkv_import_all", kDeclaration, kDir, 1, OpenRows, Effects::kStore};

}  // namespace

int RegisterImportAllTable(Connection* connection) {
  return RegisterTables<kImportAll>(connection);
}

}  // namespace actorkv
