#include "sql/import_all_table.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "sql/import_pairs.h"
#include "sql/table.h"
#include "sql/target.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(actor TEXT, state TEXT, bytes INTEGER,"
    " duration_ms INTEGER, error TEXT, dir TEXT HIDDEN)";

enum ColumnIndex { kActor, kState, kBytes, kDuration, kError, kDir };

class ImportAllRows : public RowSource {
 public:
  ImportAllRows(Connection* connection, std::unique_ptr<DirectoryImport> import)
      : connection_(connection), import_(std::move(import)) {}

  // An actor that cannot be imported is a row with its error; the others go on.
  Status Next(bool* has_row) override {
    using Steady = std::chrono::steady_clock;
    if (Status s = connection_->KeepOn(); !s.ok()) return s;
    const Steady::time_point begin = Steady::now();
    if (Status s = import_->Next(&name_, has_row, &imported_, &outcome_);
        !s.ok()) {
      return s;
    }
    duration_ms_ = static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() -
                                                              begin)
            .count());
    return connection_->KeepOn();
  }

  void Column(int index, Result* result) const override {
    switch (index) {
      case kActor:
        return result->Text(name_);
      case kState:
        return result->Text(outcome_.ok() ? LegacyStateName(imported_.state)
                                          : "failed");
      case kBytes:
        if (outcome_.ok()) result->Int(imported_.bytes);
        return;
      case kDuration:
        return result->Int(duration_ms_);
      case kError:
        if (!outcome_.ok()) result->Text(outcome_.ToString());
        return;
      default:
        return;
    }
  }

 private:
  Connection* const connection_;
  const std::unique_ptr<DirectoryImport> import_;
  std::string name_;
  ImportedActor imported_;
  Status outcome_;
  uint64_t duration_ms_ = 0;
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
  if (Status s = connection->OpenDefaultStore(StoreUse::kCreate, &store);
      !s.ok()) {
    return s;
  }
  if (Status s = DirectoryImport::Open(connection, store, path, &import);
      !s.ok()) {
    return s;
  }
  *rows = std::make_unique<ImportAllRows>(connection, std::move(import));
  return Status::Ok();
}

constexpr TableSpec kImportAll = {
    "actorkv_import_all", kDeclaration, kDir, 1, OpenRows, Effects::kDurable};

}  // namespace

int RegisterImportAllTable(Connection* connection) {
  return RegisterTables<kImportAll>(connection);
}

}  // namespace actorkv
