#include "kv/share/client_time.h"

#include <algorithm>

#include "kv/base/thrown.h"
#include "kv/share/board.h"

namespace actorkv {
namespace {

// What is given is ahead of what was asked for where many times were given
// within one microsecond, not by a day.
constexpr uint64_t kMostAheadUs = uint64_t{24} * 3600 * 1'000'000;

}  // namespace

bool ClientTime::TakeFromBoard(uint64_t at_least_us,
                               uint64_t* time_us) noexcept {
  const OwnerSession* const owner = session_->last_owner();
  if (owner->is_of_parent()) return false;
  Status s;
  uint64_t taken_us = 0;
  if (!IfMemory(
          [&] { s = owner->board()->NextTime(at_least_us, &taken_us); })) {
    return false;
  }
  if (!s.ok() || taken_us - at_least_us > kMostAheadUs) return false;
  *time_us = taken_us;
  return true;
}

uint64_t ClientTime::Next(uint64_t at_least_us) noexcept {
  // Also no earlier than the last one here: the next owner may know less.
  uint64_t last_us = last_us_.load();
  uint64_t next_us = 0;
  if (TakeFromBoard(std::max(at_least_us, last_us + 1), &next_us)) {
    while (last_us < next_us &&
           !last_us_.compare_exchange_weak(last_us, next_us)) {
    }
    return next_us;
  }
  do {
    next_us = std::max(at_least_us, last_us + 1);
  } while (!last_us_.compare_exchange_weak(last_us, next_us));
  return next_us;
}

uint64_t ClientTime::last_us() const noexcept {
  const OwnerSession* const owner = session_->last_owner();
  if (owner->is_of_parent()) return last_us_;
  const uint64_t last_us = owner->board()->last_time_us();
  return last_us <= kLatestTimeUs ? last_us : last_us_.load();
}

uint64_t ClientTime::offset_us() const noexcept {
  const OwnerSession* const owner = session_->last_owner();
  if (owner->is_of_parent()) return 0;
  const uint64_t offset_us = owner->board()->clock_offset_us();
  return offset_us <= kLatestTimeUs ? offset_us : 0;
}

}  // namespace actorkv
