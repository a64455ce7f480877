// RemovalCheck: a check of what reclaim is about to remove of an actor
// (kv/base/invariant.h). It does not go by the plan (kv/reclaim/retained.h),
// but asks for each version who finds it, in the way in which a reader looks
// for it:
//
//  - those who read the actor's pages (kv/reclaim/needed_snapshots.h);
//  - every commit of the same branch whose record is there (kv/README.md,
//    invariant 8);
//  - a delta that stays, whose base it is (invariant 9).
//
// It sees the store as it is when it is made. Belongs to one thread at a time.

#ifndef ACTORKV_KV_RECLAIM_REMOVAL_CHECK_H_
#define ACTORKV_KV_RECLAIM_REMOVAL_CHECK_H_

#include <memory>
#include <string>
#include <vector>

#include "kv/base/types.h"
#include "kv/engine/engine.h"
#include "kv/format/chunk.h"
#include "kv/pages/branch_reader.h"
#include "kv/reclaim/needed_snapshots.h"

namespace actorkv {

class RemovalCheck {
 public:
  // `needed` are those that are not to lose a page. The engine must outlive the
  // object.
  RemovalCheck(Engine* engine, ActorId actor,
               std::vector<NeededSnapshot> needed);

  // Looks at the versions of pages that the batch removes, and at nothing else
  // in it. Returns what is broken, and where; empty: nothing.
  std::string BreachIn(const Batch& removals);

  // The same for a branch that goes as a whole: no lineage has it, and no
  // commit.
  std::string BreachInDrop(BranchId branch);

 private:
  struct Look {
    NeededSnapshot needed;
    std::unique_ptr<BranchReader> reader;
  };

  std::string BreachOf(const ChunkId& id, const Batch& removals);
  std::string BreachOfLook(const ChunkId& id, Look* look) const;
  std::string BreachOfDeltas(const ChunkId& id, const Batch& removals,
                             TxId* newer);
  std::string BreachOfCommits(const ChunkId& id, TxId newer);

  const ActorId actor_;
  const std::unique_ptr<EngineReader> reader_;
  std::vector<Look> looks_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RECLAIM_REMOVAL_CHECK_H_
