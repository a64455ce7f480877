#include "kv/reclaim/actor_expiry.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "kv/engine/prefix_scan.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/store/retention.h"
#include "kv/store/store.h"
#include "kv/store/time_map.h"

namespace actorkv {

namespace {

// The number of removals in one engine commit.
constexpr size_t kDeletesAtOnce = 256;
constexpr size_t kExpireAtOnce = 4096;  // commits, while others may wait

// The number of plans that may be overtaken before the actor is left for
// another time: a store in which points are made all the time must not hold
// reclaim for ever.
constexpr int kMaxPlans = 100;

// Background work reads a whole branch to free something; it is worthwhile
// from this part of the database on, or from so many bytes.
constexpr uint64_t kWorthwhilePart = 4;
constexpr uint64_t kWorthwhileBytes = uint64_t{64} << 20;

// The status of a visitor that has seen enough.
Status EndOfScan() { return Status::Busy("enough"); }

}  // namespace

ActorExpiry::ActorExpiry(Store* store, std::string name,
                         const ActorEntry& entry, const ReclaimOptions& options)
    : store_(store),
      name_(std::move(name)),
      entry_(entry),
      options_(options),
      reader_(store->engine()->NewReader()) {}

Status ActorExpiry::Step(bool* done) {
  // Each step sees what was committed before it.
  reader_->Refresh();
  *done = false;
  return planned_ ? Expire(done) : Plan(done);
}

// --- The plan ----------------------------------------------------------------

Status ActorExpiry::Plan(bool* done) {
  bool wanted = true;
  {
    const HistoryGate::Exclusive gate(store_->history_gate());
    history_count_ = store_->history_gate()->count();
    if (Status s = IsStillNamed(&wanted); !s.ok()) return s;
    wanted = wanted && ++plan_count_ <= kMaxPlans;
    if (wanted) {
      bool held = false;
      if (Status s = Load(&held); !s.ok()) return s;
      wanted = !held;
    }
  }
  // This reads many records, so it is done without the gate.
  if (wanted && options_.only_where_worthwhile) {
    if (Status s = IsWorthwhile(&wanted); !s.ok()) return s;
  }
  if (!wanted) retained_ = Retained();
  planned_ = true;
  branch_index_ = 0;
  next_key_.clear();
  *done = !wanted || options_.dry_run;
  // No record is removed here, but the pages of the plan are judged next:
  // readers count for that.
  if (*done) AddReaders();
  return Status::Ok();
}

// Looks whether the entry is as it was: the actor may have another name by now,
// under which it is open, or another state.
Status ActorExpiry::IsStillNamed(bool* named) {
  *named = true;
  if (name_.empty() || name_is_free_) return Status::Ok();
  std::optional<ActorEntry> now;
  if (Status s = GetRecord(reader_.get(), CatalogPartition(),
                           ActorEntryKey(name_), &now);
      !s.ok()) {
    return s;
  }
  *named = now.has_value() && now->actor == entry_.actor &&
           now->state == entry_.state &&
           now->deleted_at_us == entry_.deleted_at_us;
  return Status::Ok();
}

// Loads what is retained. *held: nothing of the actor expires at this moment,
// and nothing was loaded.
Status ActorExpiry::Load(bool* held) {
  RetainedQuery query;
  query.actor = entry_.actor;
  query.entry = entry_;
  query.fork_records_come_first =
      !store_->engine()->limits().multi_partition_commit;
  Settings settings;
  if (Status s = store_->settings()->Get(entry_.actor, &settings); !s.ok()) {
    return s;
  }
  query.retention_ms = settings.retention_ms;
  if (options_.waits_for_clock) {
    const HistoryHold hold = store_->clock()->Look();
    const bool purged = entry_.deleted_at_us == kPurgedAtUs;
    // A purge was asked for; no clock has a say in it.
    *held = hold.Covers(query.retention_ms) && !purged;
    if (*held) return Status::Ok();
    // A retention of 0 keeps nothing by time, but points end by it.
    if (hold.left_us != 0) query.held_us = hold.jump_us;
  }
  if (Status s = LoadTimeMap(reader_.get(), store_->clock(), options_.now_us,
                             &query.times);
      !s.ok()) {
    return s;
  }
  return LoadRetained(reader_.get(), query, &retained_);
}

Status ActorExpiry::IsWorthwhile(bool* worthwhile) {
  const auto& branches = retained_.branches;
  *worthwhile =
      retained_.gone || !retained_.expired_keys.empty() ||
      std::any_of(branches.begin(), branches.end(),
                  [](const RetainedBranch& branch) { return !branch.used(); });
  // What goes as a whole costs no reading.
  if (*worthwhile || !retained_.head.has_value()) return Status::Ok();
  const Snapshot& head = retained_.head->snapshot;
  const uint64_t enough =
      std::min(kWorthwhileBytes,
               uint64_t{head.page_count} * head.page_size / kWorthwhilePart);
  uint64_t bytes = 0;
  for (size_t i = 0; i < branches.size() && bytes <= enough; ++i) {
    if (Status s = AddFreed(branches[i], enough, &bytes); !s.ok()) return s;
  }
  *worthwhile = bytes > enough;
  return Status::Ok();
}

// Estimates what goes with the expired commits of a branch: the versions that
// the commits after each of them replaced. Stops where *bytes is past `enough`.
Status ActorExpiry::AddFreed(const RetainedBranch& branch, uint64_t enough,
                             uint64_t* bytes) {
  uint64_t of_next = 0;  // written by the commit after the one looked at
  Status s = ForEachOldCommit(
      branch, "", [&](const KeyValue& pair, TxId txid) -> Status {
        const bool stays = branch.KeepsCommit(txid);
        CommitRecord record;
        Status d = DecodeRecord(pair.key, pair.value, &record);
        // A record that stays may be damaged, and is not counted then.
        if (!d.ok() && !stays) return d;
        if (!stays) *bytes += of_next;
        of_next = record.written_bytes;
        return *bytes > enough ? EndOfScan() : Status::Ok();
      });
  return *bytes > enough ? Status::Ok() : s;
}

// Adds the readers of this process, in an order that misses none: see
// kv/store/pins.h.
void ActorExpiry::AddReaders() {
  if (retained_.branches.empty()) return;  // the actor is left alone
  std::vector<PinnedSnapshot> heads;
  if (!name_.empty()) store_->actors()->AddOpenHead(name_, &heads);
  // Of the head of a connection that reads nothing at the moment.
  for (const PinnedSnapshot& head : heads) retained_.AddReader(head);
  for (const PinnedSnapshot& reader : store_->pins()->Snapshots()) {
    if (retained_.AddReader(reader)) retained_.keepers.AddReader();
  }
}

// --- What is not retained ----------------------------------------------------

Status ActorExpiry::Expire(bool* done) {
  {
    const HistoryGate::Exclusive gate(store_->history_gate());
    if (history_count_ != store_->history_gate()->count()) {
      planned_ = false;
      return Status::Ok();
    }
    if (retained_.gone && !name_.empty() && !name_is_free_) {
      Status s = FreeName();
      name_is_free_ = s.ok();
      // Someone has the actor open, or it was undeleted: it is left for another
      // time.
      if (s.code() == Code::kBusy || s.code() == Code::kConflict) {
        retained_ = Retained();
      } else if (!s.ok()) {
        return s;
      }
    }
    // The pages of the head may go, or some of them. The head goes before the
    // commits, without which it would be damaged.
    if (retained_.gone && retained_.head.has_value()) {
      if (Status s = Delete(HeadKey()); !s.ok()) return s;
      if (Status s = Delete(HintsKey()); !s.ok()) return s;
      retained_.head.reset();
    }
    if (Status s = ExpireCommits(done); !s.ok()) return s;
    if (*done) {
      if (Status s = ExpireRest(); !s.ok()) return s;
    }
  }
  if (*done) AddReaders();
  return Status::Ok();
}

// Frees the name: from there on nobody finds the actor by it, so it cannot be
// undeleted.
Status ActorExpiry::FreeName() {
  return store_->actors()->WhileClosed({name_}, [&]() -> Status {
    const std::string key = ActorEntryKey(name_);
    const std::string old_key = DeletedEntryKey(entry_.actor);
    Batch batch;
    // The guard fails where it was undeleted or renamed since the plan.
    batch.AddGuard(CatalogPartition(), key, EncodeRecord(key, entry_));
    batch.Put(CatalogPartition(), old_key, EncodeRecord(old_key, entry_));
    batch.Delete(CatalogPartition(), key);
    return store_->Commit(batch, Durability::kBuffered).status;
  });
}

Status ActorExpiry::ForEachOldCommit(const RetainedBranch& branch,
                                     const std::string& from,
                                     const Visit& visit) {
  const std::string prefix = CommitPrefix(branch.id);
  std::string start = from.empty() ? prefix : from;
  if (branch.since.has_value() && from.empty()) {
    // Newer commits are all kept. They lie before this one: commit keys go from
    // the newest to the oldest.
    start = CommitKey(branch.id, *branch.since);
  }
  return ForEachPair(reader_.get(),
                     {ActorPartition(entry_.actor), prefix, start},
                     [&](const KeyValue& pair) -> Status {
                       BranchId id;
                       TxId txid;
                       Status p = ParseCommitKey(pair.key, &id, &txid);
                       if (!p.ok()) return p;
                       return visit(pair, txid);
                     });
}

Status ActorExpiry::ExpireCommits(bool* done) {
  size_t left = kExpireAtOnce;
  for (; branch_index_ < retained_.branches.size(); ++branch_index_) {
    const RetainedBranch& branch = retained_.branches[branch_index_];
    Status s = ForEachOldCommit(
        branch, next_key_, [&](const KeyValue& pair, TxId txid) -> Status {
          next_key_ = pair.key;
          // The gate is held: restores and forks wait for this step (invariant
          // of kv/reclaim/actor_reclaim.h, 5).
          if (left == 0) return EndOfScan();
          --left;
          if (!branch.KeepsCommit(txid)) return ExpireCommit(pair);
          PutFold();
          fold_.End();
          // The pages of older commits are of use where one of them stays as
          // well.
          const auto& points = branch.points;
          if (!points.empty() && points.front().txid < txid) {
            fold_.Begin(pair.key, pair.value);
          }
          return Status::Ok();
        });
    *done = false;
    // The next step goes on at next_key_.
    if (!s.ok()) return left == 0 ? CommitDeletes() : s;
    next_key_.clear();
    PutFold();
    // A record that cannot be read says no pages: what is folded behind it
    // would have a hole.
    fold_.End();
  }
  *done = true;
  return CommitDeletes();
}

Status ActorExpiry::ExpireCommit(const KeyValue& pair) {
  CommitRecord record;
  if (DecodeRecord(pair.key, pair.value, &record).ok()) {
    fold_.Add(record);
  } else {
    fold_.End();
  }
  expired_bytes_ += pair.key.size() + pair.value.size();
  return Delete(pair.key);
}

void ActorExpiry::PutFold() {
  if (auto update = fold_.Take(); update.has_value()) {
    // Put and removals are in one batch, so that the list is there when the
    // records that it stands for are gone.
    deletes_.Put(ActorPartition(entry_.actor), update->key, update->value);
  }
}

Status ActorExpiry::ExpireRest() {
  for (const std::string& key : retained_.expired_keys) {
    if (Status s = Delete(key); !s.ok()) return s;
  }
  return CommitDeletes();
}

Status ActorExpiry::Delete(const std::string& key) {
  deletes_.Delete(ActorPartition(entry_.actor), key);
  return deletes_.op_count() < kDeletesAtOnce ? Status::Ok() : CommitDeletes();
}

Status ActorExpiry::CommitDeletes() {
  PutFold();
  if (deletes_.empty()) return Status::Ok();
  const CommitResult result = store_->Commit(deletes_, Durability::kBuffered);
  deletes_.Clear();
  return result.status;
}

}  // namespace actorkv
