#include "kv/cache/hint_learner.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace actorkv {

namespace {

// The least ratio of new pages. With it they are kept for one more wake,
// whatever became of earlier ones: how else would it be found that they come
// again?
constexpr HitRatio kLeastNewHitRatio = 2 * kWorthKeeping;

HitRatio Average(HitRatio before, HitRatio now) {
  return static_cast<HitRatio>((unsigned{before} + now + 1) / 2);
}

}  // namespace

HintLearner::HintLearner(const HintsRecord& hints, uint32_t page_size)
    : max_pages_(MaxHintPages(page_size)),
      new_hit_ratio_(hints.ranges.empty() && hints.new_hit_ratio == 0
                         ? kFirstNewHitRatio
                         : hints.new_hit_ratio) {
  for (const HintRange& range : hints.ranges) {
    for (uint32_t i = 0; i < range.page_count; ++i) {
      Page page{};
      page.pgno = range.first + i;
      page.hit_ratio = range.hit_ratio;
      page.is_judged = range.is_judged;
      hinted_.push_back(page);
    }
  }
}

std::vector<PageNo> HintLearner::Wake(
    const Limits& limits, const std::function<bool(PageNo)>& is_cached) {
  std::vector<PageNo> wanted;
  for (Page& page : hinted_) {
    page.expected = Expected::kIfUsed;
    if (page.pgno > limits.page_count) continue;
    // Whether a page that is there is used is not seen: it is not judged by
    // this wake.
    if (is_cached(page.pgno)) {
      page.expected = Expected::kUnknown;
    } else if (page.hit_ratio >= kWorthPreloading &&
               wanted.size() < limits.max_pages) {
      page.expected = Expected::kPreloaded;
      wanted.push_back(page.pgno);
    }
  }
  // Too few pages are not worth a batch: they are read when they are asked for.
  is_preloading_ = wanted.size() >= kMinHintPages;
  if (is_preloading_) return wanted;
  for (Page& page : hinted_) {
    if (page.expected == Expected::kPreloaded) {
      page.expected = Expected::kIfUsed;
    }
  }
  return {};
}

void HintLearner::Note(PageNo pgno, bool was_preloaded) {
  const auto hinted = std::lower_bound(
      hinted_.begin(), hinted_.end(), pgno,
      [](const Page& page, PageNo wanted) { return page.pgno < wanted; });
  Page* page = nullptr;
  if (hinted != hinted_.end() && hinted->pgno == pgno) {
    page = &*hinted;
    // A page that was preloaded and went before its use was no help: it counts
    // as not used.
    if (page->expected != Expected::kPreloaded || was_preloaded ||
        is_preloading_) {
      page->is_used = true;
    }
  } else {
    const auto known =
        std::find_if(new_.begin(), new_.end(),
                     [pgno](const Page& other) { return other.pgno == pgno; });
    if (known == new_.end()) {
      // Bounded: the first pages of a wake are those that count.
      if (new_.size() >= max_pages_) return;
      new_.emplace_back().pgno = pgno;
      page = &new_.back();
    } else {
      page = &*known;
    }
  }
  constexpr uint8_t kMost = std::numeric_limits<uint8_t>::max();
  if (!was_preloaded && page->miss_count < kMost) ++page->miss_count;
}

// Computes the ratio of new pages: how many of those that were new before this
// wake were used in it.
HitRatio HintLearner::NewHitRatio() const {
  size_t judged = 0;
  size_t used = 0;
  for (const Page& page : hinted_) {
    if (page.is_judged || page.expected == Expected::kUnknown) continue;
    ++judged;
    if (page.is_used) ++used;
  }
  // A few pages say nothing about the actor.
  if (judged < kMinHintPages) return new_hit_ratio_;
  const auto now = static_cast<HitRatio>(kAlwaysHit * used / judged);
  return std::max(kLeastNewHitRatio, Average(new_hit_ratio_, now));
}

HintsRecord HintLearner::Learned() const {
  const HitRatio new_hit_ratio = NewHitRatio();
  std::vector<Page> kept;
  for (Page page : hinted_) {
    if (page.expected != Expected::kUnknown) {
      page.is_judged = true;
      page.hit_ratio = page.is_used ? Average(page.hit_ratio, kAlwaysHit)
                                    : static_cast<HitRatio>(page.hit_ratio / 2);
    }
    if (page.hit_ratio >= kWorthKeeping) kept.push_back(page);
  }
  for (Page page : new_) {
    page.hit_ratio = new_hit_ratio;
    kept.push_back(page);
  }
  return Pack(std::move(kept), new_hit_ratio);
}

HintsRecord HintLearner::Pack(std::vector<Page> kept,
                              HitRatio new_hit_ratio) const {
  std::stable_sort(kept.begin(), kept.end(), [](const Page& a, const Page& b) {
    return std::tie(a.hit_ratio, a.miss_count) >
           std::tie(b.hit_ratio, b.miss_count);
  });
  // The surest stay, and of equal ones those that were missed most often.
  if (kept.size() > max_pages_) kept.resize(max_pages_);
  std::sort(kept.begin(), kept.end(),
            [](const Page& a, const Page& b) { return a.pgno < b.pgno; });
  HintsRecord record;
  record.new_hit_ratio = new_hit_ratio;
  if (kept.size() < kMinHintPages) return record;
  for (const Page& page : kept) {
    if (!record.ranges.empty()) {
      HintRange& last = record.ranges.back();
      if (last.first + last.page_count == page.pgno &&
          last.hit_ratio == page.hit_ratio &&
          last.is_judged == page.is_judged) {
        ++last.page_count;
        continue;
      }
    }
    record.ranges.push_back({page.pgno, 1, page.hit_ratio, page.is_judged});
  }
  return record;
}

}  // namespace actorkv
