#include "kv/store/time_map.h"

#include <algorithm>
#include <utility>

namespace actorkv {

namespace {

constexpr uint64_t kLastUs = std::numeric_limits<uint64_t>::max();

// What two clocks may differ by, of a jump that undoes another.
constexpr uint64_t kToleratedUs = 2'000'000;

// How far the wall clock jumped ahead between two steps, by the clock since
// boot; 0: it did not, or that is not known.
uint64_t JumpBetween(const ClockStep& from, const ClockStep& to) {
  if (!IsSameBoot(from.boot, to.boot) || to.boot.at_us < from.boot.at_us ||
      to.wall_us < from.wall_us) {
    return 0;
  }
  const uint64_t by_wall_us = to.wall_us - from.wall_us;
  const uint64_t by_boot_us = to.boot.at_us - from.boot.at_us;
  return by_wall_us - std::min(by_wall_us, by_boot_us);
}

// Steps back that were undone by a jump begin, in truth, that much later.
void CorrectUndone(std::vector<ClockStep>* steps) {
  for (size_t end = steps->size(); end-- > 0;) {
    const ClockStep& undone_by = (*steps)[end];
    if (undone_by.offset_us() != 0) continue;
    for (size_t i = end; i-- > 0;) {
      ClockStep& step = (*steps)[i];
      const uint64_t jump_us = JumpBetween(step, undone_by);
      if (step.offset_us() == 0 || jump_us + kToleratedUs < step.offset_us()) {
        break;
      }
      step.wall_us += jump_us;
    }
  }
}

}  // namespace

TimeMap::TimeMap(const std::vector<ClockStep>& steps, const Now& now)
    : now_us_(now.wall_us) {
  const uint64_t offset_us = steps.empty() ? 0 : steps.back().offset_us();
  if (now_us_ < kEarliestWallUs && now_us_ + offset_us < now.newest_us) {
    believes_wall_clock_ = false;
    now_us_ = now.newest_us - std::min(now.newest_us, offset_us);
  }
  store_now_us_ =
      std::max(now.newest_us,
               now_us_ > kLastUs - offset_us ? kLastUs : now_us_ + offset_us);
  ahead_us_ = now.newest_us - std::min(now.newest_us, now_us_);

  std::vector<ClockStep> corrected = steps;
  CorrectUndone(&corrected);
  lines_.emplace_back();
  for (const ClockStep& step : corrected) {
    lines_.back().end_us = step.begin_us;
    lines_.emplace_back();
    lines_.back().begin_us = step.begin_us;
    lines_.back().wall_us = step.wall_us;
  }
  uint64_t cap_us = now_us_;
  for (auto line = lines_.rbegin(); line != lines_.rend(); ++line) {
    line->cap_us = cap_us;
    cap_us = std::min(cap_us, line->wall_us);
  }
}

uint64_t TimeMap::Wall(uint64_t store_us) const {
  const auto after = std::upper_bound(
      lines_.begin(), lines_.end(), store_us,
      [](uint64_t at_us, const Line& line) { return at_us < line.begin_us; });
  const Line& line = *(after - 1);
  const uint64_t past_us = store_us - line.begin_us;
  const uint64_t wall_us =
      past_us > kLastUs - line.wall_us ? kLastUs : line.wall_us + past_us;
  return std::min(wall_us, line.cap_us);
}

uint64_t TimeMap::Cut(uint64_t wall_us) const {
  if (wall_us >= now_us_) return kLastUs;
  for (auto line = lines_.rbegin(); line != lines_.rend(); ++line) {
    if (line->cap_us <= wall_us) return line->end_us - 1;
    if (wall_us < line->wall_us) continue;
    return std::min(line->begin_us + (wall_us - line->wall_us),
                    line->end_us - 1);
  }
  return 0;
}

Status LoadTimeMap(EngineReader* reader, Clock* clock, uint64_t wall_now_us,
                   TimeMap* times) {
  std::vector<ClockStep> steps;
  if (Status s = LoadClockSteps(reader, &steps); !s.ok()) {
    return s.WithContext("the clock of the store");
  }
  TimeMap::Now now;
  now.wall_us = wall_now_us == 0 ? clock->WallNow() : wall_now_us;
  now.newest_us = clock->newest_us();
  *times = TimeMap(steps, now);
  return Status::Ok();
}

uint64_t EndOf(const RestorePointRecord& point, const TimeMap& times) {
  const uint64_t begin_us = times.Wall(point.created_at_us);
  // One that ends before it was made was asked for with a number that was too
  // large for an earlier version, and was over at once.
  const uint64_t ttl_us =
      point.expires_at_us - std::min(point.expires_at_us, point.created_at_us);
  return ttl_us > kLastUs - begin_us ? kLastUs : begin_us + ttl_us;
}

bool HasEnded(const RestorePointRecord& point, const TimeMap& times,
              uint64_t now_us) {
  return point.expires_at_us != 0 && EndOf(point, times) <= now_us;
}

}  // namespace actorkv
