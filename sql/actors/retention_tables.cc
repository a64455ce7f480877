// The tables actorkv_settings and actorkv_reclaim_plan.

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "kv/reclaim/reclaim.h"
#include "kv/store/retention.h"
#include "sql/actors/retention_functions.h"
#include "sql/bind/table.h"
#include "sql/bind/target.h"

namespace actorkv {

namespace {

// SettingRows has the settings of the store, which hold for actors that have
// none of their own.
class SettingRows : public RowSource {
 public:
  explicit SettingRows(std::shared_ptr<Store> store)
      : of_{std::move(store), ""} {}

  Status Next(bool* has_row) override {
    // The store is read at the first row: a table that is only planned or
    // opened costs nothing.
    if (next_ == 0) {
      const auto reader = of_.engine()->NewReader();
      if (Status s = LoadSettings(reader.get(), ActorId{}, &settings_);
          !s.ok()) {
        return s;
      }
    }
    *has_row = next_ < AllSettings().size();
    if (*has_row) info_ = &AllSettings()[next_++];
    return Status::Ok();
  }

  void Column(int index, Result* result) const override {
    switch (index) {
      case 0:
        return result->Text(info_->name);
      case 1:
        return result->Int(settings_.*info_->member);
      case 2:
        return result->Text(info_->unit);
      case 3:
        return result->Text("info");
      default:
        return;
    }
  }

 private:
  const Target of_;  // the store alone
  Settings settings_;
  size_t next_ = 0;
  const SettingInfo* info_ = nullptr;
};

class PlanRows : public RowSource {
 public:
  PlanRows(Connection* connection, std::shared_ptr<Store> store,
           std::optional<std::string> only)
      : connection_(connection),
        store_(std::move(store)),
        only_(std::move(only)),
        // The plan is a pass of reclaim that removes nothing: it cannot say
        // anything else than reclaim does.
        reclaimer_(store_.get(), DryRun()) {}

  Status Next(bool* has_row) override {
    *has_row = false;
    if (only_.has_value() && !selected_) {
      selected_ = true;
      Status s = reclaimer_.SelectActor(*only_);
      // A WHERE that names no actor finds no row, which is no error.
      if (s.code() == Code::kNotFound) return Status::Ok();
      if (!s.ok()) return s;
    }
    for (bool done = false; !done;) {
      std::optional<SpaceUse> use;
      if (Status s = connection_->KeepOn(); !s.ok()) return s;
      if (Status s = reclaimer_.Step(&use, &done); !s.ok()) return s;
      // A step does a piece of the work of one actor, and most end without a
      // row.
      if (!use.has_value()) continue;
      use_ = std::move(*use);
      *has_row = true;
      return Status::Ok();
    }
    return Status::Ok();
  }

  void Column(int index, Result* result) const override {
    switch (index) {
      case 0:
        return result->TextOrNull(use_.actor);
      case 1:
        return result->Int(use_.live_bytes);
      case 2:
        return result->Int(use_.history_bytes);
      case 3:
        return result->Int(use_.shared_bytes);
      case 4:
        return result->Int(use_.reclaimable_bytes);
      case 5:
        return result->TextOrNull(use_.reason);
      default:
        return;
    }
  }

 private:
  static ReclaimOptions DryRun() {
    ReclaimOptions options;
    options.dry_run = true;
    return options;
  }

  Connection* const connection_;
  const std::shared_ptr<Store> store_;
  const std::optional<std::string> only_;
  Reclaimer reclaimer_;
  bool selected_ = false;
  SpaceUse use_;
};

constexpr TableSpec kSettings = {
    "actorkv_settings",
    "CREATE TABLE x(name TEXT, value INTEGER, unit TEXT, level TEXT)", -1, 0,
    OpenStoreRows<SettingRows>};
constexpr TableSpec kPlan = {
    "actorkv_reclaim_plan",
    "CREATE TABLE x(actor TEXT, live_bytes INTEGER, history_bytes INTEGER,"
    " shared_bytes INTEGER, reclaimable_bytes INTEGER, reason TEXT)",
    0, 0, OpenStoreRows<PlanRows>};

}  // namespace

int RegisterRetentionTables(Connection* connection) {
  return RegisterTables<kSettings, kPlan>(connection);
}

}  // namespace actorkv
