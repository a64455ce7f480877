#include "vfs/actor/access_pattern.h"

#include <algorithm>

namespace actorkv {

void AccessPattern::NoteOther(PageNo pgno) {
  const bool backward = front_ - pgno - 1 < kReach && pgno < front_;
  if (backward && direction_ < 0) {
    ++length_;
    front_ = pgno;
    strays_ = 0;
    return;
  }
  // The same page again, or one a little behind the front, is in the order of a
  // run as well.
  const PageNo distance = pgno < front_ ? front_ - pgno : pgno - front_;
  if (length_ >= kMinRun && distance < kReach) {
    strays_ = 0;
    return;
  }
  // A scan visits inner pages of its tree now and then; they must not end the
  // run.
  if (length_ >= kMinRun && ++strays_ <= kMaxStrays) return;
  // The page may be the second one of a new run.
  direction_ = pgno < front_ ? -1 : 1;
  length_ = distance < kReach ? 2 : 1;
  front_ = pgno;
  missed_ = 0;
  strays_ = 0;
  window_ = kFirstWindow;
  asked_to_ = 0;
  is_alone_ = false;
  is_due_ = false;
}

PageSpan AccessPattern::Here(PageNo pgno, uint32_t page_count, uint32_t limit) {
  // Pages beside the front are strays of the run: their neighbours are not
  // wanted.
  if (!is_run() || is_alone_ || pgno != front_) return {};
  const uint32_t count = std::min(window_, limit);
  PageSpan span;
  if (direction_ > 0) {
    span.first = pgno;
    span.end = static_cast<PageNo>(
        std::min(uint64_t{pgno} + count, uint64_t{page_count} + 1));
    // The pages up to asked_to_ were asked for, and have not all come; those
    // behind them belong to the next window.
    if (pgno < asked_to_) {
      span.end = std::min(span.end, asked_to_);
      return span;
    }
    asked_to_ = span.end;
  } else {
    span.end = pgno + 1;
    span.first = span.end > count ? span.end - count : 1;
    if (asked_to_ != 0 && pgno >= asked_to_) {
      span.first = std::max(span.first, asked_to_);
      return span;
    }
    asked_to_ = span.first;
  }
  is_due_ = true;
  return span;
}

PageSpan AccessPattern::NextWindow(uint32_t page_count, uint32_t limit) {
  const uint32_t window = std::min(window_, limit);
  PageSpan span;
  if (direction_ > 0) {
    // The next window is asked for when half of the last one is used, so that
    // it arrives before the run gets there.
    if (!is_due_ && asked_to_ > front_ && asked_to_ - front_ > window / 2) {
      return {};
    }
    span.first = std::max(asked_to_, front_ + 1);
    span.end = static_cast<PageNo>(
        std::min(uint64_t{span.first} + window, uint64_t{page_count} + 1));
    asked_to_ = std::max(span.first, span.end);
  } else {
    if (asked_to_ == 1) return {};
    if (!is_due_ && asked_to_ != 0 && asked_to_ < front_ &&
        front_ - asked_to_ > window / 2) {
      return {};
    }
    span.end = asked_to_ == 0 ? front_ : std::min(asked_to_, front_);
    span.first = span.end > window ? span.end - window : 1;
    asked_to_ = span.first;
  }
  is_due_ = false;
  // A short run costs little that way, and a long one soon reads as much at
  // once as the limit allows.
  window_ = std::min(2 * window_, std::max(limit, kFirstWindow));
  return span;
}

}  // namespace actorkv
