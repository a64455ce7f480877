#include "sql/migrate/migrate_tables.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/process/running_work.h"
#include "sql/bind/actor_walk.h"
#include "sql/bind/outcome_rows.h"
#include "sql/bind/target.h"
#include "vfs/migrate/migration.h"

namespace actorkv {

namespace {

std::string Joined(const std::vector<std::string>& notes) {
  std::string text;
  for (const std::string& note : notes) {
    text += (text.empty() ? "" : "; ") + note;
  }
  return text;
}

// ---- actorkv_migrate_all() -------------------------------------------------

constexpr char kAllDeclaration[] =
    "CREATE TABLE x(actor TEXT, state TEXT, bytes INTEGER,"
    " duration_ms INTEGER, error TEXT)";

// A sync for each of thousands of small actors would take longer than their
// migration, so they share some: one at most this long after the last, and one
// at the end.
constexpr std::chrono::milliseconds kSyncEvery{100};

class MigrateAllRows : public OutcomeRows {
 public:
  MigrateAllRows(Connection* connection, std::shared_ptr<Store> store)
      : OutcomeRows(connection, *store),
        walk_(std::move(store), std::nullopt) {}
  ~MigrateAllRows() override {
    // A statement that ends early, by LIMIT or an error, has told of actors
    // that are to be durable.
    if (unsynced_) (void)walk_.engine()->Sync();
  }
  MigrateAllRows(const MigrateAllRows&) = delete;
  MigrateAllRows& operator=(const MigrateAllRows&) = delete;

 private:
  using Steady = std::chrono::steady_clock;

  Status Work(ActorOutcome* outcome, bool* has_row) override {
    LegacyActor actor;
    do {
      actor = LegacyActor();
      if (Status s = walk_.Next(&actor, has_row, &outcome->status); !s.ok()) {
        return s;
      }
      outcome->actor = actor.name;
      if (!*has_row) return Sync();
      // A damaged actor is a row with its error.
      if (!outcome->status.ok()) return Status::Ok();
      // Actors that were migrated before are passed over, so that a second call
      // goes on where the first one ended.
    } while (actor.record.state == LegacyState::kLive);
    if (Status s = CheckMigratesAlone(actor); !s.ok()) {
      outcome->skipped = true;
      outcome->status = s;
      return Status::Ok();
    }
    if (Steady::now() - synced_at_ >= kSyncEvery) {
      if (Status s = Sync(); !s.ok()) return s;
    }
    unsynced_ = true;
    MigrationResult result;
    outcome->status = MigrateUnsynced(
        walk_.store(), actor.name, [this] { return connection()->KeepOn(); },
        &result);
    outcome->state = LegacyStateName(result.record.state);
    outcome->bytes = result.size_bytes;
    return Status::Ok();
  }

  Status Sync() {
    synced_at_ = Steady::now();
    if (!unsynced_) return Status::Ok();
    unsynced_ = false;
    return walk_.engine()->Sync();
  }

  LegacyWalk walk_;
  bool unsynced_ = false;  // something was done since the last sync
  Steady::time_point synced_at_ = Steady::now();
};

// ---- actorkv_migrate_plan --------------------------------------------------

constexpr char kPlanDeclaration[] =
    "CREATE TABLE x(actor TEXT, action TEXT, reason TEXT)";

class PlanRows : public RowSource {
 public:
  PlanRows(Connection* connection, std::shared_ptr<Store> store,
           std::optional<std::string> only)
      : connection_(connection), walk_(std::move(store), std::move(only)) {}

  Status Next(bool* has_row) override {
    LegacyActor actor;
    Status planned;
    if (Status s = walk_.Next(&actor, has_row, &planned); !s.ok() || !*has_row)
      return s;
    name_ = actor.name;
    if (actor.record.state == LegacyState::kLive) {
      action_ = "none";
      reason_ = "live";
      return Status::Ok();
    }
    const Status alone =
        planned.ok() ? CheckMigratesAlone(actor) : Status::Ok();
    if (!alone.ok()) {
      action_ = "none";
      reason_ = std::string(alone.message());
      return Status::Ok();
    }
    std::vector<std::string> repairs;
    if (planned.ok()) {
      // The plan recovers the database as a migration does, and commits
      // nothing.
      planned = PlanMigration(
          walk_.store(), actor, [this] { return connection_->KeepOn(); },
          &repairs);
    }
    // An interrupt is asked for before the outcome is told, as it makes an
    // actor look as if it was refused.
    if (Status s = connection_->KeepOn(); !s.ok()) return s;
    action_ = !planned.ok() ? "refuse" : repairs.empty() ? "migrate" : "repair";
    reason_ = planned.ok() ? Joined(repairs) : planned.ToString();
    return Status::Ok();
  }

  void Column(int index, Result* result) const override {
    switch (index) {
      case 0:
        return result->Text(name_);
      case 1:
        return result->Text(action_);
      case 2:
        return result->TextOrNull(EscapedUtf8(reason_));
      default:
        return;
    }
  }

 private:
  Connection* const connection_;
  LegacyWalk walk_;
  std::string name_;
  std::string action_;
  std::string reason_;
};

// ---- actorkv_migrations ----------------------------------------------------

constexpr char kHistoryDeclaration[] =
    "CREATE TABLE x(actor TEXT, state TEXT, phase TEXT, phase_ms TEXT,"
    " bytes INTEGER, repairs TEXT, attempts INTEGER, error TEXT, form TEXT,"
    " oversized_pairs INTEGER)";

class HistoryRows : public RowSource {
 public:
  HistoryRows(std::shared_ptr<Store> store, std::optional<std::string> only)
      : walk_(std::move(store), std::move(only)) {}

  Status Next(bool* has_row) override { return walk_.Next(&actor_, has_row); }

  void Column(int index, Result* result) const override {
    const LegacyRecord& record = actor_.record;
    switch (index) {
      case 0:
        return result->Text(actor_.name);
      case 1:
        return result->Text(LegacyStateName(record.state));
      case 2:
        return result->Text(MigrationPhase(
            Target{walk_.store(), actor_.name}.store_path(), actor_));
      case 3:
        return result->Text(PhaseTimes(record));
      case 4:
        return result->Int(record.bytes);
      case 5:
        return result->TextOrNull(Joined(record.repairs));
      case 6:
        return result->Int(record.attempts);
      case 7:
        return result->TextOrNull(EscapedUtf8(
            record.error.empty() ? Joined(record.warnings) : record.error));
      case 8:
        return result->Text(LegacyFormName(record.form));
      case 9:
        return result->Int(record.oversized_count);
      default:
        return;
    }
  }

 private:
  // Returns such as {"import":0.2,"layouts":0.1}, for json_extract().
  static std::string PhaseTimes(const LegacyRecord& record) {
    std::string text;
    for (size_t i = 1; i < kLegacyPhaseCount; ++i) {
      // A phase that was not reached has no time, which is not 0 ms.
      if (record.phase_us[i] == 0) continue;
      char number[32];
      sqlite3_snprintf(sizeof number, number, "%.3f",
                       static_cast<double>(record.phase_us[i]) / 1000);
      text += std::string(text.empty() ? "" : ",") + "\"" +
              LegacyPhaseName(static_cast<LegacyPhase>(i)) + "\":" + number;
    }
    return "{" + text + "}";
  }

  LegacyWalk walk_;
  LegacyActor actor_;
};

Status OpenAll(Connection* connection, const TableArguments&,
               std::unique_ptr<RowSource>* rows) {
  std::shared_ptr<Store> store;
  if (Status s = connection->OpenDefaultStore(StoreUse::kWrite, &store);
      !s.ok()) {
    return s;
  }
  *rows = std::make_unique<MigrateAllRows>(connection, std::move(store));
  return Status::Ok();
}

Status OpenPlan(Connection* connection, const TableArguments& arguments,
                std::unique_ptr<RowSource>* rows) {
  std::shared_ptr<Store> store;
  // A plan writes nothing, and so runs on a follower as well.
  if (Status s = connection->OpenDefaultStore(StoreUse::kRead, &store);
      !s.ok()) {
    return s;
  }
  *rows =
      std::make_unique<PlanRows>(connection, std::move(store), arguments[0]);
  return Status::Ok();
}

constexpr TableSpec kMigrateAll = {
    "actorkv_migrate_all", kAllDeclaration, -1, 0, OpenAll, Effects::kStore};
constexpr TableSpec kMigratePlan = {"actorkv_migrate_plan", kPlanDeclaration, 0,
                                    0, OpenPlan};
constexpr TableSpec kMigrations = {"actorkv_migrations", kHistoryDeclaration, 0,
                                   0, OpenStoreRows<HistoryRows>};

}  // namespace

int RegisterMigrateTables(Connection* connection) {
  return RegisterTables<kMigrateAll, kMigratePlan, kMigrations>(connection);
}

}  // namespace actorkv
