// These read the clocks of the machine: the one on the wall, which people set
// and NTP steps, and the one that counts from boot, which nobody sets.

#ifndef ACTORKV_KV_BASE_WALL_CLOCK_H_
#define ACTORKV_KV_BASE_WALL_CLOCK_H_

#include <cstdint>

namespace actorkv {

// Returns microseconds since 1970, UTC.
uint64_t WallClockUs();

// BootTime: a moment by the clock that counts from boot.
struct BootTime {
  uint64_t boot_id = 0;  // the boot; 0: not known
  uint64_t at_us = 0;    // since that boot, time asleep included
};

inline bool IsSameBoot(const BootTime& a, const BootTime& b) {
  return a.boot_id != 0 && a.boot_id == b.boot_id;
}

BootTime BootClock();

// These move what the two clocks say in this process, by so many microseconds
// from what the machine says.
void ShiftWallClockForTesting(int64_t shift_us);
void ShiftBootClockForTesting(int64_t shift_us);

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_WALL_CLOCK_H_
