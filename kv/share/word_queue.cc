#include "kv/share/word_queue.h"

#include <algorithm>

namespace actorkv {

bool WordQueue::Wait(uint32_t session, std::chrono::microseconds limit,
                     const std::function<bool()>& keep_on) {
  const WordLine::TimePoint end = Now() + limit;
  WordLine::TimePoint ask_at = Now() + kWaitLook;
  WordLine::Waiter waiter(session);
  std::unique_lock<std::mutex> lock(mutex_);
  if (is_closed_) return false;
  line_.Join(&waiter, Now());
  while (!waiter.has_word && !waiter.has_ended && !is_closed_) {
    const WordLine::TimePoint now = Now();
    if (now >= end) break;
    if (keep_on != nullptr && now >= ask_at) {
      if (!keep_on()) break;
      ask_at = now + kWaitLook;
    }
    const auto next = line_.IsFirst(&waiter) ? now + kWordLook : ask_at;
    // Never longer than kWaitLook, where nobody is to be asked either.
    changed_.wait_until(lock, std::min({next, end, now + kWaitLook}));
    if (line_.IsFirst(&waiter) && !is_closed_) line_.Look(Now());
  }
  if (!waiter.has_word && !waiter.has_ended && !is_closed_) {
    line_.Leave(&waiter);
  }
  // There is another first in line.
  changed_.notify_all();
  return waiter.has_word && !is_closed_;
}

void WordQueue::Yield() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (is_closed_) return;
    line_.Yield(Now());
  }
  changed_.notify_all();
}

void WordQueue::Reclaim(uint32_t session) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!is_closed_) line_.Reclaim(session);
}

void WordQueue::EndKeeping() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (is_closed_) return;
    line_.EndKeeping(Now());
  }
  changed_.notify_all();
}

void WordQueue::EndSession(uint32_t session) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (is_closed_) return;
    line_.EndSession(session, Now());
  }
  changed_.notify_all();
}

bool WordQueue::TakeAway() {
  bool taken = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    taken = !is_closed_ && line_.TakeAway(Now());
  }
  changed_.notify_all();
  return taken;
}

void WordQueue::Close() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_closed_ = true;
  }
  changed_.notify_all();
}

}  // namespace actorkv
