// PageListCheck: a check of a commit that is about to be made
// (kv/base/invariant.h): of the pages that it says it stores.

#ifndef ACTORKV_KV_PAGES_PAGE_LIST_CHECK_H_
#define ACTORKV_KV_PAGES_PAGE_LIST_CHECK_H_

#include <string>

#include "kv/engine/engine.h"
#include "kv/store/actor.h"

namespace actorkv {

// The commit record names the pages whose chunks the commit stores, in its
// batch, or, where it begins a branch, in that since its beginning. And they
// include each page by which the database grew (kv/README.md, invariant 3).
// `made` is the state that the commit makes. Returns what is broken, and where;
// empty: nothing.
std::string BreachInPageList(Engine* engine, const HeadState& made,
                             const Batch& batch);

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_PAGE_LIST_CHECK_H_
