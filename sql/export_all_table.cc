#include "sql/export_all_table.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "kv/catalog.h"
#include "kv/store_directory.h"
#include "sql/export.h"
#include "sql/table.h"
#include "sql/target.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(actor TEXT, state TEXT, bytes INTEGER,"
    " duration_ms INTEGER, error TEXT, dir TEXT HIDDEN, form TEXT HIDDEN)";

enum ColumnIndex { kActor, kState, kBytes, kDuration, kError, kDir, kForm };

// Of the file of an actor in a directory.
const char* SuffixOf(ExportForm form) {
  switch (form) {
    case ExportForm::kDatabase:
      return ".db";
    case ExportForm::kJsonLines:
      return ".jsonl";
    case ExportForm::kKvBin:
      return ".kv.bin";
    case ExportForm::kArchive:
      return "";
  }
  return "";
}

class ExportAllRows : public RowSource {
 public:
  ExportAllRows(Connection* connection, std::shared_ptr<Store> store,
                std::string directory, ExportForm form)
      : connection_(connection),
        store_(std::move(store)),
        directory_(std::move(directory)),
        form_(form) {}

  // An actor that cannot be exported is a row with its error; the others go on.
  Status Next(bool* has_row) override {
    using Steady = std::chrono::steady_clock;
    std::shared_ptr<const HeadState> state;
    do {
      if (Status s = connection_->KeepOn(); !s.ok()) return s;
      Status s = NextActor(store_.get(), next_name_, has_row, &name_, &state);
      if (!*has_row) return name_.empty() ? s : Status::Ok();
      next_name_ = NameAfter(name_);
      outcome_ = std::move(s);
    } while (outcome_.ok() && !state->exists && !state->is_legacy);
    const Steady::time_point begin = Steady::now();
    if (outcome_.ok()) outcome_ = Export();
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
        return result->Text(outcome_.ok() ? "exported" : "failed");
      case kBytes:
        if (outcome_.ok()) result->Int(bytes_);
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
  Status Export() {
    ExportedActor actor;
    if (Status s = LoadForExport({store_, name_}, "head", &actor); !s.ok())
      return s;
    ImageTarget file;
    file.path = form_ == ExportForm::kArchive
                    ? directory_
                    : directory_ + "/" + name_ + SuffixOf(form_);
    return ExportActor(*connection_, actor, form_, file, &bytes_);
  }

  Connection* const connection_;
  const std::shared_ptr<Store> store_;
  const std::string directory_;
  const ExportForm form_;
  std::string next_name_;
  std::string name_;
  uint64_t bytes_ = 0;
  uint64_t duration_ms_ = 0;
  Status outcome_;
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
    if (Status s = MakeDirectory(directory); !s.ok()) return s;
  }
  *rows = std::make_unique<ExportAllRows>(connection, std::move(store),
                                          std::move(directory), form);
  return Status::Ok();
}

constexpr TableSpec kExportAll = {
    "actorkv_export_all", kDeclaration, kDir, 2, OpenRows, Effects::kDurable};

}  // namespace

int RegisterExportAllTable(Connection* connection) {
  return RegisterTables<kExportAll>(connection);
}

}  // namespace actorkv
