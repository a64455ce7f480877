#include "kv/store/clock.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "kv/base/duration.h"
#include "kv/base/host_id.h"
#include "kv/base/thrown.h"
#include "kv/engine/prefix_scan.h"
#include "kv/format/keys.h"

namespace actorkv {

namespace {

// How far a limit reaches beyond the time that needed it: the most that the
// clock can run ahead after a crash, and the rate of limits while busy.
constexpr uint64_t kHorizonUs = 1'000'000;

// A wall clock that is behind by no more than this is waited for: corrections
// of the clock, and what a crash left unused below a limit, are no steps.
constexpr uint64_t kToleratedUs = 2'000'000;
static_assert(kToleratedUs > kHorizonUs, "a crash would be a step");

// What two clocks of a machine may differ by before one of them was set.
constexpr uint64_t kMinJumpUs = 60'000'000;

constexpr uint64_t kHoldUs = uint64_t{3600} * 1'000'000;

}  // namespace

// --- History hold ------------------------------------------------------------

bool HistoryHold::Covers(uint64_t retention_ms) const {
  if (left_us == 0 || retention_ms == 0) return false;
  return seen_running || jump_us / kUsPerMs > retention_ms;
}

std::string HistoryHold::Describe() const {
  const std::string distance = RoughDuration(jump_us);
  return (seen_running ? "the wall clock was set by " + distance +
                             " while the store was open"
                       : "the wall clock is " + distance +
                             " beyond the newest time of the store") +
         ": history does not expire by itself for " + RoughDuration(left_us) +
         " more, should the clock be wrong; actorkv_reclaim() does not wait";
}

// --- What was stored --------------------------------------------------------

// What there is no memory to note is written once more, and noted then.
template <typename Note>
void Clock::WhenDone(Batch* batch, const Note& note) {
  batch->WhenDone([this, note] {
    static_cast<void>(IfMemory([&] {
      const std::lock_guard<std::mutex> lock(mutex_);
      note();
    }));
  });
}

// --- Loading -----------------------------------------------------------------

Clock::Clock(std::function<uint64_t()> wall_clock,
             std::function<BootTime()> boot_clock)
    : wall_clock_(std::move(wall_clock)), boot_clock_(std::move(boot_clock)) {}

Status Clock::Load(EngineReader* reader) {
  std::vector<uint64_t> limits;
  const std::string prefix = ClockLimitPrefix();
  if (Status s = ForEachPair(reader, {CatalogPartition(), prefix, prefix},
                             [&](const KeyValue& pair) {
                               limits.emplace_back();
                               return ParseClockLimitKey(pair.key,
                                                         &limits.back());
                             });
      !s.ok()) {
    return s;
  }
  std::vector<ClockStep> steps;
  Status loaded = LoadClockSteps(reader, &steps);
  // A step that is damaged is for those to report who ask what a time means;
  // ids are as good without.
  if (loaded.code() == Code::kIOError) return loaded;
  std::lock_guard<std::mutex> lock(mutex_);
  for (uint64_t limit_us : limits) NoteLimit(limit_us);
  last_us_ = std::max(last_us_, limit_us_);
  steps_ = std::move(steps);
  if (!steps_.empty()) {
    last_us_ = std::max(last_us_, steps_.back().begin_us);
    offset_us_ = steps_.back().offset_us();
  }
  return Status::Ok();
}

// --- Watching ----------------------------------------------------------------

void Clock::BeginWatch() {
  std::lock_guard<std::mutex> lock(mutex_);
  watching_ = true;
  watched_wall_us_ = wall_clock_();
  watched_boot_ = boot_clock_();
  if (last_us_ == 0) return;  // a new store
  uint64_t expected_us = last_us_ - std::min(last_us_, offset_us_);
  if (!steps_.empty()) {
    const ClockStep& last = steps_.back();
    if (last.jump_us != 0) jump_ = last;
    if (HeldForUs() >= kHoldUs) jump_.reset();
    // It was idle, if the wall clock went on as the clock since boot did.
    if (IsSameBoot(last.boot, watched_boot_) &&
        last.boot.at_us <= watched_boot_.at_us) {
      expected_us = std::max(
          expected_us, last.wall_us + (watched_boot_.at_us - last.boot.at_us));
    }
  }
  if (watched_wall_us_ > expected_us + kMinJumpUs) {
    BeginHold(watched_wall_us_ - expected_us, /*seen_running=*/false);
  }
}

// A smaller jump than the one that is held for says nothing new.
void Clock::BeginHold(uint64_t jump_us, bool seen_running) {
  if (jump_.has_value() && !seen_running && jump_->jump_us >= jump_us) return;
  ClockStep jump;
  jump.wall_us = watched_wall_us_;
  jump.boot = watched_boot_;
  jump.jump_us = jump_us;
  jump.seen_running = seen_running;
  jump_ = jump;
  jump_is_new_ = true;
}

void Clock::LookLocked() {
  const uint64_t wall_us = wall_clock_();
  const BootTime boot = boot_clock_();
  const bool comparable = IsSameBoot(boot, watched_boot_);
  const int64_t drift_us =
      static_cast<int64_t>(wall_us - watched_wall_us_) -
      static_cast<int64_t>(boot.at_us - watched_boot_.at_us);
  watched_wall_us_ = wall_us;
  watched_boot_ = boot;
  const auto jump_us =
      static_cast<uint64_t>(drift_us < 0 ? -drift_us : drift_us);
  if (comparable && jump_us > kMinJumpUs) {
    BeginHold(jump_us, /*seen_running=*/true);
  }
}

// By the clock since boot, where it is the same boot.
uint64_t Clock::HeldForUs() const {
  if (!jump_.has_value()) return kHoldUs;
  const bool same_boot = IsSameBoot(jump_->boot, watched_boot_);
  const uint64_t begin_us = same_boot ? jump_->boot.at_us : jump_->wall_us;
  const uint64_t now_us = same_boot ? watched_boot_.at_us : watched_wall_us_;
  return now_us < begin_us ? kHoldUs : now_us - begin_us;
}

HistoryHold Clock::Look() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!watching_) return {};
  LookLocked();
  const uint64_t held_us = HeldForUs();
  if (held_us >= kHoldUs) return {};
  return {kHoldUs - held_us, jump_->jump_us, jump_->seen_running};
}

// --- Limits ------------------------------------------------------------------

// Of all limits in the store only the largest counts; the others are deleted
// with the next one.
void Clock::NoteLimit(uint64_t limit_us) noexcept {
  if (limit_us == limit_us_) return;
  if (limit_us_ != 0) NoteObsolete(std::min(limit_us_, limit_us));
  limit_us_ = std::max(limit_us_, limit_us);
}

void Clock::ShareIds(uint16_t slot) { slot_ = slot; }

bool Clock::IsOwnId(uint64_t time_us) const {
  return !slot_.has_value() || time_us % kHostSlots == *slot_;
}

// The first time at or after `time_us` that is an id of this owner.
uint64_t Clock::OwnIdFrom(uint64_t time_us) const {
  if (!slot_.has_value()) return time_us;
  const uint64_t past = time_us % kHostSlots;
  return time_us + (kHostSlots + *slot_ - past) % kHostSlots;
}

// The limit of another owner is what that one goes by.
void Clock::NoteObsolete(uint64_t limit_us) noexcept {
  if (!IsOwnId(limit_us)) return;
  static_cast<void>(IfMemory([&] { obsolete_.push_back(limit_us); }));
}

void Clock::PutLimit(uint64_t limit_us, Batch* batch) {
  for (uint64_t old_us : obsolete_) {
    batch->Delete(CatalogPartition(), ClockLimitKey(old_us));
  }
  batch->Put(CatalogPartition(), ClockLimitKey(limit_us), "");
  WhenDone(batch, [this, limit_us] { NoteLimit(limit_us); });
  obsolete_.clear();
}

void Clock::WriteExactLimit(Batch* batch) {
  std::lock_guard<std::mutex> lock(mutex_);
  const uint64_t exact_us = OwnIdFrom(last_us_);
  if (limit_us_ == exact_us) return;
  if (limit_us_ != 0) NoteObsolete(limit_us_);
  PutLimit(exact_us, batch);
  // The larger limit goes: who takes a time after this must raise it again.
  limit_us_ = exact_us;
}

// --- Steps -------------------------------------------------------------------

void Clock::BeginStep(uint64_t begin_us, uint64_t wall_us) {
  ClockStep step;
  step.begin_us = begin_us;
  step.wall_us = wall_us;
  step.boot = boot_clock_();
  if (jump_is_new_) {
    step.jump_us = jump_->jump_us;
    step.seen_running = jump_->seen_running;
    jump_is_new_ = false;
  }
  last_us_ = begin_us;
  offset_us_ = step.offset_us();
  if (shared_ != nullptr) shared_->set_offset_us(offset_us_);
  pending_ = step;
}

void Clock::Advance(uint64_t wall_us) {
  const uint64_t next_us = last_us_ + 1;
  // The wall clock has caught up with the time of the store.
  if (wall_us >= next_us && offset_us_ != 0) return BeginStep(wall_us, wall_us);
  const uint64_t on_line_us = wall_us + offset_us_;
  if (on_line_us + kToleratedUs < next_us && wall_us >= kEarliestWallUs) {
    return BeginStep(next_us, wall_us);
  }
  last_us_ = std::max(next_us, on_line_us);
  if (jump_is_new_ && last_us_ == on_line_us) BeginStep(last_us_, wall_us);
}

// Steps that only said that the clock jumped, and what is too much. What goes
// here and is not committed goes at a later start.
void Clock::DropOldSteps(Batch* batch) {
  std::vector<ClockStep> kept;
  uint64_t offset_us = 0;
  for (const ClockStep& step : steps_) {
    const bool parts = step.offset_us() != offset_us;
    const bool is_over = step.wall_us + kHoldUs < pending_->wall_us;
    offset_us = step.offset_us();
    if (parts || !is_over) {
      kept.push_back(step);
    } else {
      batch->Delete(CatalogPartition(), ClockStepKey(step.begin_us));
    }
  }
  while (kept.size() >= kMaxClockSteps) {
    batch->Delete(CatalogPartition(), ClockStepKey(kept.front().begin_us));
    kept.erase(kept.begin());
  }
  steps_ = std::move(kept);
}

void Clock::PutStep(Batch* batch) {
  DropOldSteps(batch);
  const std::string key = ClockStepKey(pending_->begin_us);
  batch->Put(CatalogPartition(), key, EncodeRecord(key, *pending_));
  WhenDone(batch, [this, step = *pending_] { NoteStep(step); });
}

void Clock::NoteStep(const ClockStep& step) {
  const auto at = std::lower_bound(steps_.begin(), steps_.end(), step,
                                   [](const ClockStep& a, const ClockStep& b) {
                                     return a.begin_us < b.begin_us;
                                   });
  if (at == steps_.end() || at->begin_us != step.begin_us) {
    steps_.insert(at, step);
  }
  if (pending_.has_value() && pending_->begin_us == step.begin_us) {
    pending_.reset();
  }
}

// --- Times -------------------------------------------------------------------

// Invariants 1 and 2.
uint64_t Clock::TakeTime(bool is_id, Batch* batch) {
  if (!is_owner_) {
    const uint64_t on_line_us = wall_clock_() + shared_->offset_us();
    last_us_ = shared_->Next(std::max(last_us_ + 1, on_line_us));
    return last_us_;
  }
  if (shared_ != nullptr) last_us_ = std::max(last_us_, shared_->last_us());
  Advance(wall_clock_());
  if (shared_ != nullptr) last_us_ = shared_->Next(last_us_);
  if (is_id) last_us_ = OwnIdFrom(last_us_);
  if (pending_.has_value()) PutStep(batch);
  if (last_us_ > limit_us_) {
    PutLimit(OwnIdFrom(last_us_ + kHorizonUs), batch);
  }
  return last_us_;
}

uint64_t Clock::Next(Batch* batch) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return TakeTime(/*is_id=*/false, batch);
}

uint64_t Clock::NextId(uint64_t above, Batch* batch) {
  const std::lock_guard<std::mutex> lock(mutex_);
  last_us_ = std::max(last_us_, above);
  return TakeTime(/*is_id=*/true, batch);
}

uint64_t Clock::newest_us() {
  std::lock_guard<std::mutex> lock(mutex_);
  return shared_ == nullptr ? last_us_ : std::max(last_us_, shared_->last_us());
}

// --- Times of other processes ------------------------------------------------

void Clock::ShareTime(SharedTime* time, bool is_owner) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (shared_ != nullptr) last_us_ = std::max(last_us_, shared_->last_us());
  shared_ = time;
  is_owner_ = is_owner;
  if (time == nullptr || !is_owner) return;
  time->set_offset_us(offset_us_);
  // Nobody is given a time that the store has seen.
  last_us_ = time->Next(last_us_);
}

bool Clock::IsStepDue(uint64_t wall_us) const {
  const uint64_t next_us = last_us_ + 1;
  if (wall_us >= next_us && offset_us_ != 0) return true;
  return jump_is_new_ || (wall_us + offset_us_ + kToleratedUs < next_us &&
                          wall_us >= kEarliestWallUs);
}

Status Clock::CoverTime(uint64_t newest_us, Batch* batch) {
  std::lock_guard<std::mutex> lock(mutex_);
  const uint64_t wall_us = wall_clock_();
  const uint64_t own_us = std::max(last_us_, wall_us + offset_us_);
  if (newest_us > own_us + kMinJumpUs) {
    return Status::InvalidArgument(
        "a commit of another process has a time that is " +
        std::to_string((newest_us - own_us) / 1'000'000) +
        " s ahead of that of the store");
  }
  last_us_ = std::max(last_us_, newest_us);
  if (IsStepDue(wall_us)) {
    // The step has a time of its own, later than those of the batch.
    TakeTime(/*is_id=*/false, batch);
    return Status::Ok();
  }
  if (last_us_ > limit_us_) {
    PutLimit(OwnIdFrom(last_us_ + kHorizonUs), batch);
  }
  return Status::Ok();
}

}  // namespace actorkv
