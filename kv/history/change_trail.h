// Change trail: finds which pages may differ between two versions, from what
// the commits between them say, so that a comparison costs what changed and not
// what the database holds.
//
// The branches of an actor are a tree. A page that differs between two versions
// changed on the way from the newest branch that both have in their lineages
//  - on that branch, by the commits after the older of the two: their records
//    list the pages (CommitRecord::page_list), and each names the commit before
//    it, so that a record that is missing is noticed. One that reclaim removed
//    is not missing where its list is in the next (kv/reclaim/commit_fold.h);
//  - on the branches after it, by any commit: as their records say, or, where
//    one is missing or flattening has copied pages into the branch, as the keys
//    of the branch do.

#ifndef ACTORKV_KV_HISTORY_CHANGE_TRAIL_H_
#define ACTORKV_KV_HISTORY_CHANGE_TRAIL_H_

#include <vector>

#include "kv/base/types.h"
#include "kv/engine/engine.h"
#include "kv/store/actor.h"

namespace actorkv {

// Sets *pages to all pages up to `limit` that the versions, both pinned, do not
// find in the same place, and perhaps others; each once, in order. *known is
// false where that cannot be told, or costs more than to look at `limit` pages.
// Errors: kCorruption; those of the engine.
Status FindChangeTrail(EngineReader* reader, const HeadState& a,
                       const HeadState& b, PageNo limit, bool* known,
                       std::vector<PageNo>* pages);

}  // namespace actorkv

#endif  // ACTORKV_KV_HISTORY_CHANGE_TRAIL_H_
