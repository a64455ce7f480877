// NeededSnapshots: who reads an actor's pages, or may at any time, as it is at
// this moment: for checks of what reclaim removes (kv/reclaim/removal_check.h).
// Unlike the plan (kv/reclaim/retained.h) it knows nothing of branches and
// stretches, and nothing of the retention.

#ifndef ACTORKV_KV_RECLAIM_NEEDED_SNAPSHOTS_H_
#define ACTORKV_KV_RECLAIM_NEEDED_SNAPSHOTS_H_

#include <string>
#include <vector>

#include "kv/base/types.h"
#include "kv/engine/engine.h"
#include "kv/store/pins.h"

namespace actorkv {

struct NeededSnapshot {
  std::string who;  // reads it, for people
  PinnedSnapshot read;
};

// Finds the head of the actor, its restore points and forks, those of
// `counted`, which the plan has found pinned, and of the pins of this moment
// those whose commit record is there after it: kv/store/pins.h says why no
// other pin counts. Pins may be of other actors. What is damaged is left out.
std::vector<NeededSnapshot> FindNeededSnapshots(
    Engine* engine, PinTable* pins, ActorId actor,
    const std::vector<PinnedSnapshot>& counted);

}  // namespace actorkv

#endif  // ACTORKV_KV_RECLAIM_NEEDED_SNAPSHOTS_H_
