#include "sql/actors/hints_table.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "kv/store/hints.h"
#include "kv/store/store.h"
#include "sql/bind/actor_walk.h"
#include "sql/bind/table.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(actor TEXT, first_pgno INTEGER, page_count INTEGER,"
    " hit_ratio REAL)";

class HintRows : public RowSource {
 public:
  HintRows(std::shared_ptr<Store> store, std::optional<std::string> only)
      : walk_(std::move(store), std::move(only)) {}

  Status Next(bool* has_row) override {
    // Most actors have no hints, and give no row.
    while (next_range_ >= hints_.ranges.size()) {
      if (Status s = NextHints(has_row); !s.ok() || !*has_row) return s;
    }
    *has_row = true;
    range_ = hints_.ranges[next_range_++];
    return Status::Ok();
  }

  void Column(int index, Result* result) const override {
    switch (index) {
      case 0:
        return result->Text(walk_.name());
      case 1:
        return result->Int(range_.first);
      case 2:
        return result->Int(range_.page_count);
      case 3:
        return result->Real(static_cast<double>(range_.hit_ratio) / kAlwaysHit);
      default:
        return;
    }
  }

 private:
  // Loads the hints of the next actor, which may have none. A record that
  // cannot be read counts as if it was not there: actorkv_verify() reports it.
  Status NextHints(bool* found) {
    hints_ = HintsRecord();
    next_range_ = 0;
    if (Status s = walk_.Next(found); !s.ok() || !*found) return s;
    const HeadState& state = walk_.state();
    // A legacy actor has no hints, as it has no pages.
    if (!state.exists) return Status::Ok();
    if (!walk_.store()
             ->hints()
             ->Load({state.entry.actor, state.head.generation}, &hints_)
             .ok()) {
      hints_ = HintsRecord();
    }
    return Status::Ok();
  }

  ActorWalk walk_;
  HintsRecord hints_;
  size_t next_range_ = 0;
  HintRange range_;
};

constexpr TableSpec kHints = {"actorkv_hints", kDeclaration, 0, 0,
                              OpenStoreRows<HintRows>};

}  // namespace

int RegisterHintsTable(Connection* connection) {
  return RegisterTables<kHints>(connection);
}

}  // namespace actorkv
