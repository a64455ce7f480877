#include "sql/migrate/migrate_functions.h"

#include <memory>
#include <string>

#include "kv/legacy/legacy_drop.h"
#include "kv/legacy/legacy_store.h"
#include "kv/legacy/legacy_undo.h"
#include "sql/bind/function.h"
#include "sql/bind/target.h"
#include "sql/migrate/legacy_tables.h"
#include "sql/migrate/rivet_tables.h"
#include "sql/migrate/table_pairs.h"
#include "sql/migrate/undo_to_tables.h"
#include "vfs/migrate/migration.h"

namespace actorkv {

namespace {

// Reads the optional second argument, a word. A word is asked for and no flag:
// 'discard' throws away what a user wrote, and a 1 could mean anything.
Status Option(const Call& call, std::string* word) {
  if (call.IsNull(1)) return Status::Ok();
  return call.Text(1, "the option", word);
}

Status MigrateOption(const Call& call, PairsFrom* tables) {
  std::string word;
  if (Status s = Option(call, &word); !s.ok() || word.empty()) return s;
  return ParsePairsFrom(word, tables);
}

Status UnmigrateOption(const Call& call, bool* discard, PairsFrom* from) {
  std::string word;
  if (Status s = Option(call, &word); !s.ok() || word.empty()) return s;
  *discard = word == "discard";
  if (*discard) return Status::Ok();
  if (ParsePairsFrom(word, from).ok()) return Status::Ok();
  return Status::InvalidArgument("no option '" + word +
                                 "': it is 'discard', 'tables', "
                                 "'rivet-tables' or left out");
}

// Checks that a migration would make something: the pairs of an opaque actor
// can only become rows of a table.
Status CheckHasDatabase(const Target& target, bool tables) {
  if (tables) return Status::Ok();
  LegacyActor actor;
  if (Status s =
          LoadLegacy(target.engine()->NewReader().get(), target.actor, &actor);
      !s.ok()) {
    return s;
  }
  return CheckMigratesAlone(actor);
}

Status RunMigrate(Call* call) {
  Target target;
  PairsFrom tables = PairsFrom::kStored;
  MigrationResult result;
  if (Status s = ResolveActor(*call, StoreUse::kWrite, &target); !s.ok())
    return s;
  if (Status s = MigrateOption(*call, &tables); !s.ok()) return s;
  if (Status s = CheckHasDatabase(target, tables == PairsFrom::kTables);
      !s.ok()) {
    return s;
  }
  const Connection* const connection = call->connection();
  if (Status s = Migrate(
          target.store, target.actor, [&] { return connection->KeepOn(); },
          &result);
      !s.ok()) {
    return s;
  }
  // The tables are made after the migration's commit, in a transaction of their
  // own: an actor whose tables fail is migrated.
  Status placed;
  if (tables == PairsFrom::kTables) placed = PlaceInTables(*connection, target);
  if (tables == PairsFrom::kRivetTables) {
    placed = PlaceInRivetTables(*connection, target);
  }
  if (!placed.ok()) return placed;
  // The state is told and not 1: an actor that is live already is no error, and
  // nothing was done.
  call->result().Text(LegacyStateName(result.record.state));
  return Status::Ok();
}

Status RunUnmigrate(Call* call) {
  Target target;
  bool discard = false;
  PairsFrom from = PairsFrom::kStored;
  if (Status s = ResolveActor(*call, StoreUse::kOwnWrite, &target); !s.ok())
    return s;
  if (Status s = UnmigrateOption(*call, &discard, &from); !s.ok()) return s;
  if (from != PairsFrom::kStored) {
    if (Status s = UndoToTables(*call->connection(), target, from); !s.ok()) {
      return s;
    }
  } else {
    UndoSpec spec;
    spec.name = target.actor;
    spec.discard = discard;
    // The cookie of the head that goes: a later database of the actor begins
    // above it.
    spec.schema_cookie = [&](const HeadState& state) {
      return SchemaCookie(target, state);
    };
    if (Status s = UndoMigration(target.store.get(), spec); !s.ok()) return s;
  }
  call->result().Text(LegacyStateName(LegacyState::kLegacy));
  return Status::Ok();
}

Status RunDropLegacy(Call* call) {
  Target target;
  uint64_t bytes = 0;
  if (Status s = ResolveActor(*call, StoreUse::kOwnWrite, &target); !s.ok())
    return s;
  const Connection* const connection = call->connection();
  if (Status s = DropLegacy(
          target.store, target.actor, [&] { return connection->KeepOn(); },
          &bytes);
      !s.ok()) {
    return s;
  }
  call->result().Int(bytes);
  return Status::Ok();
}

constexpr FunctionSpec kMigrate = {"actorkv_migrate",
                                   "actor [, 'tables' or 'rivet-tables']",
                                   1,
                                   2,
                                   Effects::kStore,
                                   RunMigrate};
constexpr FunctionSpec kUnmigrate = {
    "actorkv_unmigrate",
    "actor [, 'discard', 'tables' or 'rivet-tables']",
    1,
    2,
    Effects::kStore,
    RunUnmigrate};
constexpr FunctionSpec kDropLegacy = {"actorkv_drop_legacy", "actor",      1, 1,
                                      Effects::kStore,       RunDropLegacy};

}  // namespace

int RegisterMigrateFunctions(Connection* connection) {
  return RegisterFunctions<kMigrate, kUnmigrate, kDropLegacy>(connection);
}

}  // namespace actorkv
