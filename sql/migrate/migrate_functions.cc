#include "sql/migrate/migrate_functions.h"

#include <memory>
#include <string>

#include "kv/legacy/legacy_drop.h"
#include "kv/legacy/legacy_store.h"
#include "kv/legacy/legacy_undo.h"
#include "sql/bind/function.h"
#include "sql/bind/target.h"
#include "sql/migrate/legacy_tables.h"
#include "vfs/migrate/migration.h"

namespace actorkv {

namespace {

// Reads the optional second argument, which can only be `word`.
Status Option(const Call& call, const char* word, bool* given) {
  *given = false;
  if (call.IsNull(1)) return Status::Ok();
  std::string text;
  if (Status s = call.Text(1, "the option", &text); !s.ok()) return s;
  // A word is asked for and no flag: 'discard' throws away what a user wrote,
  // and a 1 could mean anything.
  if (text != word) {
    return Status::InvalidArgument("no option '" + text + "': it is '" + word +
                                   "' or left out");
  }
  *given = true;
  return Status::Ok();
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
  bool tables = false;
  MigrationResult result;
  if (Status s = ResolveActor(*call, StoreUse::kWrite, &target); !s.ok())
    return s;
  if (Status s = Option(*call, "tables", &tables); !s.ok()) return s;
  if (Status s = CheckHasDatabase(target, tables); !s.ok()) return s;
  const Connection* const connection = call->connection();
  if (Status s = Migrate(
          target.store, target.actor, [&] { return connection->KeepOn(); },
          &result);
      !s.ok()) {
    return s;
  }
  // The tables are made after the migration's commit, in a transaction of their
  // own: an actor whose tables fail is migrated.
  if (tables) {
    if (Status s = PlaceInTables(*connection, target); !s.ok()) return s;
  }
  // The state is told and not 1: an actor that is live already is no error, and
  // nothing was done.
  call->result().Text(LegacyStateName(result.record.state));
  return Status::Ok();
}

Status RunUnmigrate(Call* call) {
  Target target;
  bool discard = false;
  if (Status s = ResolveActor(*call, StoreUse::kWrite, &target); !s.ok())
    return s;
  if (Status s = Option(*call, "discard", &discard); !s.ok()) return s;
  UndoSpec spec;
  spec.name = target.actor;
  spec.discard = discard;
  // The cookie of the head that goes: a later database of the actor begins
  // above it.
  spec.schema_cookie = [&](const HeadState& state) {
    return SchemaCookie(target, state);
  };
  if (Status s = UndoMigration(target.store.get(), spec); !s.ok()) return s;
  call->result().Text(LegacyStateName(LegacyState::kLegacy));
  return Status::Ok();
}

Status RunDropLegacy(Call* call) {
  Target target;
  uint64_t bytes = 0;
  if (Status s = ResolveActor(*call, StoreUse::kWrite, &target); !s.ok())
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

constexpr FunctionSpec kMigrate = {
    "actorkv_migrate", "actor [, 'tables']", 1, 2, Effects::kStore, RunMigrate};
constexpr FunctionSpec kUnmigrate = {
    "actorkv_unmigrate", "actor [, 'discard']", 1, 2,
    Effects::kStore,     RunUnmigrate};
constexpr FunctionSpec kDropLegacy = {"actorkv_drop_legacy", "actor",      1, 1,
                                      Effects::kStore,       RunDropLegacy};

}  // namespace

int RegisterMigrateFunctions(Connection* connection) {
  return RegisterFunctions<kMigrate, kUnmigrate, kDropLegacy>(connection);
}

}  // namespace actorkv
