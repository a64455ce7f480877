// BackgroundReclaim: reclaim that begins by itself, a little at a time.
//
// A pass over the store (kv/reclaim/reclaim.h) reads what it may remove. It is
// due
//
//  - when `reclaim_interval_ms` (kv/store/retention.h) has gone by since the
//  last one
//    ended; 0: never;
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

class BackgroundReclaim {
 public:
  explicit BackgroundReclaim(Store* store);
  ~BackgroundReclaim();

  // A bounded piece of the pass that is due or under way; mostly nothing.
  // Errors: those of Reclaimer::Step(); the pass goes on behind them.
  Status Step();

  // Ends the pass under way. What it removed stays removed.
  void GiveUp();

  // A pass is due now, whatever it costs and frees. `now_us`: as in
  // ReclaimOptions.
  void BeginSoonForTesting(uint64_t now_us);

 private:
  using Clock = std::chrono::steady_clock;

  // False: not due yet.
  Status Begin(bool* begun);
  void End();

  Store* const store_;
  std::unique_ptr<Reclaimer> pass_;  // null: none under way
  Clock::time_point last_end_;       // of the last pass, or the beginning
  Clock::duration busy_{};           // with this pass, then with the last one
  uint64_t commit_count_ = 0;        // of the store, when it began
  uint64_t changed_count_ = 0;       // the same, of the pass before
  uint32_t idle_factor_ = 1;         // of the interval
  bool soon_ = false;                // BeginSoonForTesting()
  uint64_t now_us_ = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RECLAIM_BACKGROUND_RECLAIM_H_
