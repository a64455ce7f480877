#include "sql/info_table.h"

#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/log_scan.h"
#include "kv/rocksdb_engine.h"
#include "kv/store_directory.h"
#include "kv/types.h"
#include "sql/actor_walk.h"
#include "sql/known_bugs.h"
#include "sql/table.h"
#include "vfs/actor_path.h"
#include "vfs/memory_file.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(name TEXT, value, unit TEXT, level TEXT)";

enum ColumnIndex { kName, kValue, kUnit, kLevel };

constexpr int kMaxQuotaLooks = 1000;

struct Row {
  std::string name;
  std::string text;
  uint64_t number = 0;
  std::string unit;  // of a number; empty: the value is the text
  bool warning = false;
};

class InfoRows : public RowSource {
 public:
  explicit InfoRows(Connection* connection) {
    Versions();
    DefaultStore(connection);
    Limits();
    for (const KnownBug& bug : KnownBugsOf(sqlite3_libversion_number())) {
      rows_.push_back({bug.name, bug.text, 0, "", /*warning=*/true});
    }
  }

  Status Next(bool* has_row) override {
    *has_row = next_ < rows_.size();
    if (*has_row) row_ = &rows_[next_++];
    return Status::Ok();
  }

  void Column(int index, Result* result) const override {
    switch (index) {
      case kName:
        return result->Text(row_->name);
      case kValue:
        if (!row_->unit.empty()) return result->Int(row_->number);
        return result->TextOrNull(row_->text);
      case kUnit:
        return result->TextOrNull(row_->unit);
      case kLevel:
        return result->Text(row_->warning ? "warning" : "info");
      default:
        return;
    }
  }

 private:
  void AddText(std::string name, std::string text) {
    rows_.push_back({std::move(name), std::move(text), 0, "", false});
  }
  void AddNumber(std::string name, uint64_t number, std::string unit) {
    rows_.push_back({std::move(name), "", number, std::move(unit), false});
  }

  void Versions() {
    AddText("actorkv_version", ACTORKV_VERSION);
    AddText("sqlite_version", sqlite3_libversion());
    AddText("sqlite_source_id", sqlite3_sourceid());
    AddText("rocksdb_version", RocksDbVersion());
    AddNumber("store_format", kStoreFormat, "version");
    AddNumber("pid", static_cast<uint64_t>(getpid()), "process");
  }

  // A store that cannot be opened is a row, not an error: the other rows may
  // help to see why.
  void DefaultStore(Connection* connection) {
    std::shared_ptr<Store> store;
    const Status s = connection->OpenDefaultStore(StoreUse::kRead, &store);
    if (!s.ok()) {
      const bool none = connection->store_path().empty() &&
                        s.code() == Code::kInvalidArgument;
      AddText("store", connection->store_path());
      if (!none) rows_.push_back({"store_error", s.ToString(), 0, "", true});
      return;
    }
    AddText("store", store->path());
    AddText("store_access", store->read_only() ? "follows" : "writes");
    AddNumber("store_created_at_ms", store->record().created_at_us / 1000,
              "ms");
    StrandedRecords(store->path());
    SoftQuotas(store);
  }

  // Of the first actors by name, so that this stays a quick look.
  void SoftQuotas(const std::shared_ptr<Store>& store) {
    ActorWalk walk(store);
    for (int i = 0; i < kMaxQuotaLooks; ++i) {
      bool found = false;
      Settings settings;
      if (!walk.Next(&found).ok() || !found) return;
      const HeadState& state = walk.state();
      const ActorId actor = state.entry.actor;
      if (!state.exists) continue;
      if (!store->settings()->Get(store.get(), actor, &settings).ok()) continue;
      const Snapshot& head = state.head.snapshot;
      const uint64_t bytes = uint64_t{head.page_count} * head.page_size;
      if (settings.quota_soft_bytes == 0 || bytes <= settings.quota_soft_bytes)
        continue;
      rows_.push_back({"soft_quota",
                       "actor=" + walk.name() + " has " +
                           std::to_string(bytes) +
                           " bytes, its soft quota is " +
                           std::to_string(settings.quota_soft_bytes),
                       0, "", /*warning=*/true});
    }
  }

  void StrandedRecords(const std::string& directory) {
    std::vector<std::string> names;
    if (!ListNames(directory, kStrandedPrefix, &names).ok()) return;
    for (const std::string& name : names) {
      rows_.push_back({"stranded_log_records",
                       "commits behind a damaged record of the log were not "
                       "replayed; they are kept in " +
                           directory + "/" + name,
                       0, "", /*warning=*/true});
    }
  }

  void Limits() {
    AddNumber("max_actor_name_bytes", kMaxActorNameBytes, "bytes");
    AddNumber("max_path_bytes", kMaxFullNameBytes, "bytes");
    AddNumber("min_page_size", kMinPageSize, "bytes");
    AddNumber("max_page_size", kMaxPageSize, "bytes");
    AddNumber("transaction_memory_bytes", kTransactionMemoryBytes, "bytes");
    AddNumber("journal_memory_bytes", kJournalMemoryBytes, "bytes");
  }

  std::vector<Row> rows_;
  size_t next_ = 0;
  const Row* row_ = nullptr;
};

Status OpenRows(Connection* connection, const TableArguments&,
                std::unique_ptr<RowSource>* rows) {
  *rows = std::make_unique<InfoRows>(connection);
  return Status::Ok();
}

constexpr TableSpec kInfo = {"actorkv_info", kDeclaration, -1, 0, OpenRows};

}  // namespace

int RegisterInfoTable(Connection* connection) {
  return RegisterTables<kInfo>(connection);
}

}  // namespace actorkv
