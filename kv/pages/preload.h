// Preload: an actor that wakes gets the pages that it reads first into the page
// cache together, in the order in which they lie, instead of one after the
// other as they are asked for (kv/cache/hint_learner.h).
//
// Invariants:
//  1. A page enters the cache as it does when it is asked for: as the version
//     that the reader's snapshot sees, verified. So hints, whatever they say,
//     change only when a page is read, never what is read.
//  2. Nobody's read fails because of hints. A page that cannot be preloaded is
//     left to who asks for it.
//  3. No more is read than a small part of what the page cache holds.

#ifndef ACTORKV_KV_PAGES_PRELOAD_H_
#define ACTORKV_KV_PAGES_PRELOAD_H_

#include <memory>

#include "kv/base/status.h"
#include "kv/pages/branch_reader.h"
#include "kv/store/actor.h"
#include "kv/store/hints.h"

namespace actorkv {

class Store;

struct WakeSpec {
  Store* store = nullptr;
  std::shared_ptr<Actor> actor;
  HintsOwner owner;
};

// Wakes the actor, unless it is awake. `reader` reads its head, of which a page
// is missing in the cache. Errors, of interest to people only: those of
// HintQueue::Load().
Status WakeActor(const WakeSpec& spec, BranchReader* reader);

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_PRELOAD_H_
