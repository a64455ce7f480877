// Lineage: a branch and its ancestors, as far as its pages may come from them.

#ifndef ACTORKV_KV_STORE_LINEAGE_H_
#define ACTORKV_KV_STORE_LINEAGE_H_

#include <memory>
#include <vector>

#include "kv/base/types.h"
#include "kv/engine/engine.h"
#include "kv/format/records.h"

namespace actorkv {

// Newest first. The first entry is the branch itself, and a reader bounds it
// by the txid of its snapshot; the others are bounded by the point at which
// the branch before them began.
using Lineage = std::vector<BranchPoint>;

// Follows the branch records from `branch` of `actor` to the branch that has
// no parent. Each parent is an older branch (kv/format/records.h), so that
// comes to an end. Errors: kCorruption when a record is missing or damaged, or
// there are more than any branch has.
Status LoadLineage(EngineReader* reader, ActorId actor, BranchId branch,
                   std::shared_ptr<const Lineage>* lineage);

// The same for the branch of a head or commit. Errors: kCorruption also where
// that is older than its branch.
Status LoadLineageOf(EngineReader* reader, ActorId actor,
                     const Snapshot& snapshot,
                     std::shared_ptr<const Lineage>* lineage);

// The record of one branch. Errors: kCorruption when it is missing or damaged.
Status LoadBranchRecord(EngineReader* reader, ActorId actor, BranchId branch,
                        BranchRecord* record);

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_LINEAGE_H_
