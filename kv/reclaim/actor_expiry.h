// ActorExpiry: the first half of reclaiming one actor: finds what of it is
// retained (kv/reclaim/retained.h), and ends the commits that are not. The
// other half is kv/reclaim/actor_reclaim.h.
//
//   1. Everything that is retained is read.
//   2. The records of commits that are not are removed, some thousand at a
//      time; what they changed goes into the next that stays, where an older
//      one stays too (kv/reclaim/commit_fold.h). Where somebody made more of
//      the past needed meanwhile (HistoryGate::Keep()), it begins again at 1;
//      he waits for one step.
//   3. The snapshots that this process reads are added. See kv/store/pins.h for
//      why none is missed.
//
// After that the plan stays good while commits, restores and forks go on: they
// begin at the head, at what is retained, or fail.
//
// Reclaims of a store take turns (ReclaimTurns::Begin()), so no other one
// removes a record that this one writes anew.
//
// A dry run removes nothing.

#ifndef ACTORKV_KV_RECLAIM_ACTOR_EXPIRY_H_
#define ACTORKV_KV_RECLAIM_ACTOR_EXPIRY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "kv/engine/engine.h"
#include "kv/reclaim/commit_fold.h"
#include "kv/reclaim/retained.h"

namespace actorkv {

class Store;

struct ReclaimOptions {
  bool dry_run = false;
  // Leaves an actor alone as long as it would free little for its reading.
  bool only_where_worthwhile = false;
  // True where nobody asked for the pass: the history that a jump of the wall
  // clock made look old stays for a while (HistoryHold in kv/store/clock.h).
  bool waits_for_clock = false;
  uint64_t now_us = 0;  // the time of the wall; 0: that of the clock
};

class ActorExpiry {
 public:
  // `name` is empty where the name was taken again.
  ActorExpiry(Store* store, std::string name, const ActorEntry& entry,
              const ReclaimOptions& options);

  // Does a bounded piece of the work. *done: that was the last.
  Status Step(bool* done);

  // The result when it is done; empty where the actor is left for another time.
  const Retained& retained() const { return retained_; }
  // The bytes of the records that it removed.
  uint64_t expired_bytes() const { return expired_bytes_; }

 private:
  Status Plan(bool* done);
  Status Load(bool* held);
  Status IsStillNamed(bool* named);
  Status IsWorthwhile(bool* worthwhile);
  Status AddFreed(const RetainedBranch& branch, uint64_t enough,
                  uint64_t* bytes);
  Status FreeName();
  Status Expire(bool* done);
  Status ExpireCommits(bool* done);
  Status ExpireRest();
  using Visit = std::function<Status(const KeyValue&, TxId txid)>;
  // Visits commits from the oldest one that the branch keeps for itself on,
  // newest first. Begins at the key `from`; empty: at the first.
  Status ForEachOldCommit(const RetainedBranch& branch, const std::string& from,
                          const Visit& visit);
  Status ExpireCommit(const KeyValue& pair);
  void PutFold();
  Status Delete(const std::string& key);
  Status CommitDeletes();
  void AddReaders();

  Store* const store_;
  const std::string name_;
  const ActorEntry entry_;
  const ReclaimOptions options_;
  const std::unique_ptr<EngineReader> reader_;
  Batch deletes_;  // and what stands for removed ones: see commit_fold.h
  CommitFold fold_;

  bool planned_ = false;
  int plan_count_ = 0;
  uint64_t history_count_ = 0;  // HistoryGate::count() of the plan
  bool name_is_free_ = false;   // FreeName() is done
  Retained retained_;
  uint64_t expired_bytes_ = 0;
  size_t branch_index_ = 0;  // the branch whose commits expire
  std::string next_key_;     // the next of these commits; empty: the first
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RECLAIM_ACTOR_EXPIRY_H_
