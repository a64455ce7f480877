// A wall clock that is wrong, for a while: moved in this process, and right
// again at the end of its scope.

#ifndef ACTORKV_TESTS_SUPPORT_SHIFTED_CLOCK_H_
#define ACTORKV_TESTS_SUPPORT_SHIFTED_CLOCK_H_

#include <cstdint>

#include "kv/base/wall_clock.h"

namespace actorkv {

class ShiftedClock {
 public:
  static constexpr int64_t kSecondUs = 1'000'000;
  static constexpr int64_t kHourUs = 3600 * kSecondUs;
  static constexpr int64_t kDayUs = 24 * kHourUs;

  explicit ShiftedClock(int64_t shift_us = 0) { Set(shift_us); }
  ~ShiftedClock() {
    ShiftWallClockForTesting(0);
    ShiftBootClockForTesting(0);
  }
  ShiftedClock(const ShiftedClock&) = delete;
  ShiftedClock& operator=(const ShiftedClock&) = delete;

  // So far from what the machine says. Somebody set it.
  void Set(int64_t shift_us) {
    shift_us_ = shift_us;
    ShiftWallClockForTesting(shift_us_ + passed_us_);
  }

  // Time goes by, by both clocks.
  void Pass(int64_t us) {
    passed_us_ += us;
    ShiftWallClockForTesting(shift_us_ + passed_us_);
    ShiftBootClockForTesting(passed_us_);
  }

 private:
  int64_t shift_us_ = 0;
  int64_t passed_us_ = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_SHIFTED_CLOCK_H_
