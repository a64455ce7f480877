#include "kv/share/client_time.h"

#include <algorithm>

#include "kv/base/thrown.h"
#include "kv/base/wall_clock.h"
#include "kv/share/board.h"
#include "kv/share/board_time.h"
#include "kv/share/client_session.h"

namespace actorkv {

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
  if (!s.ok() || taken_us - at_least_us > kMaxAheadUs) return false;
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
  const uint64_t found_us = owner->board()->last_time_us();
  const uint64_t own_us = last_us_.load();
  const uint64_t known_us = std::max(own_us, WallClockUs() + offset_us());
  return found_us <= known_us + kMaxAheadUs ? found_us : own_us;
}

bool ClientTime::Agrees(const Board& board, uint64_t offset_us) noexcept {
  if (offset_us > kLatestTimeUs) return false;
  const uint64_t last_us = board.last_time_us();
  const uint64_t now_us = WallClockUs() + offset_us;
  return now_us <= last_us + kMaxAheadUs && last_us <= now_us + kMaxAheadUs;
}

uint64_t ClientTime::offset_us() const noexcept {
  const OwnerSession* const owner = session_->last_owner();
  if (owner->is_of_parent()) return 0;
  const Board& board = *owner->board();
  const uint64_t found_us = board.clock_offset_us();
  const bool is_new = offset_of_.exchange(owner) != owner;
  if ((is_new && found_us <= kLatestTimeUs) || Agrees(board, found_us)) {
    offset_us_.store(found_us);
  }
  return offset_us_.load();
}

}  // namespace actorkv
