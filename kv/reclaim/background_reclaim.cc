#include "kv/reclaim/background_reclaim.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kv/base/events.h"
#include "kv/base/thrown.h"
#include "kv/reclaim/reclaim.h"
#include "kv/store/retention.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

// The part of a pass that is done at a time: some thousand chunks, or as long
// as kTimeAtOnce. In between others have the disk.
constexpr int kStepsAtOnce = 32;
constexpr std::chrono::milliseconds kTimeAtOnce{10};

// The next pass waits this many times as long as the last one took.
constexpr int kRestFactor = 20;

constexpr std::chrono::hours kMaxIdleInterval{1};

}  // namespace

BackgroundReclaim::BackgroundReclaim(Store* store)
    : store_(store), last_end_(Clock::now()) {}

BackgroundReclaim::~BackgroundReclaim() = default;

Status BackgroundReclaim::Begin(bool* begun) {
  *begun = false;
  Settings settings;
  if (Status s = store_->settings()->Get(ActorId{}, &settings); !s.ok()) {
    return s;
  }
  const std::chrono::milliseconds interval(settings.reclaim_interval_ms);
  const uint64_t commit_count = store_->commit_ids()->count();
  if (commit_count != changed_count_) idle_factor_ = 1;
  if (!soon_) {
    if (settings.reclaim_interval_ms == 0) return Status::Ok();
    Clock::duration wait = interval;
    // An interval of more than an hour was asked for, and is not made longer.
    if (idle_factor_ > 1 && interval < kMaxIdleInterval) {
      wait =
          std::min<Clock::duration>(interval * idle_factor_, kMaxIdleInterval);
    }
    wait = std::max<Clock::duration>(wait, kRestFactor * busy_);
    if (Clock::now() - last_end_ < wait) return Status::Ok();
  }
  ReclaimOptions options;
  options.only_where_worthwhile = !soon_;
  options.now_us = now_us_;
  // A test that sets the time means it.
  options.waits_for_clock = now_us_ == 0;
  // NOLINTNEXTLINE(modernize-make-unique): a meter cannot be moved.
  std::unique_ptr<WorkMeter> work(
      new WorkMeter(store_->BeginWork(WorkKind::kReclaim, "")));
  work->Enter("background");
  pass_ = std::make_unique<Reclaimer>(store_, options);
  pass_->ShowIn(work.get());
  work_ = std::move(work);
  busy_ = Clock::duration::zero();
  commit_count_ = commit_count;
  soon_ = false;
  *begun = true;
  return Status::Ok();
}

void BackgroundReclaim::End() {
  const uint64_t freed_bytes = pass_->freed_bytes();
  const bool idle = freed_bytes == 0 && commit_count_ == changed_count_;
  idle_factor_ = idle ? std::min(2 * idle_factor_, 1u << 20) : 1;
  // The pass's own commits are no commits of transactions, so the count is that
  // of its beginning.
  changed_count_ = commit_count_;
  last_end_ = Clock::now();
  pass_.reset();
  work_.reset();
  if (freed_bytes == 0) return;
  NoteEvent(
      {EventKind::kReclaimPass, store_->path(), "",
       "in the background: freed " + std::to_string(freed_bytes) + " bytes",
       MicrosecondsOf(busy_)});
}

void BackgroundReclaim::GiveUp() {
  if (pass_ == nullptr) return;
  pass_.reset();
  work_.reset();
  last_end_ = Clock::now();
}

void BackgroundReclaim::BeginSoonForTesting(uint64_t now_us) {
  GiveUp();
  soon_ = true;
  now_us_ = now_us;
}

Status BackgroundReclaim::Step() {
  // The clock is looked at in each step, so that a jump is seen soon, and not
  // at the next pass.
  static_cast<void>(store_->clock()->Look());
  Status first;
  if (pass_ == nullptr) {
    bool begun = false;
    if (Status s = Begin(&begun); !s.ok() || !begun) return s;
    first = store_->engine()->FinishCompactions();
  }
  const Clock::time_point start = Clock::now();
  bool done = false;
  for (int i = 0; i < kStepsAtOnce && !done; ++i) {
    std::optional<SpaceUse> use;
    // The place at which a pass threw is not known; another begins at the
    // front.
    Status s = Caught([&] {
      return OrUndo([&] { return pass_->Step(&use, &done); },
                    [&] { GiveUp(); });
    });
    if (pass_ == nullptr) return s;
    // An error of one actor ends no pass: the next step goes on behind that
    // actor.
    if (first.ok()) first = s;
    if (Clock::now() - start >= kTimeAtOnce) break;
  }
  busy_ += Clock::now() - start;
  if (done) End();
  return first;
}

}  // namespace actorkv
