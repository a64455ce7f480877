#include "sql/actors/kv_table.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "kv/rivet/layout_view.h"
#include "kv/rivet/legacy_keys.h"
#include "sql/bind/actor_walk.h"
#include "sql/bind/table.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(actor TEXT, namespace TEXT, key BLOB, value BLOB,"
    " layout INTEGER, conflict INTEGER)";

enum ColumnIndex { kActor, kNamespace, kKey, kValue, kLayout, kConflict };

class KvRows : public RowSource {
 public:
  KvRows(std::shared_ptr<Store> store, std::optional<std::string> only)
      : walk_(std::move(store), std::move(only)) {}

  Status Next(bool* has_row) override {
    for (;;) {
      // Pairs are sought one after the other and not held: an actor may have
      // more than fit into memory.
      if (pairs_ != nullptr) {
        if (Status s = pairs_->Seek(from_, &pair_); !s.ok()) {
          return s.WithContext("actor=" + actor_.name);
        }
        *has_row = pair_.has_value();
        if (*has_row) {
          // The least key behind this one.
          from_ = pair_->key + '\0';
          return FindConflict();
        }
      }
      if (Status s = walk_.Next(&actor_, has_row); !s.ok()) return s;
      if (!*has_row) return Status::Ok();
      if (Status s = Begin(); !s.ok()) {
        return s.WithContext("actor=" + actor_.name);
      }
    }
  }

  void Column(int index, Result* result) const override {
    const bool opaque = actor_.record.opaque();
    const LegacyKey key =
        opaque ? LegacyKey{} : ParseLegacyKey(pair_->key, pair_->value);
    switch (index) {
      case kActor:
        return result->Text(actor_.name);
      case kNamespace:
        return result->Text(opaque ? "opaque" : LegacyNamespaceName(key.space));
      case kKey:
        return result->Blob(pair_->key);
      case kValue:
        return result->Blob(pair_->value);
      case kLayout:
        // NULL where both layouts have the same key.
        if (key.layout == KeyLayout::kSame) return;
        return result->Int(key.layout == KeyLayout::kZero ? 0 : 1);
      case kConflict:
        return result->Int(conflict_ ? 1 : 0);
      default:
        return;
    }
  }

 private:
  // Goes on with the pairs of actor_.
  Status Begin() {
    Engine* const engine = walk_.engine();
    const LegacyId legacy = actor_.record.legacy;
    pairs_ = std::make_unique<LegacyPairs>(engine, legacy);
    // A second view, so that looks at the other layout do not take the window
    // of the first from where it reads.
    others_ = std::make_unique<LegacyPairs>(engine, legacy);
    from_.clear();
    constexpr uint8_t kBoth = kHasLayoutZero | kHasLayoutOne;
    has_both_ = (actor_.record.layouts & kBoth) == kBoth;
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
    conflict_ = false;
    if (!has_both_) return Status::Ok();
    if (IsSqliteKey(pair_->key)) {
      conflict_ = database_conflict_;
      return Status::Ok();
    }
    return IsInConflict(others_.get(), *pair_, &conflict_);
  }

  LegacyWalk walk_;
  LegacyActor actor_;
  std::unique_ptr<LegacyPairs> pairs_;   // of actor_; null before the first
  std::unique_ptr<LegacyPairs> others_;  // the same, to look elsewhere
  bool has_both_ = false;                // layouts
  bool database_conflict_ = false;
  bool conflict_ = false;  // of pair_
  std::optional<KeyValue> pair_;
  std::string from_;
};

constexpr TableSpec kKv = {"actorkv_kv", kDeclaration, kActor, 0,
                           OpenStoreRows<KvRows>};

}  // namespace

int RegisterKvTable(Connection* connection) {
  return RegisterTables<kKv>(connection);
}

}  // namespace actorkv
