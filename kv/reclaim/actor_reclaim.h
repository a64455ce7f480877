// ActorReclaim: removes everything that is not retained of one actor
// (kv/reclaim/retained.h): versions of pages, commit records, restore points
// that have expired, whole branches and deleted actors. Or says, without
// removing anything, what it would remove.
//
// A pass over one actor, in bounded steps:
//
//   1. Everything that is retained is read, and the records of commits that are
//      not are removed (kv/reclaim/actor_expiry.h).
//   2. Branch by branch, versions that nothing retained reads are removed; of a
//      branch that nothing needs, the whole partition and then its record. The
//      engine gives back the space of each stretch of pages that lost enough.
//   3. The rest of a deleted actor that is over is removed.
//
// Invariants:
//  1. Only unreachable things are removed: pages go after the records of the
//     commits that read them, a branch's record after its pages, a deleted
//     actor's entry last. So it may stop anywhere, and begins again.
//  2. While a commit's record is in the store, all its pages are.
//  3. While a delta (kv/format/page_delta.h) is in the store, so is its base. A
//     base is kept with a delta that is kept, and counts as what that is.
//     Versions of a page are removed newest first, so a stop leaves no delta
//     behind. A delta that is committed meanwhile has as its base the version
//     that the head reads, or that one's base, and both are kept.
//  4. A plan stays good while commits, restores and forks go on: they begin at
//     the head, at what is retained, or fail.
//  5. Nothing waits for it but restores, forks and changes of settings, for one
//     step.
//
// A dry run is the same code without the removals.

#ifndef ACTORKV_KV_RECLAIM_ACTOR_RECLAIM_H_
#define ACTORKV_KV_RECLAIM_ACTOR_RECLAIM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "kv/engine/engine.h"
#include "kv/reclaim/actor_expiry.h"
#include "kv/reclaim/keepers.h"
#include "kv/reclaim/kept_bases.h"
#include "kv/reclaim/removal_check.h"
#include "kv/reclaim/retained.h"

namespace actorkv {

class Store;

// SpaceUse: bytes of chunks, keys and values, that the store holds in the
// branches of an actor.
struct SpaceUse {
  std::string actor;               // empty: its name was taken again
  uint64_t live_bytes = 0;         // the head reads them
  uint64_t history_bytes = 0;      // kept for others
  uint64_t shared_bytes = 0;       // of both, what forks read
  uint64_t reclaimable_bytes = 0;  // and legacy pairs, of a deleted actor
  // A text that says who keeps history (kv/reclaim/keepers.h), and what holds
  // it.
  std::string reason;
};

// ActorReclaim: the pass over one actor.
class ActorReclaim {
 public:
  // `name` is empty where the name was taken again.
  ActorReclaim(Store* store, const std::string& name, const ActorEntry& entry,
               const ReclaimOptions& options);
  ~ActorReclaim();

  // Does a bounded piece of the work. *done: that was the last.
  Status Step(bool* done);

  // The use of space, complete when it is done.
  const SpaceUse& use() const { return use_; }
  bool dropped_branch() const { return dropped_branch_; }

 private:
  struct Version;

  Status StepExpiry();
  Status Delete(Partition partition, const std::string& key);
  Status CommitDeletes();
  // Of what is about to be removed.
  RemovalCheck NewCheck();
  void Describe();
  Status StepBranch();
  Status EndStretch(const std::string& end);
  Status EndBranch();
  Status EndActor();
  Status EndDeleted();
  Status Judge(const RetainedBranch& branch, const Version& version,
               const KeyValue& pair);
  // Finds the keeper of a version; none: nobody keeps it.
  Status FindKeeper(const RetainedBranch& branch, const Version& version,
                    std::optional<Keeper>* keeper);
  bool IsLive(const RetainedBranch& branch, const Version& version) const;
  Status MaxPageCount(const RetainedBranch& branch, uint32_t* page_count);
  // Finds who reads the page through the branch, from what lies below it.
  Status FindChildKeeper(size_t child, PageNo pgno, int depth,
                         std::optional<Keeper>* keeper);
  Status Holds(BranchId branch, PageNo pgno, TxId txid, bool* holds);
  void FindLivePoints();

  Store* const store_;
  const std::string name_;
  ActorEntry entry_;
  const ReclaimOptions options_;
  std::unique_ptr<EngineReader> reader_;
  SpaceUse use_;
  bool dropped_branch_ = false;

  std::unique_ptr<ActorExpiry> expiry_;  // null: it is done
  Retained retained_;
  std::map<BranchId, RetainedPoint> live_;  // points of the head's lineage
  Batch deletes_;

  size_t branch_index_ = 0;
  std::string next_key_;        // of the branch
  PageNo page_ = 0;             // of the last version that was looked at
  uint64_t newer_ = 0;          // its txid
  KeptBases bases_;             // bases of that page
  uint64_t expired_bytes_ = 0;  // bytes of commit records
  uint64_t branch_freed_bytes_ = 0;
  std::string stretch_key_;  // where the stretch begins
  uint64_t stretch_bytes_ = 0;
  uint64_t stretch_freed_bytes_ = 0;
  std::optional<uint32_t> max_page_count_;  // of the branch's stretch
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RECLAIM_ACTOR_RECLAIM_H_
