#include "sql/transfer/pairs_table.h"

#include <memory>
#include <string>
#include <utility>

#include "kv/rivet/container.h"
#include "sql/bind/table.h"
#include "sql/bind/target.h"
#include "sql/transfer/import_one.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(key BLOB, value BLOB, path TEXT HIDDEN)";

enum ColumnIndex { kKey, kValue, kPath };

class DumpRows : public RowSource {
 public:
  explicit DumpRows(std::unique_ptr<PairSource> pairs)
      : pairs_(std::move(pairs)) {}

  Status Next(bool* has_row) override { return pairs_->Next(&pair_, has_row); }

  void Column(int index, Result* result) const override {
    switch (index) {
      case kKey:
        return result->Blob(pair_.key);
      case kValue:
        return result->Blob(pair_.value);
      default:
        return;
    }
  }

 private:
  const std::unique_ptr<PairSource> pairs_;
  KeyValue pair_;
};

Status OpenRows(Connection* /*connection*/, const TableArguments& arguments,
                std::unique_ptr<RowSource>* rows) {
  if (!arguments[0].has_value()) {
    return Status::InvalidArgument(
        "of which dump? Write SELECT * FROM actorkv_pairs('path')");
  }
  std::string path;
  std::unique_ptr<PairSource> pairs;
  if (Status s = AbsolutePath(*arguments[0], &path); !s.ok()) return s;
  if (Status s = CheckIsDump(path); !s.ok()) return s;
  if (Status s = OpenDump(path, &pairs); !s.ok()) return s;
  *rows = std::make_unique<DumpRows>(std::move(pairs));
  return Status::Ok();
}

constexpr TableSpec kPairs = {"actorkv_pairs", kDeclaration, kPath, 1,
                              OpenRows};

}  // namespace

int RegisterPairsTable(Connection* connection) {
  return RegisterTables<kPairs>(connection);
}

}  // namespace actorkv
