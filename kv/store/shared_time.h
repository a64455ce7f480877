// SharedTime: the last time that any process of a store was given.

#ifndef ACTORKV_KV_STORE_SHARED_TIME_H_
#define ACTORKV_KV_STORE_SHARED_TIME_H_

#include <cstdint>

namespace actorkv {

// Thread-safe, and safe between processes. Waits for nothing.
class SharedTime {
 public:
  virtual ~SharedTime() = default;

  // Gives a time later than any before, `at_least_us` where it is that.
  virtual uint64_t Next(uint64_t at_least_us) noexcept = 0;

  // The last one that was given.
  virtual uint64_t last_us() const noexcept = 0;

  // How far the store's time is ahead of the wall clock: of the last clock step
  // (kv/store/clock_step.h). The owner says so, the others go by it.
  virtual uint64_t offset_us() const noexcept = 0;
  virtual void set_offset_us(uint64_t offset_us) noexcept = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_SHARED_TIME_H_
