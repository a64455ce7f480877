#include "kv/legacy/legacy_undo.h"

#include <algorithm>

#include "kv/format/counters.h"
#include "kv/format/keys.h"
#include "kv/legacy/legacy_lease.h"
#include "kv/store/clock.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

Status CheckCanUndo(const LegacyActor& actor, const UndoSpec& spec) {
  const LegacyRecord& record = actor.record;
  const std::string which = ": actor=" + actor.name;
  if (spec.pairs != nullptr) {
    if (actor.head->head.snapshot.txid == spec.read_from) return Status::Ok();
    return Status::Busy("the actor was written while its pairs were read" +
                        which);
  }
  // An actor that was imported as a database has no pairs of it to go back to.
  if (record.migrated_txid == TxId{}) {
    return Status::InvalidArgument(
        "the actor came with a database and was never migrated" + which);
  }
  if (record.dropped_at_us != 0) {
    return Status::InvalidArgument(
        "the legacy pairs of its database were dropped" + which);
  }
  const TxId head = actor.head->head.snapshot.txid;
  // Pairs do not know what was written since: going back to them loses it,
  // which only the user may decide.
  if (head != record.migrated_txid && !spec.discard) {
    return Status::InvalidArgument(
        "the actor was written after its migration, and undoing it would "
        "discard that: actorkv_unmigrate(actor, 'tables') makes pairs of it as "
        "it is now, with the rows of its tables _actorkv_..., "
        "'rivet-tables' with those of _rivet_...; to keep it elsewhere, "
        "actorkv_export(actor, path) first; actorkv_unmigrate(actor, "
        "'discard') if it may go" +
        which + " migrated_txid=" + std::to_string(record.migrated_txid.value) +
        " head_txid=" + std::to_string(head.value));
  }
  return Status::Ok();
}

// Describes the new pairs in the record of their actor.
void Replace(const LegacyRecord& pairs, LegacyRecord* record) {
  record->legacy = pairs.legacy;
  record->form = pairs.form;
  record->layouts = pairs.layouts;
  record->pair_count = pairs.pair_count;
  record->bytes = pairs.bytes;
  record->sqlite_bytes = pairs.sqlite_bytes;
  record->limit_key_bytes = pairs.limit_key_bytes;
  record->limit_value_bytes = pairs.limit_value_bytes;
  record->oversized_count = pairs.oversized_count;
  record->warnings = pairs.warnings;
  record->dropped_at_us = 0;
  record->progress = LoadProgress{};
}

// Fills the batch. On an engine that commits partition by partition the entry
// goes first: with a head the actor is live whatever its entry says. Head and
// legacy record go together.
void PutUndo(const LegacyActor& actor, const UndoSpec& spec,
             uint32_t schema_cookie, Batch* batch) {
  const HeadState& state = *actor.head;
  ActorEntry entry = state.entry;
  entry.state = ActorState::kLegacy;
  const Snapshot& head = state.head.snapshot;
  // A later database of the actor must not repeat a counter of this one
  // (kv/format/counters.h, invariant 1).
  entry.stamp_floor = std::max(
      entry.stamp_floor,
      head.stamp.value_or(UnknownCounter(entry.stamp_floor, head.txid)));
  entry.cookie_floor = std::max(entry.cookie_floor, schema_cookie);
  const std::string entry_key = ActorEntryKey(actor.name);
  batch->Put(CatalogPartition(), entry_key, EncodeRecord(entry_key, entry));
  batch->AddGuard(CatalogPartition(), entry_key, state.entry_bytes);

  LegacyRecord record = actor.record;
  record.state = LegacyState::kLegacy;
  record.lease = LeaseMark{};
  record.migrated_txid = TxId{};
  record.migrated_at_us = 0;
  // Notes of the repairs go with the database that was repaired: a new
  // migration makes its own.
  record.repairs.clear();
  if (spec.pairs != nullptr) {
    Replace(*spec.pairs->record(), &record);
    spec.pairs->AddReplacing(actor.actor(), actor.record.legacy, batch);
  }
  // The commits stay in the store under their txids, so none of those may come
  // again.
  record.last_txid = std::max(record.last_txid, state.head.snapshot.txid);
  record.last_generation =
      std::max(record.last_generation, state.head.generation);
  const Partition partition = ActorPartition(actor.actor());
  const std::string record_key = LegacyRecordKey();
  batch->Put(partition, record_key, EncodeRecord(record_key, record));
  batch->AddGuard(partition, record_key, actor.record_bytes);
  batch->Delete(partition, HeadKey());
  // Hints name pages of the database that is no more.
  batch->Delete(partition, HintsKey());
  batch->AddGuard(partition, HeadKey(), state.head_bytes);
}

Status Undo(Store* store, const UndoSpec& spec, bool* done) {
  LegacyActor actor;
  const std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  Status s = LoadLegacy(reader.get(), spec.name, &actor);
  if (!s.ok()) return s;
  s = CheckLeaseIsFree(store, actor);
  // An actor that is legacy already is what was asked for.
  if (!s.ok() || !actor.head->exists) return s;
  s = CheckCanUndo(actor, spec);
  if (!s.ok()) return s;
  Batch batch;
  PutUndo(actor, spec, spec.schema_cookie(*actor.head), &batch);
  const CommitResult result = store->Commit(batch, Durability::kSynced);
  *done = result.status.ok();
  if (result.outcome == CommitOutcome::kUnknown) {
    // An outcome that is not known is looked up: the actor is legacy now, or it
    // is not.
    LegacyActor now;
    reader->Refresh();
    s = LoadLegacy(reader.get(), spec.name, &now);
    *done = s.ok() && now.head->is_legacy;
    if (!s.ok() && spec.pairs != nullptr) spec.pairs->Keep();
  }
  if (*done && spec.pairs != nullptr) {
    spec.pairs->DropReplaced(actor.record.legacy);
  }
  return *done ? Status::Ok() : result.status;
}

}  // namespace

Status UndoMigration(Store* store, const UndoSpec& spec) {
  bool done = false;
  // Nobody has the actor open, so no transaction of this process begins at the
  // head that goes; one of another process fails at its guard.
  Status s = store->actors()->WhileClosed(
      {spec.name}, [&] { return Undo(store, spec, &done); });
  // Whatever came of the commit, the record says whose the new pairs are.
  if (spec.pairs != nullptr) spec.pairs->Detach();
  return s;
}

}  // namespace actorkv
