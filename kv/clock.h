// Clock: the time of a store, a hybrid logical clock (Kulkarni et al., 2014)
// with one process: wall time in microseconds since 1970, UTC, except that it
// never stands still or goes back. So times are unique in a store, and they
// also serve as ids of actors and branches.
//
// Invariant: a time is used in a commit only if a clock limit at or above it
// is in the store before that commit or in the same batch. A restart begins
// above the largest limit, so no time comes twice, whatever the wall clock
// does in between.

#ifndef ACTORKV_KV_CLOCK_H_
#define ACTORKV_KV_CLOCK_H_

#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "kv/engine.h"

namespace actorkv {

// Microseconds since 1970, UTC.
uint64_t WallClockUs();

class Clock {
 public:
  explicit Clock(std::function<uint64_t()> wall_clock = WallClockUs);

  // Reads the limits of the store. Before any call of Next().
  Status Load(EngineReader* reader);

  // A time later than any before. When it is past the limit, adds a new limit
  // to `batch`; after that batch was committed, Committed() must be called.
  uint64_t Next(Batch* batch);

  // The batch that Next() may have added to is done.
  void Committed(const Batch& batch) noexcept;

  // Adds the exact time reached as the limit, so that a clean restart goes on
  // from there.
  void WriteExactLimit(Batch* batch);

 private:
  void NoteLimit(uint64_t limit_us) noexcept;
  void NoteObsolete(uint64_t limit_us) noexcept;
  void PutLimit(uint64_t limit_us, Batch* batch);

  const std::function<uint64_t()> wall_clock_;
  std::mutex mutex_;
  uint64_t last_us_ = 0;   // the last time given
  uint64_t limit_us_ = 0;  // the largest limit known to be in the store
  // Smaller limits that are still there. One for which there is no memory lies
  // in the store until it is found at the next open.
  std::vector<uint64_t> obsolete_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_CLOCK_H_
