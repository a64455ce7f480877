#include "sql/kv_table.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "kv/legacy_keys.h"
#include "sql/actor_walk.h"
#include "sql/table.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(actor TEXT, namespace TEXT, key BLOB, value BLOB,"
    " layout INTEGER)";

enum ColumnIndex { kActor, kNamespace, kKey, kValue, kLayout };

class KvRows : public RowSource {
 public:
  KvRows(std::shared_ptr<Store> store, std::optional<std::string> only)
      : walk_(std::move(store), std::move(only)) {}

  Status Next(bool* has_row) override {
    for (;;) {
      if (pairs_ != nullptr) {
        if (Status s = pairs_->Seek(from_, &pair_); !s.ok()) {
          return s.WithContext("actor=" + actor_.name);
        }
        *has_row = pair_.has_value();
        if (*has_row) {
          from_ = pair_->key + '\0';
          return Status::Ok();
        }
      }
      if (Status s = walk_.Next(&actor_, has_row); !s.ok()) return s;
      if (!*has_row) return Status::Ok();
      pairs_ = std::make_unique<LegacyPairs>(walk_.store()->engine(),
                                             actor_.record.legacy);
      from_.clear();
    }
  }

  void Column(int index, Result* result) const override {
    const LegacyKey key = ParseLegacyKey(pair_->key);
    switch (index) {
      case kActor:
        return result->Text(actor_.name);
      case kNamespace:
        return result->Text(LegacyNamespaceName(key.space));
      case kKey:
        return result->Blob(pair_->key);
      case kValue:
        return result->Blob(pair_->value);
      case kLayout:
        // NULL where both layouts have the same key.
        if (key.layout == KeyLayout::kSame) return;
        return result->Int(key.layout == KeyLayout::kZero ? 0 : 1);
      default:
        return;
    }
  }

 private:
  LegacyWalk walk_;
  LegacyActor actor_;
  std::unique_ptr<LegacyPairs> pairs_;  // of actor_; null before the first
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
