#include "sql/migrate/undo_to_tables.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "kv/base/work_meter.h"
#include "kv/history/history.h"
#include "kv/legacy/legacy_import.h"
#include "kv/legacy/legacy_undo.h"

namespace actorkv {

namespace {

// Says how to keep what no pair can hold.
Status WithExport(const Status& s) {
  if (s.code() != Code::kInvalidArgument && s.code() != Code::kNotSupported) {
    return s;
  }
  return s.WithMessage(std::string(s.message()) +
                       "; to keep all of it, SELECT actorkv_export(actor, "
                       "path), then actorkv_unmigrate(actor, 'discard')");
}

}  // namespace

Status UndoToTables(const Connection& connection, const Target& target,
                    PairsFrom from) {
  LegacyActor actor;
  const std::string which = "actor=" + target.actor;
  if (Status s =
          LoadLegacy(target.engine()->NewReader().get(), target.actor, &actor);
      !s.ok()) {
    return s;
  }
  if (!actor.head->exists) return Status::Ok();
  // The version is pinned while it is read; the commit that ends it is refused
  // where another one came.
  std::optional<Pin> pin(std::in_place);
  if (Status s = PinVersion(target.store.get(), *actor.head, &*pin); !s.ok()) {
    return s.code() == Code::kConflict
               ? Status::Busy("the actor is being written: " + which)
               : s;
  }
  const auto keep_on = [&] { return connection.KeepOn(); };
  // Shown, and counted as no migration: it is the way back from one.
  WorkMeter work = target.BeginWork(WorkKind::kMigration);
  std::unique_ptr<TablePairs> tables;
  if (Status s = TablePairs::Open({target, actor.head, &actor}, from, keep_on,
                                  &tables);
      !s.ok()) {
    return WithExport(s.WithContext(which));
  }
  ImportSpec read;
  read.name = target.actor;
  read.form = LegacyForm::kOwnTables;
  read.opaque = actor.record.opaque();
  read.replaced = &actor.record;
  read.keep_on = keep_on;
  if (read.opaque && tables->has_database()) {
    return WithExport(Status::InvalidArgument(
        which +
        ": it has more than the tables of its pairs, and opaque pairs "
        "hold no database"));
  }
  LegacyImport pairs(target.store);
  pairs.ShowIn(&work);
  if (Status s = pairs.ReadAll(read, tables->TakeAll().get()); !s.ok()) {
    return WithExport(s.WithContext(which));
  }
  // The actor must be closed; from here on its head alone says what was read.
  tables.reset();
  pin.reset();
  UndoSpec spec;
  spec.name = target.actor;
  spec.pairs = &pairs;
  spec.read_from = actor.head->head.snapshot.txid;
  spec.schema_cookie = [&](const HeadState& state) {
    return SchemaCookie(target, state);
  };
  return UndoMigration(target.store.get(), spec);
}

}  // namespace actorkv
