#include "kv/legacy/legacy_store.h"

#include <algorithm>
#include <utility>

#include "kv/engine/prefix_scan.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/legacy/pair_piece.h"
#include "kv/rivet/legacy_keys.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

// The first commit of a migration after txid `after`; 0: there is none.
Status FindMigration(EngineReader* reader, ActorId actor, TxId after,
                     TxId* txid) {
  TxId found;
  // All commits are looked at, which only a record that is behind its head asks
  // for.
  const std::string prefix = CommitPrefix();
  Status s = ForEachPair(
      reader, {ActorPartition(actor), prefix, prefix},
      [&](const KeyValue& pair) -> Status {
        CommitRecord commit;
        if (Status decoded = DecodeRecord(pair.key, pair.value, &commit);
            !decoded.ok()) {
          return decoded;
        }
        const TxId one = commit.snapshot.txid;
        if (commit.origin != Origin::kMigrate || !(after < one)) {
          return Status::Ok();
        }
        if (found == TxId{} || one < found) found = one;
        return Status::Ok();
      });
  if (!s.ok()) return s;
  *txid = found;
  return Status::Ok();
}

// Corrects a record: a head decides. With one the migration is done, whatever
// the record says.
Status Heal(EngineReader* reader, LegacyActor* legacy) {
  LegacyRecord& record = legacy->record;
  if (!legacy->head->exists || record.state == LegacyState::kLive) {
    return Status::Ok();
  }
  TxId txid;
  if (Status s =
          FindMigration(reader, legacy->actor(), record.last_txid, &txid);
      !s.ok()) {
    return s;
  }
  record.state = LegacyState::kLive;
  record.migrated_txid = txid;
  if (record.migrated_at_us == 0) {
    record.migrated_at_us = legacy->head->head.committed_at_us;
  }
  // The error was of an attempt before the one that succeeded.
  record.error.clear();
  return Status::Ok();
}

}  // namespace

Status LoadLegacy(EngineReader* reader, const std::string& name,
                  LegacyActor* legacy) {
  LegacyActor loaded;
  loaded.name = name;
  if (Status s = LoadHeadState(reader, name, &loaded.head); !s.ok()) return s;
  if (!loaded.head->exists && !loaded.head->is_legacy) {
    return Status::NotFound("no such actor: actor=" + name);
  }
  const std::string key = LegacyRecordKey();
  std::optional<std::string> value;
  if (Status s = GetValue(reader, ActorPartition(loaded.actor()), key, &value);
      !s.ok()) {
    return s;
  }
  // The entry says that there are pairs, so this is damage, and not an actor
  // without them.
  if (!value.has_value() && loaded.head->is_legacy) {
    return Status::Corruption("legacy record missing: actor=" + name);
  }
  if (!value.has_value()) {
    return Status::NotFound("the actor has no legacy pairs: actor=" + name);
  }
  loaded.record_bytes = std::move(*value);
  Status s = DecodeRecord(key, loaded.record_bytes, &loaded.record);
  if (s.ok()) s = Heal(reader, &loaded);
  if (!s.ok()) return s.WithContext("actor=" + name);
  *legacy = std::move(loaded);
  return Status::Ok();
}

Status LoadKeptPairs(EngineReader* reader, const std::string& name,
                     LegacyActor* legacy) {
  const std::string entry_key = ActorEntryKey(name);
  std::vector<std::optional<std::string>> values;
  if (Status s = reader->Get(CatalogPartition(), {entry_key}, &values);
      !s.ok()) {
    return s;
  }
  ActorEntry entry;
  if (values[0].has_value()) {
    Status s = DecodeRecord(entry_key, *values[0], &entry);
    if (!s.ok()) return s.WithContext("actor=" + name);
  }
  if (!values[0].has_value() || entry.state == ActorState::kDeleted) {
    return Status::NotFound("no such actor: actor=" + name);
  }
  LegacyActor loaded;
  loaded.name = name;
  const std::string key = LegacyRecordKey();
  if (Status s = reader->Get(ActorPartition(entry.actor), {key}, &values);
      !s.ok()) {
    return s;
  }
  if (!values[0].has_value()) {
    return Status::NotFound("the actor has no legacy pairs: actor=" + name);
  }
  loaded.record_bytes = std::move(*values[0]);
  Status s = DecodeRecord(key, loaded.record_bytes, &loaded.record);
  if (!s.ok()) return s.WithContext("actor=" + name);
  *legacy = std::move(loaded);
  return Status::Ok();
}

Status IsResumable(EngineReader* reader, ActorId actor, BranchId stage,
                   bool* resumable) {
  const std::string key = LegacyRecordKey();
  std::optional<std::string> value;
  if (Status s = GetValue(reader, ActorPartition(actor), key, &value);
      !s.ok()) {
    return s;
  }
  LegacyRecord record;
  // A record that cannot be read may name the stage, so it stays.
  *resumable = value.has_value() && (!DecodeRecord(key, *value, &record).ok() ||
                                     record.progress.stage == stage);
  return Status::Ok();
}

Status UpdateLegacy(Store* store, const LegacyRecord& record,
                    LegacyActor* legacy, Durability durability) {
  const Partition partition = ActorPartition(legacy->actor());
  const std::string key = LegacyRecordKey();
  std::string bytes = EncodeRecord(key, record);
  Batch batch;
  batch.Put(partition, key, bytes);
  // The guard is the record as it was read: a lease is taken, renewed and lost
  // by this alone.
  batch.AddGuard(partition, key, legacy->record_bytes);
  const CommitResult result = store->Commit(batch, durability);
  if (result.outcome == CommitOutcome::kConflict) {
    return Status::Conflict("somebody else changed the legacy record: actor=" +
                            legacy->name);
  }
  if (result.outcome == CommitOutcome::kUnknown) {
    // The record is looked at: the commit may have happened.
    std::optional<std::string> value;
    const Status s =
        GetValue(store->engine()->NewReader().get(), partition, key, &value);
    if (!s.ok() || value != bytes) return result.status;
  } else if (!result.done()) {
    return result.status;
  }
  legacy->record = record;
  legacy->record_bytes = std::move(bytes);
  return Status::Ok();
}

Status CheckPairsRemain(Engine* engine, const LegacyActor& legacy) {
  // A reader of its own: the one that the pairs were read with shows the record
  // of its own moment, while a drop takes files of pairs away from all.
  std::optional<LegacyRecord> now;
  if (Status s =
          GetRecord(engine->NewReader().get(), ActorPartition(legacy.actor()),
                    LegacyRecordKey(), &now);
      !s.ok()) {
    return s.WithContext("actor=" + legacy.name);
  }
  if (!now.has_value()) {
    return Status::NotFound(
        "the actor was purged while its pairs were read: "
        "actor=" +
        legacy.name);
  }
  if (now->legacy == legacy.record.legacy) return Status::Ok();
  return Status::Busy(
      "other pairs took the place of the actor's while they were read, repeat "
      "it: actor=" +
      legacy.name);
}

LegacyPairs::LegacyPairs(Engine* engine, LegacyId legacy)
    : legacy_(legacy),
      reader_(engine->NewReader()),
      window_(reader_.get(), LegacyPartition(legacy)) {}

Status LegacyPairs::Get(std::string_view key,
                        std::optional<std::string>* value) {
  std::optional<std::string> stored;
  if (Status s = GetValue(reader_.get(), LegacyPartition(legacy_), PairKey(key),
                          &stored);
      !s.ok()) {
    return s;
  }
  if (!stored.has_value()) {
    value->reset();
    return Status::Ok();
  }
  std::string_view bytes;
  if (Status s = DecodePair(legacy_, key, *stored, &bytes); !s.ok()) {
    return s;
  }
  // The bytes lie in the engine's buffer, which the next call may use.
  *value = std::string(bytes);
  return Status::Ok();
}

Status LegacyPairs::Seek(std::string_view key, std::optional<KeyValue>* pair) {
  bool found = false;
  std::string_view stored_key;
  std::string_view stored;
  if (Status s = window_.SeekOne(PairKey(key), &found, &stored_key, &stored);
      !s.ok()) {
    return s;
  }
  if (!found) {
    pair->reset();
    return Status::Ok();
  }
  std::string_view found_key;
  std::string_view value;
  if (Status s = Decode(stored_key, stored, &found_key, &value); !s.ok()) {
    return s;
  }
  // Assigned, so that who goes from pair to pair uses the same memory again.
  if (!pair->has_value()) pair->emplace();
  (*pair)->key.assign(found_key);
  (*pair)->value.assign(value);
  return Status::Ok();
}

Status LegacyPairs::Decode(std::string_view stored_key, std::string_view stored,
                           std::string_view* key,
                           std::string_view* value) const {
  if (Status s = ParsePairKey(stored_key, key); !s.ok()) return s;
  return DecodePair(legacy_, *key, stored, value);
}

Status LegacyPairs::ForEach(const Each& each) {
  PairPieces pieces(reader_.get(), LegacyPartition(legacy_));
  for (;;) {
    const PairPiece* piece = nullptr;
    if (Status s = pieces.Next(&piece); !s.ok() || piece == nullptr) return s;
    for (size_t i = 0; i < piece->size(); ++i) {
      std::string_view key;
      std::string_view value;
      if (Status s = Decode(piece->key(i), piece->value(i), &key, &value);
          !s.ok()) {
        return s;
      }
      if (Status s = each(key, value); !s.ok()) return s;
    }
  }
}

}  // namespace actorkv
