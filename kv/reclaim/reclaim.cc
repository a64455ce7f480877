#include "kv/reclaim/reclaim.h"

#include <utility>
#include <vector>

#include "kv/base/affix.h"
#include "kv/base/events.h"
#include "kv/engine/prefix_scan.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/store/store.h"

namespace actorkv {

Reclaimer::Reclaimer(Store* store, const ReclaimOptions& options)
    : store_(store), options_(options), next_key_(ActorEntryPrefix()) {}

Reclaimer::~Reclaimer() = default;

Status Reclaimer::SelectActor(const std::string& name) {
  next_key_ = ActorEntryKey(name);
  one_actor_ = true;
  bool found = false;
  if (Status s = NextActor(&found); !s.ok()) return s;
  if (found && label_ == name) return Status::Ok();
  actor_.reset();
  return Status::NotFound("no such actor: actor=" + name +
                          " store=" + store_->path());
}

// Finds the next actor: first all that have a name, then those whose name was
// taken again.
Status Reclaimer::NextActor(bool* found) {
  *found = false;
  const std::unique_ptr<EngineReader> reader = store_->engine()->NewReader();
  std::vector<std::optional<KeyValue>> pairs;
  if (Status s = reader->Seek(CatalogPartition(), {next_key_}, &pairs);
      !s.ok()) {
    return s;
  }
  const bool named = BeginsWith(next_key_, ActorEntryPrefix());
  const std::string prefix = named ? ActorEntryPrefix() : DeletedEntryPrefix();
  if (!pairs[0].has_value() || !BeginsWith(pairs[0]->key, prefix)) {
    if (!named || one_actor_) return Status::Ok();
    next_key_ = DeletedEntryPrefix();
    return NextActor(found);
  }
  const KeyValue& pair = *pairs[0];
  next_key_ = KeyAfter(pair.key);
  std::string name;
  ActorId id;
  Status s = named ? ParseActorEntryKey(pair.key, &name)
                   : ParseDeletedEntryKey(pair.key, &id);
  ActorEntry entry;
  if (s.ok()) s = DecodeRecord(pair.key, pair.value, &entry);
  label_ = named ? name : "#" + std::to_string(id.value);
  if (!s.ok()) return s.WithContext("actor=" + label_);
  *found = true;
  actor_ = std::make_unique<ActorReclaim>(store_, name, entry, options_);
  return Status::Ok();
}

void Reclaimer::Show() {
  const SpaceUse& use = actor_->use();
  const uint64_t seen_bytes =
      use.live_bytes + use.history_bytes + use.reclaimable_bytes;
  if (seen_bytes > shown_bytes_) AddWork(work_, seen_bytes - shown_bytes_);
  shown_bytes_ = seen_bytes;
}

Status Reclaimer::Step(std::optional<SpaceUse>* use, bool* done) {
  use->reset();
  *done = false;
  if (actor_ == nullptr) {
    bool found = false;
    const std::string key = next_key_;
    Status s = one_actor_ ? Status::Ok() : NextActor(&found);
    // An entry that does not decode was passed over: then there may be more.
    *done = !found && (s.ok() || key == next_key_);
    return s;
  }
  bool actor_done = false;
  const Status s = actor_->Step(&actor_done);
  Show();
  if (s.ok() && !actor_done) return Status::Ok();
  if (s.ok()) *use = actor_->use();
  freed_bytes_ += actor_->use().reclaimable_bytes;
  dropped_branch_ = dropped_branch_ || actor_->dropped_branch();
  actor_.reset();
  shown_bytes_ = 0;
  return s.WithContext("actor=" + label_);
}

// --- To the end --------------------------------------------------------------

namespace {

// The number of rounds: each frees what begins at branches that the round
// before dropped. So many forks of forks can be dropped at once, at most.
constexpr int kMaxRounds = 100;

constexpr uint64_t kWriteOutBytes = uint64_t{1} << 20;

Status RunToEnd(Reclaimer* reclaimer, const std::function<Status()>& keep_on) {
  Status first;
  for (bool done = false; !done;) {
    if (Status s = keep_on(); !s.ok()) return s;
    std::optional<SpaceUse> use;
    const Status s = reclaimer->Step(&use, &done);
    if (first.ok()) first = s;
  }
  return first;
}

Status LoadEntry(Store* store, const std::string& name, std::string* bytes,
                 ActorEntry* entry) {
  const std::string key = ActorEntryKey(name);
  const std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  std::optional<std::string> value;
  if (Status s = GetValue(reader.get(), CatalogPartition(), key, &value);
      !s.ok()) {
    return s;
  }
  if (!value.has_value()) {
    return Status::NotFound("no such actor: actor=" + name +
                            " store=" + store->path());
  }
  *bytes = std::move(*value);
  return DecodeRecord(key, *bytes, entry).WithContext("actor=" + name);
}

// Finds what a deleted actor was: live or legacy.
Status FindStateBefore(EngineReader* reader, ActorEntry* entry, TxId* txid) {
  std::vector<std::optional<std::string>> values;
  const std::string head_key = HeadKey();
  if (Status s = reader->Get(ActorPartition(entry->actor),
                             {head_key, LegacyRecordKey()}, &values);
      !s.ok()) {
    return s;
  }
  entry->deleted_at_us = 0;
  if (!values[0].has_value()) {
    entry->state = ActorState::kLegacy;
    return values[1].has_value() ? Status::Ok()
                                 : Status::Corruption("head record missing");
  }
  Head head;
  if (Status s = DecodeRecord(head_key, *values[0], &head); !s.ok()) return s;
  entry->state = ActorState::kLive;
  *txid = head.snapshot.txid;
  return Status::Ok();
}

}  // namespace

Status ReclaimAll(Store* store, const std::optional<std::string>& name,
                  const std::function<Status()>& keep_on, uint64_t* bytes) {
  const ReclaimTurns::Turn turn = store->reclaim_turns()->Begin();
  if (Status s = store->reclaim_turns()->CheckNotHeld(); !s.ok()) return s;
  const EventTimer timer;
  WorkMeter work = store->BeginWork(WorkKind::kReclaim, name.value_or(""));
  work.Enter("compact");
  uint64_t freed = 0;
  Status first = store->engine()->FinishCompactions();
  for (int round = 0; round < kMaxRounds; ++round) {
    Reclaimer reclaimer(store, ReclaimOptions());
    reclaimer.ShowIn(&work);
    work.Enter("remove");
    if (name.has_value()) {
      if (Status s = reclaimer.SelectActor(*name); !s.ok()) return s;
    }
    const Status s = RunToEnd(&reclaimer, keep_on);
    if (first.ok()) first = s;
    freed += reclaimer.freed_bytes();
    // Only a branch that went can have kept another actor's pages.
    if (!s.ok() || name.has_value() || !reclaimer.dropped_branch()) break;
  }
  // Small records hold back the log, which holds what was written, until they
  // are written out as well.
  if (first.ok() && freed >= kWriteOutBytes) {
    work.Enter("compact");
    first = store->engine()->Compact(CatalogPartition(), "", "");
  }
  NoteEvent({EventKind::kReclaimPass, store->path(), name.value_or(""),
             "asked for: freed " + std::to_string(freed) + " bytes",
             timer.elapsed_us()});
  if (first.ok()) *bytes = freed;
  return first;
}

Status UndeleteActor(Store* store, const std::string& name, TxId* txid) {
  return store->actors()->WhileClosed({name}, [&]() -> Status {
    std::string bytes;
    ActorEntry entry;
    if (Status s = LoadEntry(store, name, &bytes, &entry); !s.ok()) return s;
    if (entry.state != ActorState::kDeleted) {
      return Status::AlreadyExists("the actor is not deleted: actor=" + name);
    }
    const std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
    TxId head_txid;
    if (Status s = FindStateBefore(reader.get(), &entry, &head_txid); !s.ok()) {
      return s.WithContext("actor=" + name);
    }
    const std::string key = ActorEntryKey(name);
    Batch batch;
    batch.Put(CatalogPartition(), key, EncodeRecord(key, entry));
    batch.AddGuard(CatalogPartition(), key, bytes);
    const CommitResult result = store->Commit(batch, Durability::kSynced);
    if (result.done()) *txid = head_txid;
    return result.status;
  });
}

Status PurgeActor(Store* store, const std::string& name, uint64_t* bytes) {
  const ReclaimTurns::Turn turn = store->reclaim_turns()->Begin();
  if (Status s = store->reclaim_turns()->CheckNotHeld(); !s.ok()) return s;
  return store->actors()->WhileClosed({name}, [&]() -> Status {
    std::string entry_bytes;
    ActorEntry entry;
    if (Status s = LoadEntry(store, name, &entry_bytes, &entry); !s.ok()) {
      return s;
    }
    entry.state = ActorState::kDeleted;
    // So long ago that no retention keeps anything.
    entry.deleted_at_us = kPurgedAtUs;
    const std::string key = ActorEntryKey(name);
    const std::string old_key = DeletedEntryKey(entry.actor);
    Batch batch;
    batch.AddGuard(CatalogPartition(), key, entry_bytes);
    batch.Put(CatalogPartition(), old_key, EncodeRecord(old_key, entry));
    batch.Delete(CatalogPartition(), key);
    if (CommitResult result = store->Commit(batch, Durability::kSynced);
        !result.done()) {
      return result.status;
    }
    // The name is free by here; if this stops, the background goes on with it.
    ActorReclaim reclaim(store, "", entry, ReclaimOptions());
    for (bool done = false; !done;) {
      if (Status s = reclaim.Step(&done); !s.ok()) return s;
    }
    *bytes = reclaim.use().reclaimable_bytes;
    // The removals were not synced one by one; a purge promises that they are.
    return store->engine()->Sync();
  });
}

}  // namespace actorkv
