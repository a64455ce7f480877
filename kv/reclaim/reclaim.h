// Reclaim: goes over the actors of a store, or one of them, and removes what is
// not retained of each (kv/reclaim/actor_reclaim.h). Ends deleted actors, too.

#ifndef ACTORKV_KV_RECLAIM_RECLAIM_H_
#define ACTORKV_KV_RECLAIM_RECLAIM_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "kv/base/work_meter.h"
#include "kv/reclaim/actor_reclaim.h"

namespace actorkv {

// Reclaimer: passes over a store, actor by actor.
class Reclaimer {
 public:
  Reclaimer(Store* store, const ReclaimOptions& options);
  ~Reclaimer();

  // Has the pass go over this actor only. REQUIRES: no step was done. Errors:
  // kNotFound.
  Status SelectActor(const std::string& name);

  // Does a bounded piece of the work. *use is set at the end of an actor;
  // *done: there are no more. After an error, which names the actor, the next
  // step goes on behind that one.
  Status Step(std::optional<SpaceUse>* use, bool* done);

  // Has the bytes that were looked at added to a meter, which outlives this
  // object.
  void ShowIn(WorkMeter* work) { work_ = work; }

  uint64_t freed_bytes() const { return freed_bytes_; }
  // Returns true when another round may free more: of branches at which one
  // began that is gone.
  bool dropped_branch() const { return dropped_branch_; }

 private:
  Status NextActor(bool* found);
  void Show();

  Store* const store_;
  const ReclaimOptions options_;
  std::string next_key_;  // the next key of the catalog
  bool one_actor_ = false;
  std::unique_ptr<ActorReclaim> actor_;
  std::string label_;
  WorkMeter* work_ = nullptr;
  uint64_t shown_bytes_ = 0;  // of the actor
  uint64_t freed_bytes_ = 0;
  bool dropped_branch_ = false;
};

// Runs to the end, over the actor of this name, or all. `keep_on` is asked now
// and then; an error of it ends the work. Errors: kNotFound; the first of those
// of single actors, after all others were served.
Status ReclaimAll(Store* store, const std::optional<std::string>& name,
                  const std::function<Status()>& keep_on, uint64_t* bytes);

// Has a deleted actor live again, as it was. *txid: of its head. Errors:
// kNotFound when there is none, or it is over; kAlreadyExists when it is not
// deleted; kBusy when the name is open.
Status UndeleteActor(Store* store, const std::string& name, TxId* txid);

// Removes an actor and its history for good, live, legacy or deleted; what
// forks of it need goes with the last of them. *bytes: what was removed.
// Errors: kNotFound; kBusy when it is open.
Status PurgeActor(Store* store, const std::string& name, uint64_t* bytes);

}  // namespace actorkv

#endif  // ACTORKV_KV_RECLAIM_RECLAIM_H_
