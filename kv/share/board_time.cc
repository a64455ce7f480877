#include "kv/share/board_time.h"

#include <algorithm>

namespace actorkv {

void BoardTime::Know(uint64_t time_us) const noexcept {
  uint64_t known = known_us_.load();
  while (known < time_us && !known_us_.compare_exchange_weak(known, time_us)) {
  }
}

uint64_t BoardTime::Checked(uint64_t at_least_us) const noexcept {
  const uint64_t known = std::max(
      {known_us_.load(), at_least_us, wall_clock_() + offset_us_.load()});
  uint64_t found = board_->last_time_us();
  // Somebody may write it again and again; what it says is not believed then
  // either.
  for (int tries = 0; found > known + kMaxAheadUs; ++tries) {
    if (tries == 10) return known;
    if (board_->ResetTime(found, known)) return known;
    found = board_->last_time_us();
  }
  Know(found);
  return found;
}

uint64_t BoardTime::Next(uint64_t at_least_us) noexcept {
  const uint64_t before = Checked(at_least_us);
  uint64_t time = 0;
  const Status s = board_->NextTime(std::max(at_least_us, before + 1), &time);
  // The board says what cannot be, right after it was set back.
  if (!s.ok() || time > before + kMaxAheadUs + kMaxAheadUs) {
    time = std::max(at_least_us, before + 1);
  }
  Know(time);
  return time;
}

uint64_t BoardTime::last_us() const noexcept { return Checked(0); }

void BoardTime::set_offset_us(uint64_t offset_us) noexcept {
  offset_us_.store(offset_us);
  board_->SetClockOffset(offset_us);
}

}  // namespace actorkv
