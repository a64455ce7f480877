// Clock steps: where the time of a store (kv/store/clock.h) and the clock on
// the wall part, and meet again. A store whose clock was always right has none,
// or only those that say when it was opened after a long time.

#ifndef ACTORKV_KV_STORE_CLOCK_STEP_H_
#define ACTORKV_KV_STORE_CLOCK_STEP_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"
#include "kv/base/wall_clock.h"
#include "kv/engine/engine.h"

namespace actorkv {

// From `begin_us` of the store on, until the next step, its time and that of
// the wall go on side by side, from `wall_us` on.
struct ClockStep {
  uint64_t begin_us = 0;  // in the key
  uint64_t wall_us = 0;   // not after begin_us
  BootTime boot;          // the same moment
  // How far the wall clock was then found beyond where it was to be expected;
  // 0: not at all. See HistoryHold in kv/store/clock.h.
  uint64_t jump_us = 0;
  bool seen_running = false;  // it jumped while the store was open

  // How far the time of the store is ahead.
  uint64_t offset_us() const { return begin_us - wall_us; }
};

// The fields are those of FORMAT.md. Errors: kCorruption, also for a step that
// begins before its wall time; kNotSupported for an unknown version.
std::string EncodeRecord(std::string_view key, const ClockStep& step);
Status DecodeRecord(std::string_view key, std::string_view value,
                    ClockStep* step);

// All that there are, in order. Errors: those of DecodeRecord(), then with the
// steps that can be read in *steps; kIOError.
Status LoadClockSteps(EngineReader* reader, std::vector<ClockStep>* steps);

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_CLOCK_STEP_H_
