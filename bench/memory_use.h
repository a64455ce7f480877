// Memory of the process, as the kernel counts it.

#ifndef ACTORKV_BENCH_MEMORY_USE_H_
#define ACTORKV_BENCH_MEMORY_USE_H_

#include <cstdint>

namespace actorkv::bench {

// What the process holds now, in bytes, with files that are mapped; and without
// them. What malloc keeps for later is given back first.
uint64_t ResidentBytes();
uint64_t AnonymousBytes();

// The highest that ResidentBytes() was since this object began, over what it
// was then. One at a time.
class PeakGrowth {
 public:
  PeakGrowth();
  uint64_t bytes() const;

 private:
  uint64_t begin_bytes_ = 0;
};

}  // namespace actorkv::bench

#endif  // ACTORKV_BENCH_MEMORY_USE_H_
