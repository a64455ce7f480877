#include "kv/base/wall_clock.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <fstream>
#include <string>

#include "kv/base/hash.h"

namespace actorkv {

namespace {

std::atomic<int64_t> wall_shift_us{0};
std::atomic<int64_t> boot_shift_us{0};

// Reads the id that each boot of the machine has, and all its containers share.
uint64_t ReadBootId() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  return std::getline(file, id) && !id.empty() ? Hash64(id, 0) : 0;
}

uint64_t Shifted(uint64_t at_us, const std::atomic<int64_t>& shift_us) {
  return at_us +
         static_cast<uint64_t>(shift_us.load(std::memory_order_relaxed));
}

}  // namespace

uint64_t WallClockUs() {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const int64_t at_us = duration_cast<microseconds>(now).count();
  // A clock before 1970 counts as 1970.
  return Shifted(at_us > 0 ? static_cast<uint64_t>(at_us) : 0, wall_shift_us);
}

// The kernel itself is asked: a library that gives a program another date
// (libfaketime) would shift this clock with the one that it is to be compared
// with.
BootTime BootClock() {
  static const uint64_t boot_id = ReadBootId();
  struct timespec now = {};
  if (syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &now) != 0) return {};
  const uint64_t at_us = static_cast<uint64_t>(now.tv_sec) * 1'000'000 +
                         static_cast<uint64_t>(now.tv_nsec) / 1000;
  return {boot_id, Shifted(at_us, boot_shift_us)};
}

void ShiftWallClockForTesting(int64_t shift_us) { wall_shift_us = shift_us; }

void ShiftBootClockForTesting(int64_t shift_us) { boot_shift_us = shift_us; }

}  // namespace actorkv
