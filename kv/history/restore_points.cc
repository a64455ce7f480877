#include "kv/history/restore_points.h"

#include <memory>
#include <optional>

#include "kv/base/affix.h"
#include "kv/base/duration.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/history/point.h"
#include "kv/store/actor.h"
#include "kv/store/store.h"
#include "kv/store/time_map.h"

namespace actorkv {

namespace {

// The number of tries with a head that moves between look and commit; each time
// somebody else has got on.
constexpr int kAttempts = 100;

Status LoadLive(EngineReader* reader, const std::string& actor,
                std::shared_ptr<const HeadState>* state) {
  if (Status s = LoadHeadState(reader, actor, state); !s.ok()) return s;
  if ((*state)->exists) return Status::Ok();
  if ((*state)->is_legacy) {
    return Status::InvalidArgument(
        "the actor is legacy, it has no commits yet: actor=" + actor);
  }
  return Status::NotFound("no such actor: actor=" + actor);
}

Status LoadPoint(EngineReader* reader, ActorId actor, const std::string& name,
                 std::optional<std::string>* value) {
  return GetValue(reader, ActorPartition(actor), RestorePointKey(name), value);
}

Status TryToMake(Store* store, const std::string& actor,
                 const std::string& name, uint64_t ttl_ms, TxId* txid) {
  const std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  std::shared_ptr<const HeadState> state;
  std::optional<std::string> taken;
  if (Status s = LoadLive(reader.get(), actor, &state); !s.ok()) return s;
  if (Status s = LoadPoint(reader.get(), state->entry.actor, name, &taken);
      !s.ok()) {
    return s;
  }
  // A point of this name that has ended may still be stored: it is replaced,
  // and its record is the guard.
  if (taken.has_value()) {
    RestorePointRecord old;
    TimeMap times;
    Status s = DecodeRecord(RestorePointKey(name), *taken, &old);
    if (s.ok()) s = LoadTimeMap(reader.get(), store->clock(), 0, &times);
    if (!s.ok()) return s;
    if (!HasEnded(old, times, times.wall_now_us())) {
      return Status::AlreadyExists("there is a restore point '" + name +
                                   "' already: actor=" + actor);
    }
  }
  Batch batch;
  RestorePointRecord point;
  point.branch = state->head.snapshot.branch;
  point.txid = state->head.snapshot.txid;
  point.created_at_us = store->clock()->Next(&batch);
  point.expires_at_us =
      ttl_ms == 0 ? 0 : point.created_at_us + ttl_ms * kUsPerMs;
  const Partition partition = ActorPartition(state->entry.actor);
  const std::string key = RestorePointKey(name);
  batch.Put(partition, key, EncodeRecord(key, point));
  batch.AddGuard(partition, key, taken);
  // The guard makes sure that the commit is the head when it is named.
  batch.AddGuard(partition, HeadKey(), state->head_bytes);
  // Reclaim may be about to remove an expired point of this name.
  const Gate::Hold hold = store->history_gate()->Keep();
  const CommitResult result = store->Commit(batch, Durability::kSynced);
  if (!result.done()) return result.status;
  *txid = point.txid;
  return Status::Ok();
}

}  // namespace

Status MakeRestorePoint(Store* store, const std::string& actor,
                        const std::string& name, uint64_t ttl_ms, TxId* txid) {
  // A name that reads as a time or a txid could never be meant.
  if (Status s = CheckRestorePointName(name); !s.ok()) return s;
  if (Status s = CheckDurationMs("ttl_ms", ttl_ms); !s.ok()) return s;
  // The names that restores give are reserved, so that a restore never finds
  // its own taken.
  if (BeginsWith(name, kUndoPrefix)) {
    return Status::InvalidArgument(
        std::string("names of restore points that begin with '") + kUndoPrefix +
        "' are given by restores");
  }
  Status s;
  for (int i = 0; i < kAttempts; ++i) {
    s = TryToMake(store, actor, name, ttl_ms, txid);
    if (s.code() != Code::kConflict) return s;
  }
  return Status::Busy("the actor changes too fast to name its head: actor=" +
                      actor);
}

Status DropRestorePoint(Store* store, const std::string& actor,
                        const std::string& name, TxId* txid) {
  const std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  std::shared_ptr<const HeadState> state;
  std::optional<std::string> value;
  if (Status s = LoadLive(reader.get(), actor, &state); !s.ok()) return s;
  if (Status s = LoadPoint(reader.get(), state->entry.actor, name, &value);
      !s.ok()) {
    return s;
  }
  if (!value.has_value()) {
    return Status::NotFound("no restore point '" + name + "': actor=" + actor);
  }
  const std::string key = RestorePointKey(name);
  RestorePointRecord point;
  if (Status s = DecodeRecord(key, *value, &point); !s.ok()) return s;
  Batch batch;
  const Partition partition = ActorPartition(state->entry.actor);
  batch.Delete(partition, key);
  // A point that was made anew under the name meanwhile is another one, and is
  // not dropped.
  batch.AddGuard(partition, key, *value);
  const CommitResult result = store->Commit(batch, Durability::kSynced);
  if (!result.done()) return result.status;
  *txid = point.txid;
  return Status::Ok();
}

}  // namespace actorkv
