// WorkQueue: what waits to be done for a store in the background, by
// kv/process/upkeep.h.
//
// All of it is found again when the store is opened next, or when the actor
// is: what there is no memory for is let be.
//
// Thread-safe. Its mutex is taken last: nothing is called while it is held.

#ifndef ACTORKV_KV_STORE_WORK_QUEUE_H_
#define ACTORKV_KV_STORE_WORK_QUEUE_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "kv/base/types.h"

namespace actorkv {

class Actor;

class WorkQueue {
 public:
  // A piece of work: one of these, or nothing at all.
  struct Piece {
    ActorId actor;                  // of the dead stage
    BranchId stage;                 // BranchId{}: no stage
    LegacyId import;                // LegacyId{}: no import
    std::weak_ptr<Actor> flattens;  // empty: no actor
  };

  // Who does not own the store flattens nothing, so it takes no actors.
  explicit WorkQueue(bool is_owner) : is_owner_(is_owner) {}
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // A stage that no transaction will commit any more.
  void AddDeadStage(ActorId actor, BranchId branch) noexcept;

  // An import of legacy pairs that ended. Its pairs are dropped unless an actor
  // has them.
  void AddDeadImport(LegacyId legacy) noexcept;

  // Asks for a look at the depth of this actor's branch. Does nothing when too
  // many wait.
  void SuggestFlatten(const std::shared_ptr<Actor>& actor) noexcept;

  // Something waits. Costs no lock.
  bool is_waiting() const { return waits_.load(); }

  // Stages first, then imports, then actors; of each the one that came last.
  // *more: something is left.
  Piece Take(bool* more);

 private:
  static constexpr size_t kMaxActors = 4096;

  struct Stage {
    ActorId actor;
    BranchId branch;
  };

  const bool is_owner_;

  std::mutex mutex_;  // of what follows
  std::vector<Stage> stages_;
  std::vector<LegacyId> imports_;
  std::vector<std::weak_ptr<Actor>> actors_;
  std::atomic<bool> waits_{false};  // in one of the three above
};

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_WORK_QUEUE_H_
