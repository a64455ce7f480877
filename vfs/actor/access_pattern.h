// AccessPattern: tells whether the pages of a file are read one after the
// other, and which should be read before they are asked for.
//
// A scan of a table reads leaves in the order of their numbers, forward or
// backward, with gaps where other pages lie, and now and then a page far away:
// an inner page of the tree. So a run goes on while pages come within a few of
// its front, and ends when several in a row do not.
//
// When a run misses the cache, a window of pages in front of it is to be read
// ahead; the next one when the run is halfway through the last. A window is
// twice as large as the one before, up to a limit, and small again in the next
// run. A page that is missing after all the reader reads itself, with some of
// those that come next, which costs little more than the one.
//
// Belongs to one thread at a time. No I/O.

#ifndef ACTORKV_VFS_ACTOR_ACCESS_PATTERN_H_
#define ACTORKV_VFS_ACTOR_ACCESS_PATTERN_H_

#include <cstdint>

#include "kv/base/page_span.h"
#include "kv/base/types.h"

namespace actorkv {

class AccessPattern {
 public:
  // A page was read. `from_ahead`: the cache did not have it, or had it only
  // because it was read ahead.
  void Note(PageNo pgno, bool from_ahead) {
    const PageNo step = pgno - front_;  // below 0 it is large
    if (step - 1 < kReach && direction_ > 0) {
      ++length_;
      front_ = pgno;
      strays_ = 0;
    } else {
      NoteOther(pgno);
    }
    if (from_ahead) ++missed_;
  }

  // Returns the pages to read ahead now; empty: none. No page past
  // `page_count`, and no more than `limit` pages.
  PageSpan Next(uint32_t page_count, uint32_t limit) {
    return is_run() ? NextWindow(page_count, limit) : PageSpan();
  }

  // Returns `pgno`, which was noted last and is missing, with the pages that
  // come next and are to be read together with it; empty: only it. Next()
  // begins behind them.
  PageSpan Here(PageNo pgno, uint32_t page_count, uint32_t limit);

  // Tells that such a read did not bring the page: Here() is empty for the rest
  // of the run.
  void ReadAlone() { is_alone_ = true; }

  // The farthest page of the run.
  PageNo front() const { return front_; }
  bool backward() const { return direction_ < 0; }

 private:
  static constexpr PageNo kReach = 8;     // from page to page of a run
  static constexpr uint32_t kMinRun = 4;  // pages, before anything is read
  static constexpr uint32_t kMaxStrays = 4;
  static constexpr uint32_t kFirstWindow = 16;  // pages

  bool is_run() const { return length_ >= kMinRun && missed_ >= kMinRun; }
  void NoteOther(PageNo pgno);
  PageSpan NextWindow(uint32_t page_count, uint32_t limit);

  PageNo front_ = 0;
  int direction_ = 1;
  uint32_t length_ = 0;  // of the run
  uint32_t missed_ = 0;  // pages of it that the cache had not by itself
  uint32_t strays_ = 0;  // pages since the last one of the run
  uint32_t window_ = kFirstWindow;
  PageNo asked_to_ = 0;  // the far end of the last window; 0: none in this run
  bool is_alone_ = false;
  bool is_due_ = false;  // the next window is wanted, wherever the run is
};

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_ACCESS_PATTERN_H_
