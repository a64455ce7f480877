// ReclaimTurns: who may reclaim in a store, one at a time: a call
// (kv/reclaim/reclaim.h), or the background (kv/process/upkeep.h), which also
// flattens and writes hints only in its turn.
//
// A call waits for its turn. The background does not, and its pass over the
// store, which goes on through many turns, is given up for a call: what a pass
// reads is kept from being removed.
//
// Invariants:
//  1. No page goes that a live process may still read. The owner of a store
//     knows what the others read by their sessions. One that became the owner
//     while others were at work in the store, which have not told it yet,
//     removes nothing for kTimeToTell.
//
// Thread-safe. Who waits for a turn holds no other lock of the store.

#ifndef ACTORKV_KV_STORE_RECLAIM_TURNS_H_
#define ACTORKV_KV_STORE_RECLAIM_TURNS_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <utility>

#include "kv/base/status.h"

namespace actorkv {

class ReclaimTurns {
 public:
  // Owns the turn, until it goes.
  using Turn = std::unique_lock<std::mutex>;

  static constexpr std::chrono::seconds kTimeToTell{60};

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

  // Nothing is to be removed for kTimeToTell from now on.
  void Hold() { held_until_ = Clock::now() + kTimeToTell; }

  // Whoever removes pages asks in its turn. Errors: kBusy while it may not.
  Status CheckNotHeld() const {
    const Clock::time_point until = held_until_;
    const Clock::time_point now = Clock::now();
    if (now >= until) return Status::Ok();
    const auto left =
        std::chrono::duration_cast<std::chrono::seconds>(until - now).count();
    return Status::Busy(
        "other processes may still read what would be removed, as the store "
        "got another owner: try again in " +
        std::to_string(left + 1) + " s");
  }

 private:
  using Clock = std::chrono::steady_clock;

  std::atomic<Clock::time_point> held_until_{Clock::time_point::min()};
  std::mutex mutex_;  // the turn
  std::function<void()> give_up_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_RECLAIM_TURNS_H_
