// TimeMap: what the times of a store (kv/store/clock.h) mean on the wall, and
// back.
//
// The wall time of a store's time is read off the clock step that it lies in,
// and then made monotonic from the newest backwards: what came before a step
// was not later than the step, and nothing was later than now. So where a clock
// was ahead once and was set right, the commits of that while are of the moment
// at which it was set right, at the latest.
//
// A step back that was undone in the same boot of the machine is another case:
// where the clock since boot says that the wall clock jumped ahead again by
// what it had gone back, it was behind in between, and that while is read by
// the clock since boot.
//
// Invariants:
//  1. Wall() never falls as its argument rises.
//  2. Wall(x) <= w exactly where x <= Cut(w). So a moment is one cut through
//     all times of a store, and a transaction over several actors, whose
//     commits have one time, is on one side of it.
//
// A value; of a moment, as it knows what time it is.

#ifndef ACTORKV_KV_STORE_TIME_MAP_H_
#define ACTORKV_KV_STORE_TIME_MAP_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "kv/format/history_records.h"
#include "kv/store/clock.h"
#include "kv/store/clock_step.h"

namespace actorkv {

class TimeMap {
 public:
  // Of a store without steps, at the end of time.
  TimeMap() : TimeMap({}, {std::numeric_limits<uint64_t>::max(), 0}) {}

  struct Now {
    uint64_t wall_us = 0;    // what the wall clock says
    uint64_t newest_us = 0;  // the largest time of the store
  };
  // `steps` in order. A wall clock that is not to be believed
  // (kv/store/clock.h) is taken to stand where the store's newest time is.
  TimeMap(const std::vector<ClockStep>& steps, const Now& now);

  uint64_t Wall(uint64_t store_us) const;

  // The largest time of the store that is at or before `wall_us` of the wall.
  uint64_t Cut(uint64_t wall_us) const;

  uint64_t wall_now_us() const { return now_us_; }
  uint64_t store_now_us() const { return store_now_us_; }
  bool believes_wall_clock() const { return believes_wall_clock_; }

  // How far the store's newest time is beyond the wall clock; 0: it is not.
  uint64_t ahead_us() const { return ahead_us_; }

 private:
  // Times from `begin_us` to `end_us`, without that, go on from `wall_us`; none
  // is later than `cap_us`.
  struct Line {
    uint64_t begin_us = 0;
    uint64_t end_us = std::numeric_limits<uint64_t>::max();
    uint64_t wall_us = 0;
    uint64_t cap_us = 0;
  };

  std::vector<Line> lines_;  // in order; the first begins at 0
  uint64_t now_us_ = 0;
  uint64_t store_now_us_ = 0;
  uint64_t ahead_us_ = 0;
  bool believes_wall_clock_ = true;
};

// The map of a store that `clock` is the clock of, now. `wall_now_us`: what the
// wall clock is to have said; 0: what it says. Errors: kCorruption for a step
// that does not decode; kIOError.
Status LoadTimeMap(EngineReader* reader, Clock* clock, uint64_t wall_now_us,
                   TimeMap* times);

// When a restore point ends, on the wall: as long after it was made as was
// asked for. REQUIRES: it has an end.
uint64_t EndOf(const RestorePointRecord& point, const TimeMap& times);

// It has an end, and that is not later than `now_us` of the wall.
bool HasEnded(const RestorePointRecord& point, const TimeMap& times,
              uint64_t now_us);

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_TIME_MAP_H_
