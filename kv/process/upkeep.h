// Upkeep: what is done for an open store in the background. It drops what
// transactions and imports left behind, flattens branches, writes hints, and
// reclaims a little at a time.
//
// Who opens a store makes one for it, loads it, and calls Maintain() now and
// then. There is one for each store, and it goes before the store does.
//
// A dead stage or import may turn out to be in use: what says so is looked at
// again before anything is dropped.
//
// Thread-safe. It takes the store's turn to reclaim (kv/store/reclaim_turns.h)
// first, and never waits for it: what needs the turn comes back later.

#ifndef ACTORKV_KV_PROCESS_UPKEEP_H_
#define ACTORKV_KV_PROCESS_UPKEEP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "kv/base/status.h"
#include "kv/base/types.h"
#include "kv/engine/engine.h"
#include "kv/reclaim/background_reclaim.h"

namespace actorkv {

class Actor;
class Store;
struct StageRecord;

class Upkeep {
 public:
  explicit Upkeep(Store* store);
  // Waits for the reclaim that is under way.
  ~Upkeep();
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;

  // Finds what dead owners left. Right after Store::Open(), before anybody
  // uses the store; nothing for a follower, which drops nothing. Errors:
  // kCorruption; kIOError.
  Status Load();

  // A bounded piece of work: drops a dead stage or import, flattens a branch,
  // writes the hints of an actor, or reclaims a little. *more: there is more to
  // do at once. Errors: what it was about is tried again; kBusy while somebody
  // else reclaims.
  Status Maintain(bool* more);

  // Background reclaim begins its next pass now, as at `now_us` of the wall
  // clock (0: by that), also where it is turned off.
  void ReclaimSoonForTesting(uint64_t now_us = 0);

  // Called before the store's last use: writes the hints that wait, and closes
  // it.
  void Close();

 private:
  // Calls `add` with the stage record of `pair` where its owner is dead.
  Status IfDead(const KeyValue& pair,
                const std::function<Status(const StageRecord&)>& add);
  Status DropStage(ActorId actor, BranchId branch);
  Status DropImport(LegacyId legacy);
  Status FlattenOne(const std::shared_ptr<Actor>& actor);
  void QueueWhatIsLearned();
  Status WriteHintsOfOne();
  Status ReclaimSome();

  Store* const store_;
  BackgroundReclaim background_reclaim_;  // in a turn to reclaim
};

}  // namespace actorkv

#endif  // ACTORKV_KV_PROCESS_UPKEEP_H_
