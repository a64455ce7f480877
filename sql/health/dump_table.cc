#include "sql/health/dump_table.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/base/hex.h"
#include "kv/inspect/dump.h"
#include "sql/bind/table.h"
#include "sql/bind/target.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(partition TEXT, key TEXT, record TEXT, bytes INTEGER,"
    " sound INTEGER, problem TEXT, key_hex TEXT, target TEXT HIDDEN,"
    " prefix TEXT HIDDEN)";

enum ColumnIndex {
  kPartition,
  kKey,
  kRecord,
  kBytes,
  kSound,
  kProblem,
  kKeyHex,
  kTarget,
};

class DumpRows : public RowSource {
 public:
  DumpRows(Connection* connection, std::shared_ptr<Store> store,
           std::unique_ptr<Dump> dump)
      : connection_(connection),
        store_(std::move(store)),
        dump_(std::move(dump)) {}

  Status Next(bool* has_row) override {
    ++row_;
    // A step may give no row, where keys do not fit the prefix: each is a
    // chance to be interrupted.
    while (row_ >= rows_.size() && !done_) {
      if (Status s = connection_->KeepOn(); !s.ok()) return s;
      row_ = 0;
      rows_.clear();
      if (Status s = dump_->Step(&rows_, &done_); !s.ok()) return s;
    }
    *has_row = row_ < rows_.size();
    return Status::Ok();
  }

  void Column(int index, Result* result) const override {
    const DumpRow& row = rows_[row_];
    switch (index) {
      case kPartition:
        return result->Text(PartitionText(row.partition));
      case kKey:
        return result->Text(row.key);
      case kRecord:
        return result->Text(row.record.json);
      case kBytes:
        return result->Int(row.value_bytes);
      case kSound:
        return result->Int(row.record.problem.ok() ? 1 : 0);
      case kProblem:
        if (row.record.problem.ok()) return;
        return result->ErrorText(row.record.problem.ToString());
      case kKeyHex:
        // The key byte by byte as well, for those who compare it with
        // kv/FORMAT.md.
        return result->Text(ToHex(row.raw_key));
      default:
        return;
    }
  }

 private:
  Connection* const connection_;
  const std::shared_ptr<Store> store_;  // keeps the engine of the dump
  const std::unique_ptr<Dump> dump_;
  std::vector<DumpRow> rows_;
  size_t row_ = 0;
  bool done_ = false;
};

Status OpenRows(Connection* connection, const TableArguments& arguments,
                std::unique_ptr<RowSource>* rows) {
  Target target;
  Status s =
      arguments[0].has_value()
          ? ResolveTarget(connection, *arguments[0], StoreUse::kRead, &target)
          : connection->OpenDefaultStore(StoreUse::kRead, &target.store);
  if (!s.ok()) return s;
  // The prefix is of the text of a key, as the table shows it: nobody has to
  // know the bytes.
  auto dump = std::make_unique<Dump>(target.engine(), target.store_path(),
                                     arguments[1].value_or(""));
  if (arguments[0].has_value()) s = dump->Select(target.actor);
  if (!s.ok()) return s;
  *rows = std::make_unique<DumpRows>(connection, target.store, std::move(dump));
  return Status::Ok();
}

constexpr TableSpec kDump = {"actorkv_dump", kDeclaration, kTarget, 2,
                             OpenRows};

}  // namespace

int RegisterDumpTable(Connection* connection) {
  return RegisterTables<kDump>(connection);
}

}  // namespace actorkv
