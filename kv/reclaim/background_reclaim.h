// BackgroundReclaim: reclaims by itself, a little at a time.
//
// A pass over the store (kv/reclaim/reclaim.h) reads what it may remove. It is
// due
//
//  - when `reclaim_interval_ms` (kv/store/retention.h) has gone by since the
//    last one ended; 0: never;
//  - but not so soon that passes would take more than a part of the time;
//  - and in a store that nobody writes to, and where the last pass freed
//    nothing, after twice as long each time, up to an hour: there only time
//    makes history expire.
//
// An actor of which little would be freed for the reading is left for later
// (ReclaimOptions::only_where_worthwhile).
//
// Belongs to one thread at a time, which has the store's turn to reclaim
// (kv/store/reclaim_turns.h).

#ifndef ACTORKV_KV_RECLAIM_BACKGROUND_RECLAIM_H_
#define ACTORKV_KV_RECLAIM_BACKGROUND_RECLAIM_H_

#include <chrono>
#include <cstdint>
#include <memory>

#include "kv/base/status.h"

namespace actorkv {

class Reclaimer;
class Store;
class WorkMeter;

class BackgroundReclaim {
 public:
  explicit BackgroundReclaim(Store* store);
  ~BackgroundReclaim();

  // Does a bounded piece of the pass that is due or under way; mostly nothing.
  // Errors: those of Reclaimer::Step(); the pass goes on behind them.
  Status Step();

  // Ends the pass under way. Anything that it removed stays removed.
  void GiveUp();

  // Makes a pass due at once, whatever it costs and frees. `now_us`: as in
  // ReclaimOptions.
  void BeginSoonForTesting(uint64_t now_us);

 private:
  using Clock = std::chrono::steady_clock;

  // Begins a pass; *begun is false where none is due yet.
  Status Begin(bool* begun);
  void End();

  Store* const store_;
  std::unique_ptr<WorkMeter> work_;  // shows the pass
  std::unique_ptr<Reclaimer> pass_;  // null: none under way
  Clock::time_point last_end_;       // end of the last pass, or the beginning
  Clock::duration busy_{};  // the time spent with this pass, then with the last
  uint64_t commit_count_ = 0;   // the store's, when the pass began
  uint64_t changed_count_ = 0;  // the same number for the pass before
  uint32_t idle_factor_ = 1;    // multiplies the interval
  bool soon_ = false;           // BeginSoonForTesting()
  uint64_t now_us_ = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RECLAIM_BACKGROUND_RECLAIM_H_
