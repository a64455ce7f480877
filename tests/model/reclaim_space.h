// What there is and should be of an actor: for reclaim_model_test.cc.

#ifndef ACTORKV_TESTS_MODEL_RECLAIM_SPACE_H_
#define ACTORKV_TESTS_MODEL_RECLAIM_SPACE_H_

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "kv/store/actor.h"
#include "tests/model/reclaim_oracle.h"
#include "tests/support/store_harness.h"

namespace actorkv {

struct SpaceLeft {
  size_t chunks = 0;
  size_t deltas = 0;    // of them
  size_t unneeded = 0;  // that nobody reads: not even as the base of a delta
};

// Looks at every chunk in the actor's branches. `versions`: those that are
// read, with the lineages that they have now.
SpaceLeft LookAtSpace(
    const TestStore& store, ActorId actor,
    const std::vector<std::shared_ptr<const HeadState>>& versions);

// The same version, with the lineage that a reader would find now.
std::shared_ptr<const HeadState> WithLineageOfNow(const TestStore& store,
                                                  const HeadState& version);

// The first differs in its counters.
void ExpectSameButFirst(const std::vector<std::string>& pages,
                        const std::vector<std::string>& source);

// What the head, restore points and readers read of the actor. False where a
// reader goes a longer way than it had to, or comes from a fork: that keeps
// more.
bool FindKept(const TestStore& store, const Line& line,
              const std::deque<Reader>& readers,
              std::vector<std::shared_ptr<const HeadState>>* kept);

// Pages of the version may come from branches of the actor.
bool GoesThrough(const HeadState& version, ActorId actor);

// The keys in the actor's partition that begin with the prefix.
std::vector<std::string> RecordKeys(const TestStore& store, ActorId actor,
                                    const std::string& prefix);

}  // namespace actorkv

#endif  // ACTORKV_TESTS_MODEL_RECLAIM_SPACE_H_
