// History: the commits of one actor, over all its branches.
//
// Txids of an actor only go up, whatever branch they are on, and so do the
// times of its commits. So its commits are one line in time: at each moment
// the newest one was its head, also where a restore has left it since. Each
// branch holds one stretch of that line.
//
// A commit whose record reclaim has removed is not in it any more. So the line
// has gaps: between a commit that a restore point keeps and those within the
// retention. A commit says which one it replaced (CommitRecord::replaced_txid);
// where that is not the one before it that is there, it lies behind a gap, and
// what was the head in the meantime is not known any more.
//
// Belongs to one thread at a time.

#ifndef ACTORKV_KV_HISTORY_HISTORY_H_
#define ACTORKV_KV_HISTORY_HISTORY_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kv/engine/engine.h"
#include "kv/format/records.h"
#include "kv/store/actor.h"
#include "kv/store/time_map.h"

namespace actorkv {

class Store;

// CommitsAround: the newest commit at or before a moment, and the oldest after
// it.
struct CommitsAround {
  std::optional<CommitRecord> before;
  std::optional<CommitRecord> after;

  // Returns true when `before` was the head at the moment, and not a commit
  // that expired.
  bool IsKnown() const {
    return before.has_value() &&
           (!after.has_value() || Replaces(*after, before->snapshot.txid));
  }
};

class History {
 public:
  // `reader` must outlive it.
  History(EngineReader* reader, ActorId actor);

  // Reads which branches there are; to be called first. Errors: kCorruption;
  // kIOError.
  Status Load();

  // Finds the commit `txid`; *found is false when there is none.
  Status Find(TxId txid, bool* found, CommitRecord* record);

  // Finds the newest commit at or before `txid`.
  Status FindBefore(TxId txid, bool* found, CommitRecord* record);

  // Finds the commits around `at_us`, a time of the store.
  Status FindAround(uint64_t at_us, CommitsAround* around);

  // Describes the oldest commit, as "17 of 2026-11-20T10:00:00.000000Z"; empty
  // when there is none, or that cannot be read.
  std::string DescribeOldest(const TimeMap& times);

  // These find the newest and the oldest commit that there is.
  Status FindNewest(bool* found, CommitRecord* record);
  Status FindOldest(bool* found, CommitRecord* record);

 private:
  struct Branch {
    BranchId id;
    TxId first_txid;
  };

  // Finds the newest commit of `branch` at or before `txid`.
  Status FindOn(const Branch& branch, TxId txid, bool* found,
                CommitRecord* record);

  EngineReader* const reader_;
  const ActorId actor_;
  std::vector<Branch> branches_;  // newest first
};

// CommitScan: gives the commits of an actor, newest first.
class CommitScan {
 public:
  CommitScan(EngineReader* reader, ActorId actor) : history_(reader, actor) {}

  Status Next(bool* found, CommitRecord* record);

 private:
  History history_;
  bool loaded_ = false;
  TxId next_;  // look at or before this one
};

// Loads the actor as it was at a commit of it: what HeadState is for the head.
// `state` is the actor's at present, also a deleted one's. Errors: kCorruption
// when a branch record is missing.
Status LoadVersion(EngineReader* reader, const HeadState& state,
                   const CommitRecord& record,
                   std::shared_ptr<const HeadState>* version);

// Loads the same, and pins it for as long as `pin` holds it. Errors, with
// nothing pinned: kConflict when it cannot be read any more; kCorruption.
Status PinCommit(Store* store, const HeadState& state,
                 const CommitRecord& record, Pin* pin,
                 std::shared_ptr<const HeadState>* version);

// Makes the commit in `batch` fail when the version cannot be restored any
// more, so that nothing is built on what reclaim removes meanwhile. Errors:
// kConflict when that is so already.
Status GuardVersion(Store* store, const HeadState& version, Batch* batch);

// Pins a version for as long as `pin` holds it. Errors: kConflict when it
// cannot be read any more; then nothing is pinned.
Status PinVersion(Store* store, const HeadState& version, Pin* pin);

// Looks, after each read of a version by a follower, whether the commit is
// still there, as the process that writes does not know a follower's pins: then
// all its pages were there when they were read. *epoch is Store::epoch() of the
// last look, and 0 before the first. So too in a process that shares the store,
// once its owner has taken pins away: *epoch is that from before the version
// was pinned. Ok in the owner. Errors: kConflict when it has expired: what was
// read may be of another commit.
Status CheckNotExpired(Store* store, const HeadState& version, uint64_t* epoch);

// Describes a commit as "17 of 2026-11-20T10:00:00.000000Z".
std::string DescribeCommit(const CommitRecord& record, const TimeMap& times);

}  // namespace actorkv

#endif  // ACTORKV_KV_HISTORY_HISTORY_H_
