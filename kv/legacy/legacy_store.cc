#include "kv/legacy/legacy_store.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "kv/format/keys.h"
#include "kv/legacy/legacy_lease.h"
#include "kv/rivet/legacy_keys.h"

namespace actorkv {

namespace {

constexpr size_t kScanCommits = 256;
constexpr size_t kDropAtOnce = 256;  // pairs

// The prefixes of the pairs of SQLite files in layout 1, and in layout 0.
constexpr std::string_view kSqliteStarts[] = {{"\x08\x01", 2}, {"\x09", 1}};

std::string After(std::string_view key) {
  return std::string(key).append(1, '\0');
}

// Finds the first commit of a migration after txid `after`; 0: there is none.
Status FindMigration(EngineReader* reader, ActorId actor, TxId after,
                     TxId* txid) {
  TxId found;
  std::string at = CommitPrefix();
  for (;;) {
    std::vector<KeyValue> pairs;
    if (Status s =
            reader->Scan(ActorPartition(actor), at, kScanCommits, &pairs);
        !s.ok()) {
      return s;
    }
    for (const KeyValue& pair : pairs) {
      CommitRecord commit;
      if (pair.key.substr(0, 1) != CommitPrefix()) continue;
      if (Status s = DecodeRecord(pair.key, pair.value, &commit); !s.ok()) {
        return s;
      }
      const TxId one = commit.snapshot.txid;
      if (commit.origin != Origin::kMigrate || !(after < one)) continue;
      if (found == TxId{} || one < found) found = one;
    }
    if (pairs.size() < kScanCommits) break;
    at = After(pairs.back().key);
  }
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
  record.error.clear();
  return Status::Ok();
}

// Drops one batch of pairs of SQLite files, from *at on; *at becomes empty
// where there are no more. Pairs are not verified: a damaged one goes as well.
Status DropSome(Store* store, LegacyId legacy, std::string_view prefix,
                std::string* at, uint64_t* bytes) {
  const Partition partition = LegacyPartition(legacy);
  const size_t max_bytes = store->engine()->limits().max_batch_bytes / 2;
  const std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  Batch batch;
  uint64_t dropped = 0;
  std::string next = *at;
  for (size_t i = 0; i < kDropAtOnce && batch.size_bytes() < max_bytes; ++i) {
    bool found = false;
    std::string_view stored_key;
    std::string_view key;
    std::string_view value;
    if (Status s = reader->SeekOne(partition, PairKey(next), &found,
                                   &stored_key, &value);
        !s.ok()) {
      return s;
    }
    if (!found || !ParsePairKey(stored_key, &key).ok() ||
        key.substr(0, prefix.size()) != prefix) {
      next.clear();
      break;
    }
    next = After(key);
    if (!IsSqliteKey(key)) continue;
    batch.Delete(partition, stored_key);
    dropped +=
        key.size() + value.size() - std::min(value.size(), kPairFrameBytes);
  }
  if (!batch.empty()) {
    const CommitResult result = store->Commit(batch, Durability::kBuffered);
    if (!result.done()) return result.status;
  }
  *at = std::move(next);
  *bytes += dropped;
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
  std::vector<std::optional<std::string>> values;
  if (Status s = reader->Get(ActorPartition(loaded.actor()), {key}, &values);
      !s.ok()) {
    return s;
  }
  if (!values[0].has_value() && loaded.head->is_legacy) {
    return Status::Corruption("legacy record missing: actor=" + name);
  }
  if (!values[0].has_value()) {
    return Status::NotFound("the actor has no legacy pairs: actor=" + name);
  }
  loaded.record_bytes = std::move(*values[0]);
  Status s = DecodeRecord(key, loaded.record_bytes, &loaded.record);
  if (s.ok()) s = Heal(reader, &loaded);
  if (!s.ok()) return s.WithContext("actor=" + name);
  *legacy = std::move(loaded);
  return Status::Ok();
}

Status IsResumable(EngineReader* reader, ActorId actor, BranchId stage,
                   bool* resumable) {
  const std::string key = LegacyRecordKey();
  std::vector<std::optional<std::string>> values;
  if (Status s = reader->Get(ActorPartition(actor), {key}, &values); !s.ok()) {
    return s;
  }
  LegacyRecord record;
  // A record that cannot be read may name the stage, so it stays.
  *resumable =
      values[0].has_value() && (!DecodeRecord(key, *values[0], &record).ok() ||
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
  batch.AddGuard(partition, key, legacy->record_bytes);
  const CommitResult result = store->Commit(batch, durability);
  if (result.outcome == CommitOutcome::kConflict) {
    return Status::Conflict("somebody else changed the legacy record: actor=" +
                            legacy->name);
  }
  if (result.outcome == CommitOutcome::kUnknown) {
    // The record is looked at: the commit may have happened.
    std::vector<std::optional<std::string>> values;
    const Status s =
        store->engine()->NewReader()->Get(partition, {key}, &values);
    if (!s.ok() || values[0] != bytes) return result.status;
  } else if (!result.done()) {
    return result.status;
  }
  legacy->record = record;
  legacy->record_bytes = std::move(bytes);
  return Status::Ok();
}

LegacyPairs::LegacyPairs(Engine* engine, LegacyId legacy)
    : legacy_(legacy),
      reader_(engine->NewReader()),
      window_(reader_.get(), LegacyPartition(legacy)) {}

Status LegacyPairs::Get(std::string_view key,
                        std::optional<std::string>* value) {
  std::vector<std::optional<std::string>> values;
  if (Status s =
          reader_->Get(LegacyPartition(legacy_), {PairKey(key)}, &values);
      !s.ok()) {
    return s;
  }
  if (!values[0].has_value()) {
    value->reset();
    return Status::Ok();
  }
  std::string_view bytes;
  if (Status s = DecodePair(legacy_, key, *values[0], &bytes); !s.ok()) {
    return s;
  }
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
  if (Status s = ParsePairKey(stored_key, &found_key); !s.ok()) return s;
  if (Status s = DecodePair(legacy_, found_key, stored, &value); !s.ok()) {
    return s;
  }
  *pair = KeyValue{std::string(found_key), std::string(value)};
  return Status::Ok();
}

Status DropLegacy(const std::shared_ptr<Store>& store, const std::string& name,
                  const std::function<Status()>& keep_on, uint64_t* bytes) {
  std::unique_ptr<LegacyLease> lease;
  if (Status s = LegacyLease::Acquire(store, name, &lease); !s.ok()) return s;
  if (lease->record().state != LegacyState::kLive) {
    return Status::InvalidArgument(
        std::string("the actor is ") + LegacyStateName(lease->record().state) +
        ", its only database is in the legacy pairs: migrate it first: actor=" +
        name);
  }
  // The mark is stored first: from there on nobody relies on those pairs.
  if (Status s = lease->Update([&](LegacyRecord* record) {
        if (record->dropped_at_us == 0) record->dropped_at_us = WallClockUs();
      });
      !s.ok()) {
    return s;
  }
  uint64_t dropped = 0;
  for (const std::string_view prefix : kSqliteStarts) {
    for (std::string at(prefix); !at.empty();) {
      if (Status s = keep_on(); !s.ok()) return s;
      if (Status s = lease->Renew(); !s.ok()) return s;
      if (Status s = DropSome(store.get(), lease->record().legacy, prefix, &at,
                              &dropped);
          !s.ok()) {
        return s;
      }
    }
  }
  if (Status s = lease->Release(); !s.ok()) return s;
  if (Status s = store->engine()->Sync(); !s.ok()) return s;
  *bytes = dropped;
  return Status::Ok();
}

}  // namespace actorkv
