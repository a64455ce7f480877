// Flatten: shortens the lineage of an actor's branch.
//
// A transaction that staged leaves one more branch to look through. Flattening
// copies into the head's branch the pages that it sees in its nearer
// ancestors, under the txids they have there, and then makes the next older
// ancestor the parent.
//
// Invariants:
//  1. A copy changes nothing that a snapshot of the branch reads: its txid is
//     below the branch's first commit, and it holds what the snapshot finds
//     anyway. It is a whole page, also of a delta, so that it needs nothing
//     of the ancestor.
//  2. The parent changes after all copies are in the store, in a commit that
//     is guarded by the old branch record. Stopped anywhere, it can begin
//     again; copies are made under the same keys.
//  3. An ancestor that is much larger than all newer branches together stays
//     as it is. So sizes grow geometrically along a lineage: its depth is
//     bounded by the logarithm of the database's size, and a page is copied
//     about as many times, however many large transactions there are.

#ifndef ACTORKV_KV_RECLAIM_FLATTEN_H_
#define ACTORKV_KV_RECLAIM_FLATTEN_H_

#include "kv/store/actor.h"

namespace actorkv {

class Store;

// Does nothing when the lineage is short enough.
Status Flatten(Store* store, Actor* actor);

}  // namespace actorkv

#endif  // ACTORKV_KV_RECLAIM_FLATTEN_H_
