// ReclaimTurns: who may reclaim in a store, one at a time: a call
// (kv/reclaim/reclaim.h), or the background (kv/process/upkeep.h), which also
// flattens and writes hints only in its turn.
//
// A call waits for its turn. The background does not, and its pass over the
// store, which goes on through many turns, is given up for a call: what a pass
// reads is kept from being removed.
//
// Thread-safe. Who waits for a turn holds no other lock of the store.

#ifndef ACTORKV_KV_STORE_RECLAIM_TURNS_H_
#define ACTORKV_KV_STORE_RECLAIM_TURNS_H_

#include <functional>
#include <mutex>
#include <utility>

namespace actorkv {

class ReclaimTurns {
 public:
  // Owns the turn, until it goes.
  using Turn = std::unique_lock<std::mutex>;

  ReclaimTurns() = default;
  ReclaimTurns(const ReclaimTurns&) = delete;
  ReclaimTurns& operator=(const ReclaimTurns&) = delete;

  // Of a call: waits for its turn, then has the background give up its pass.
  [[nodiscard]] Turn Begin() {
    Turn turn(mutex_);
    if (give_up_ != nullptr) give_up_();
    return turn;
  }

  // Of the background: owns nothing while somebody else has the turn.
  [[nodiscard]] Turn TryBegin() { return Turn(mutex_, std::try_to_lock); }

  // How a pass in the background is given up: called by each Begin(), in its
  // turn. Null: there is none. Waits for who has the turn.
  void SetBackground(std::function<void()> give_up) {
    const Turn turn(mutex_);
    give_up_ = std::move(give_up);
  }

 private:
  std::mutex mutex_;  // the turn
  std::function<void()> give_up_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_RECLAIM_TURNS_H_
