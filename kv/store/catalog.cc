#include "kv/store/catalog.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "kv/format/counters.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/store/actor_name.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

// A live or legacy actor.
Status LoadPresent(Store* store, const std::string& name,
                   std::shared_ptr<const HeadState>* state) {
  std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  if (Status s = LoadHeadState(reader.get(), name, state); !s.ok()) return s;
  if (!(*state)->exists && !(*state)->is_legacy) {
    return Status::NotFound("no such actor: actor=" + name +
                            " store=" + store->path());
  }
  return Status::Ok();
}

// The catalog entry alone, of an actor whose other records are damaged.
Status LoadEntry(Store* store, const std::string& name,
                 std::shared_ptr<const HeadState>* state) {
  auto loaded = std::make_shared<HeadState>();
  const std::string key = ActorEntryKey(name);
  std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  std::optional<std::string> value;
  if (Status s = GetValue(reader.get(), CatalogPartition(), key, &value);
      !s.ok()) {
    return s;
  }
  loaded->entry_bytes = value.value_or("");
  if (Status s = DecodeRecord(key, loaded->entry_bytes, &loaded->entry);
      !s.ok()) {
    return s.WithContext("actor=" + name);
  }
  *state = std::move(loaded);
  return Status::Ok();
}

}  // namespace

std::string NameAfter(const std::string& name) {
  return name + std::string(1, '\0');
}

Status NextActor(Store* store, const std::string& name, bool* found,
                 std::string* next_name,
                 std::shared_ptr<const HeadState>* state) {
  std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  std::vector<std::optional<KeyValue>> pairs;
  const std::string start = ActorEntryKey(name);
  if (Status s = reader->Seek(CatalogPartition(), {start}, &pairs); !s.ok()) {
    return s;
  }
  *found =
      pairs[0].has_value() && pairs[0]->key.substr(0, 1) == ActorEntryPrefix();
  if (!*found) return Status::Ok();
  if (Status s = ParseActorEntryKey(pairs[0]->key, next_name); !s.ok()) {
    return s;
  }
  return LoadHeadState(reader.get(), *next_name, state);
}

Status DeleteActor(
    Store* store, const std::string& name,
    const std::function<uint32_t(const HeadState&)>& schema_cookie,
    TxId* txid) {
  return store->actors()->WhileClosed({name}, [&]() -> Status {
    std::shared_ptr<const HeadState> state;
    Status s = LoadPresent(store, name, &state);
    const bool has_head = s.ok() && state->exists;
    // A damaged actor can be deleted, and its name used again: its entry is
    // enough for that.
    if (s.code() == Code::kCorruption) s = LoadEntry(store, name, &state);
    if (!s.ok()) return s;
    Batch batch;
    ActorEntry entry = state->entry;
    // The counters of a legacy actor's database have not been read.
    const Snapshot head = has_head ? state->head.snapshot : Snapshot{};
    const uint32_t stamp =
        head.stamp.value_or(UnknownCounter(entry.stamp_floor, head.txid));
    const uint32_t cookie = has_head
                                ? schema_cookie(*state)
                                : UnknownCounter(entry.cookie_floor, TxId{});
    entry.state = ActorState::kDeleted;
    entry.deleted_at_us = store->clock()->Next(&batch);
    // The next database of the name counts on from here. A connection with the
    // old schema in its memory must see another cookie.
    entry.stamp_floor = std::max(entry.stamp_floor, stamp);
    entry.cookie_floor = std::max(entry.cookie_floor, cookie);
    const std::string key = ActorEntryKey(name);
    batch.Put(CatalogPartition(), key, EncodeRecord(key, entry));
    // Nobody of this process has it open; the guard is for other owners of the
    // store.
    batch.AddGuard(CatalogPartition(), key, state->entry_bytes);
    if (CommitResult result = store->Commit(batch, Durability::kSynced);
        !result.done()) {
      return result.status;
    }
    *txid = state->head.snapshot.txid;
    return Status::Ok();
  });
}

Status RenameActor(Store* store, const std::string& name,
                   const std::string& new_name) {
  if (Status s = CheckActorName(new_name); !s.ok()) return s;
  return store->actors()->WhileClosed({name, new_name}, [&]() -> Status {
    std::shared_ptr<const HeadState> state;
    std::shared_ptr<const HeadState> taken;
    if (Status s = LoadPresent(store, name, &state); !s.ok()) return s;
    std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
    if (Status s = LoadHeadState(reader.get(), new_name, &taken); !s.ok()) {
      return s;
    }
    if (!taken->entry_bytes.empty()) {
      return Status::AlreadyExists(
          std::string(taken->exists || taken->is_legacy
                          ? "the name is taken"
                          : "a deleted actor has the name") +
          ": actor=" + new_name);
    }
    Batch batch;
    const std::string old_key = ActorEntryKey(name);
    const std::string new_key = ActorEntryKey(new_name);
    batch.Put(CatalogPartition(), new_key, EncodeRecord(new_key, state->entry));
    batch.Delete(CatalogPartition(), old_key);
    batch.AddGuard(CatalogPartition(), new_key, std::nullopt);
    batch.AddGuard(CatalogPartition(), old_key, state->entry_bytes);
    return store->Commit(batch, Durability::kSynced).status;
  });
}

}  // namespace actorkv
