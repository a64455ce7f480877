#include "kv/legacy/legacy_undo.h"

#include <algorithm>

#include "kv/format/counters.h"
#include "kv/format/keys.h"
#include "kv/legacy/legacy_lease.h"
#include "kv/store/clock.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

Status CheckCanUndo(const LegacyActor& actor, bool discard) {
  const LegacyRecord& record = actor.record;
  const std::string which = ": actor=" + actor.name;
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
  if (head != record.migrated_txid && !discard) {
    return Status::InvalidArgument(
        "the actor was written after its migration, and undoing it would "
        "discard that: write actorkv_unmigrate(actor, 'discard') if it may" +
        which + " migrated_txid=" + std::to_string(record.migrated_txid.value) +
        " head_txid=" + std::to_string(head.value));
  }
  return Status::Ok();
}

// Fills the batch. On an engine that commits partition by partition the entry
// goes first: with a head the actor is live whatever its entry says. Head and
// legacy record go together.
void PutUndo(const LegacyActor& actor, uint32_t schema_cookie, Batch* batch) {
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

}  // namespace

Status UndoMigration(Store* store, const UndoSpec& spec) {
  // Nobody has the actor open, so no transaction of this process begins at the
  // head that goes; one of another process fails at its guard.
  return store->actors()->WhileClosed({spec.name}, [&]() -> Status {
    LegacyActor actor;
    const std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
    Status s = LoadLegacy(reader.get(), spec.name, &actor);
    if (!s.ok()) return s;
    s = CheckLeaseIsFree(store, actor);
    // An actor that is legacy already is what was asked for.
    if (!s.ok() || !actor.head->exists) return s;
    s = CheckCanUndo(actor, spec.discard);
    if (!s.ok()) return s;
    Batch batch;
    PutUndo(actor, spec.schema_cookie(*actor.head), &batch);
    const CommitResult result = store->Commit(batch, Durability::kSynced);
    // An outcome that is not known is looked up: the actor is legacy now, or it
    // is not.
    if (result.outcome != CommitOutcome::kUnknown) return result.status;
    LegacyActor now;
    reader->Refresh();
    s = LoadLegacy(reader.get(), spec.name, &now);
    return s.ok() && now.head->is_legacy ? Status::Ok() : result.status;
  });
}

}  // namespace actorkv
