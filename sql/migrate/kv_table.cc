#include "sql/migrate/kv_table.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "kv/rivet/layout_view.h"
#include "kv/rivet/legacy_keys.h"
#include "sql/bind/table.h"
#include "sql/migrate/pair_walk.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(actor TEXT, namespace TEXT, key BLOB, value BLOB,"
    " layout INTEGER, conflict INTEGER, source TEXT)";

enum ColumnIndex {
  kActor,
  kNamespace,
  kKey,
  kValue,
  kLayout,
  kConflict,
  kSource
};

class KvRows : public RowSource {
 public:
  KvRows(std::shared_ptr<Store> store, std::optional<std::string> only)
      : walk_(std::move(store), std::move(only), PairWalkSpec{}) {}

  Status Next(bool* has_row) override {
    bool new_actor = false;
    if (Status s = walk_.Next(has_row, &new_actor); !s.ok() || !*has_row) {
      return s;
    }
    conflict_ = false;
    // Rows of tables are of one layout.
    if (walk_.from_tables()) return Status::Ok();
    if (new_actor) {
      if (Status s = BeginActor(); !s.ok()) {
        return s.WithContext("actor=" + walk_.name());
      }
    }
    return FindConflict();
  }

  void Column(int index, Result* result) const override {
    if (walk_.unmapped().has_value()) return UnmappedColumn(index, result);
    const KeyValue& pair = walk_.pair();
    const bool opaque = walk_.opaque();
    const LegacyKey key =
        opaque ? LegacyKey{} : ParseLegacyKey(pair.key, pair.value);
    switch (index) {
      case kActor:
        return result->Text(walk_.name());
      case kNamespace:
        return result->Text(opaque ? "opaque" : LegacyNamespaceName(key.space));
      case kKey:
        return result->Blob(pair.key);
      case kValue:
        return result->Blob(pair.value);
      case kLayout:
        // NULL where both layouts have the same key.
        if (key.layout == KeyLayout::kSame) return;
        return result->Int(key.layout == KeyLayout::kZero ? 0 : 1);
      case kConflict:
        return result->Int(conflict_ ? 1 : 0);
      case kSource:
        return result->Text(walk_.from_tables() ? "rivet-tables" : "pairs");
      default:
        return;
    }
  }

 private:
  // A row that no pair can hold has no value, and the name of its table and its
  // own key for a key.
  void UnmappedColumn(int index, Result* result) const {
    const UnmappedRow& row = *walk_.unmapped();
    switch (index) {
      case kActor:
        return result->Text(walk_.name());
      case kNamespace:
        return result->Text("no_pair");
      case kKey:
        return result->Blob(row.table + " " + row.key);
      case kConflict:
        return result->Int(0);
      case kSource:
        return result->Text("rivet-tables");
      default:
        return;
    }
  }

  Status BeginActor() {
    const LegacyRecord& record = walk_.legacy()->record;
    // A view of its own, so that looks at the other layout do not take the
    // window of the walk from where it reads.
    others_ = std::make_unique<LegacyPairs>(walk_.engine(), record.legacy);
    constexpr uint8_t kBoth = kHasLayoutZero | kHasLayoutOne;
    has_both_ = (record.layouts & kBoth) == kBoth;
    database_conflict_ = false;
    if (!has_both_) return Status::Ok();
    LayoutReport report;
    // Whether the database is in conflict is known when all its pairs were
    // compared, so that comes before the first row.
    if (Status s = CheckLayouts(others_.get(), &report); !s.ok()) return s;
    database_conflict_ = report.database_conflict_count > 0;
    return Status::Ok();
  }

  // A database is one thing: where a pair of it is in conflict, all are.
  Status FindConflict() {
    if (!has_both_) return Status::Ok();
    if (IsSqliteKey(walk_.pair().key)) {
      conflict_ = database_conflict_;
      return Status::Ok();
    }
    return IsInConflict(others_.get(), walk_.pair(), &conflict_);
  }

  PairWalk walk_;
  std::unique_ptr<LegacyPairs> others_;  // of the actor, to look elsewhere
  bool has_both_ = false;                // layouts
  bool database_conflict_ = false;
  bool conflict_ = false;  // of the row
};

constexpr TableSpec kKv = {"actorkv_kv", kDeclaration, kActor, 0,
                           OpenStoreRows<KvRows>};

}  // namespace

int RegisterKvTable(Connection* connection) {
  return RegisterTables<kKv>(connection);
}

}  // namespace actorkv
