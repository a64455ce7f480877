#include "kv/store/writer_queue.h"

#include <algorithm>
#include <utility>

namespace actorkv {

using std::chrono::microseconds;

Writer::Writer(std::shared_ptr<WriterQueue> queue) : queue_(std::move(queue)) {}

Writer::~Writer() { Leave(); }

bool Writer::Wait(int64_t limit_us) { return queue_->Wait(this, limit_us); }

void Writer::Leave() { queue_->Leave(this); }

// --- Taking and releasing ---------------------------------------------------

bool WriterQueue::MayTake(Writer* writer) {
  std::lock_guard<std::mutex> lock(mutex_);
  return MayTakeLocked(writer, Clock::now());
}

bool WriterQueue::Take(Writer* writer) {
  std::lock_guard<std::mutex> lock(mutex_);
  const Time now = Clock::now();
  if (!MayTakeLocked(writer, now)) return false;
  const bool same_turn = writer_ == writer && state_ != State::kOffered;
  if (!same_turn) turn_ends_ = now + microseconds(times_.turn_us);
  state_ = State::kHeld;
  writer_ = writer;
  writer->place_ = 0;
  return true;
}

bool WriterQueue::MayTakeLocked(Writer* writer, Time now) {
  if (writer->released_at_ != Time{}) {
    writer->comes_back_soon_ =
        now - writer->released_at_ < microseconds(times_.pause_us);
    writer->released_at_ = Time{};
  }
  // The first that waits may not have woken up yet; its turn it is.
  if (IsKept() && now >= kept_until_) HandOn(now);
  if (state_ == State::kFree || writer_ == writer) return true;
  if (state_ == State::kResting && IsBeforeAllThatWait(*writer)) return true;
  GivePlace(writer);
  return false;
}

bool WriterQueue::IsBeforeAllThatWait(const Writer& writer) const {
  if (first_ == nullptr) return true;
  return writer.place_ != 0 && writer.place_ < first_->place;
}

void WriterQueue::Release(Writer* writer) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (writer_ != writer || state_ != State::kHeld) return;
  const Time now = Clock::now();
  writer->released_at_ = now;
  if (first_ == nullptr || !writer->comes_back_soon_ || now >= turn_ends_) {
    HandOn(now);
    return;
  }
  state_ = State::kResting;
  kept_until_ = turn_ends_;
  WakeFirstInTime();
}

bool WriterQueue::held() {
  std::lock_guard<std::mutex> lock(mutex_);
  return state_ == State::kHeld;
}

size_t WriterQueue::waiting_count() {
  std::lock_guard<std::mutex> lock(mutex_);
  size_t count = 0;
  for (const Waiting* at = first_; at != nullptr; at = at->next) ++count;
  return count;
}

void WriterQueue::Leave(Writer* writer) {
  std::lock_guard<std::mutex> lock(mutex_);
  writer->left_ = true;
  for (Waiting* waiting = first_; waiting != nullptr;) {
    Waiting* const next = waiting->next;
    if (waiting->writer == writer) {
      Remove(waiting);
      // Under the mutex: once it is free, what waits may be gone.
      waiting->changed.notify_one();
    }
    waiting = next;
  }
  if (writer_ == writer) {
    HandOn(Clock::now());
  } else if (IsKept()) {
    WakeFirstInTime();
  }
}

// --- Waiting ----------------------------------------------------------------

bool WriterQueue::Wait(Writer* writer, int64_t limit_us) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (writer->left_) return false;
  Time now = Clock::now();
  const Time give_up = now + microseconds(limit_us);
  if (IsKept() && now >= kept_until_) HandOn(now);
  // Offered also where nobody is writing any more: so that the next try finds
  // that nobody has begun meanwhile.
  if (state_ == State::kFree) Offer(writer, now);
  if (state_ == State::kOffered && writer_ == writer) return true;
  GivePlace(writer);
  Waiting waiting;
  waiting.writer = writer;
  waiting.place = writer->place_;
  Insert(&waiting);
  while (!waiting.offered && !writer->left_ && now < give_up) {
    const bool looks = first_ == &waiting && IsKept();
    waiting.wakes_at = looks ? std::min(give_up, kept_until_) : give_up;
    waiting.changed.wait_until(lock, waiting.wakes_at);
    now = Clock::now();
    if (first_ == &waiting && IsKept() && now >= kept_until_) HandOn(now);
  }
  if (!waiting.offered) {
    Remove(&waiting);
    if (IsKept()) WakeFirstInTime();
  }
  return waiting.offered;
}

void WriterQueue::GivePlace(Writer* writer) {
  if (writer->place_ == 0) writer->place_ = ++last_place_;
}

void WriterQueue::Insert(Waiting* waiting) {
  Waiting** at = &first_;
  while (*at != nullptr && (*at)->place <= waiting->place) {
    at = &(*at)->next;
  }
  waiting->next = *at;
  *at = waiting;
}

void WriterQueue::Remove(Waiting* waiting) {
  for (Waiting** at = &first_; *at != nullptr; at = &(*at)->next) {
    if (*at != waiting) continue;
    *at = waiting->next;
    return;
  }
}

void WriterQueue::HandOn(Time now) {
  Waiting* const next = first_;
  if (next == nullptr) {
    state_ = State::kFree;
    writer_ = nullptr;
    return;
  }
  first_ = next->next;
  next->offered = true;
  Offer(next->writer, now);
  // Under the mutex: once it is free, what waits may be gone.
  next->changed.notify_one();
  WakeFirstInTime();
}

void WriterQueue::Offer(Writer* writer, Time now) {
  state_ = State::kOffered;
  writer_ = writer;
  kept_until_ = now + microseconds(times_.offer_us);
}

void WriterQueue::WakeFirstInTime() {
  if (first_ != nullptr && first_->wakes_at > kept_until_) {
    // It is woken once: until it runs, it counts as one that looks in time.
    first_->wakes_at = kept_until_;
    first_->changed.notify_one();
  }
}

}  // namespace actorkv
