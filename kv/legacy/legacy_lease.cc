#include "kv/legacy/legacy_lease.h"

#include <utility>

#include "kv/base/thrown.h"
#include "kv/format/keys.h"
#include "kv/store/clock.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

// Errors: those of Engine::IsAlive().
Status LookAtLease(Store* store, const LeaseMark& mark, uint64_t now_us,
                   bool* free) {
  *free = !mark.taken();
  if (*free) return Status::Ok();
  // A lease of this process is looked up and not timed: a thread that waits for
  // a slow disk is still at work.
  if (store->commit_ids()->IsOwn(mark.owner)) {
    *free = !store->leases()->Holds(mark.owner);
    return Status::Ok();
  }
  bool alive = true;
  if (Status s = store->engine()->IsAlive(HostOf(mark.owner), &alive);
      !s.ok()) {
    return s;
  }
  // A heartbeat may lie in the future, where the wall clock was set back: then
  // its distance counts.
  const uint64_t age_us = now_us > mark.heartbeat_us
                              ? now_us - mark.heartbeat_us
                              : mark.heartbeat_us - now_us;
  // An owner that is gone frees its lease at once. Where that cannot be known,
  // the heartbeat tells.
  *free = !alive || age_us > kLeaseLimitUs;
  return Status::Ok();
}

std::string Ago(uint64_t then_us, uint64_t now_us) {
  const uint64_t age_us = now_us > then_us ? now_us - then_us : 0;
  return std::to_string(age_us / 1'000'000) + " s ago";
}

Status BusyError(Store* store, const LegacyActor& actor, uint64_t now_us) {
  const LeaseMark& mark = actor.record.lease;
  return Status::Busy(
      std::string("somebody is at work on the legacy actor: actor=") +
      actor.name + " phase=" + LegacyPhaseName(actor.record.phase) +
      ": begun " + Ago(mark.taken_at_us, now_us) + ", last heard of " +
      Ago(mark.heartbeat_us, now_us) +
      (store->commit_ids()->IsOwn(mark.owner) ? ", in this process"
                                              : ", elsewhere"));
}

}  // namespace

Status CheckLeaseIsFree(Store* store, const LegacyActor& actor) {
  const uint64_t now_us = WallClockUs();
  bool free = false;
  if (Status s = LookAtLease(store, actor.record.lease, now_us, &free);
      !s.ok()) {
    return s;
  }
  return free ? Status::Ok() : BusyError(store, actor, now_us);
}

LegacyLease::LegacyLease(std::shared_ptr<Store> store, LegacyActor actor)
    : store_(std::move(store)),
      actor_(std::move(actor)),
      owner_(store_->commit_ids()->Next()) {
  store_->leases()->Note(owner_, /*held=*/true);
}

LegacyLease::~LegacyLease() {
  // Without memory for that it ends by itself, and here at once:
  // HeldLeases::Note().
  static_cast<void>(IfMemory([this] { (void)Release(); }));
  store_->leases()->Note(owner_, /*held=*/false);
}

Status LegacyLease::Acquire(const std::shared_ptr<Store>& store,
                            const std::string& name,
                            std::unique_ptr<LegacyLease>* lease) {
  return Acquire(
      store, name, [](LegacyRecord*) {}, lease);
}

Status LegacyLease::Acquire(const std::shared_ptr<Store>& store,
                            const std::string& name, const Change& change,
                            std::unique_ptr<LegacyLease>* lease) {
  LegacyActor actor;
  std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  if (Status s = LoadLegacy(reader.get(), name, &actor); !s.ok()) return s;
  reader.reset();
  if (Status s = CheckLeaseIsFree(store.get(), actor); !s.ok()) return s;
  // The lease is noted in this process before it is stored: else another thread
  // could read the stored one, not find it here, and take it for dead.
  std::unique_ptr<LegacyLease> taken(new LegacyLease(store, std::move(actor)));
  LegacyRecord record = taken->record();
  change(&record);
  record.lease.owner = taken->owner_;
  record.lease.taken_at_us = WallClockUs();
  record.lease.heartbeat_us = record.lease.taken_at_us;
  // The lease counts as held whatever the outcome: the destructor looks whether
  // it is.
  taken->held_ = true;
  Status s =
      // Without a sync: a lease that a crash loses belonged to a process that
      // is dead.
      UpdateLegacy(store.get(), record, &taken->actor_, Durability::kBuffered);
  if (s.code() == Code::kConflict) {
    return Status::Busy(
        "somebody else began to work on the legacy actor: "
        "actor=" +
        name);
  }
  if (!s.ok()) return s.WithContext("taking the lease of actor=" + name);
  *lease = std::move(taken);
  return Status::Ok();
}

// Stores `record` while the lease is ours: the guard is the record as it was
// read or written last.
Status LegacyLease::Write(const LegacyRecord& record, Durability durability) {
  Status s = UpdateLegacy(store_.get(), record, &actor_, durability);
  if (s.code() != Code::kConflict) return s;
  held_ = false;
  return Status::Fenced("the lease was lost to somebody else: actor=" +
                        actor_.name);
}

Status LegacyLease::Update(const Change& change) {
  LegacyRecord record = actor_.record;
  change(&record);
  record.lease.heartbeat_us = WallClockUs();
  // What an update says, others rely on: pairs are dropped after it, for
  // example.
  return Write(record, Durability::kSynced);
}

Status LegacyLease::Renew() {
  const uint64_t last_us = actor_.record.lease.heartbeat_us;
  const uint64_t now_us = WallClockUs();
  // Callers renew as often as they like; a write comes of it only now and then.
  // A clock that went back is a reason to write.
  if (now_us >= last_us && now_us - last_us < kLeaseRenewUs) {
    return Status::Ok();
  }
  LegacyRecord record = actor_.record;
  record.lease.heartbeat_us = now_us;
  return Write(record, Durability::kBuffered);
}

void LegacyLease::AddMigrated(const HeadState& made, const Change& change,
                              Batch* batch) const {
  LegacyRecord record = actor_.record;
  change(&record);
  record.state = LegacyState::kLive;
  record.lease = LeaseMark{};
  record.progress = LoadProgress{};
  record.migrated_txid = made.head.snapshot.txid;
  record.migrated_at_us = made.head.committed_at_us;
  record.error.clear();
  const Partition partition = ActorPartition(made.entry.actor);
  const std::string key = LegacyRecordKey();
  batch->Put(partition, key, EncodeRecord(key, record));
  // Head and record are of one commit: a migration that lost its lease cannot
  // make a head.
  batch->AddGuard(partition, key, actor_.record_bytes);
}

Status LegacyLease::Release() {
  if (!held_) return Status::Ok();
  held_ = false;
  // The record is read anew: a commit may have ended the lease, or one whose
  // outcome was not known may have changed the record.
  LegacyActor now;
  std::unique_ptr<EngineReader> reader = store_->engine()->NewReader();
  if (Status s = LoadLegacy(reader.get(), actor_.name, &now); !s.ok()) return s;
  if (now.record.lease.owner != owner_) return Status::Ok();
  LegacyRecord record = now.record;
  record.lease = LeaseMark{};
  if (Status s =
          UpdateLegacy(store_.get(), record, &now, Durability::kBuffered);
      !s.ok()) {
    return s;
  }
  actor_ = std::move(now);
  return Status::Ok();
}

}  // namespace actorkv
