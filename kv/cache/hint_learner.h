// HintLearner: learns which pages an actor reads first when it wakes.
//
// An actor wakes when it is opened and a page is asked for that the page cache
// does not have. From then until it is closed the learner hears of each page
// that is used for the first time: that was not in the cache, or was there only
// because it was read ahead or preloaded. Uses of pages that are in the cache
// anyway are not heard of, and cost nothing.
//
// For each page that was hinted and was not in the cache at the wake it knows
// afterwards whether it was used. Its hit ratio is the average of what it was
// and of this wake (1 or 0): pages below kWorthPreloading are not preloaded any
// more, those below kWorthKeeping are forgotten. Pages that are new come in
// with the ratio that new pages had so far: where each wake reads others, they
// are remembered, but not preloaded before they came twice.
//
// The number of pages that are kept is bounded (kv/format/hints_record.h):
// pages with the highest ratio first (hot pages), then those that were missed
// most often, then in the order of their first use (early pages).
//
// Invariants:
//  1. Its memory is bounded: MaxHintPages() that were hinted, and as many new
//     ones, 8 bytes each.
//  2. Learned() depends on nothing but the hints that it began with and what it
//     was told; it may be asked again and again.
//
// Not thread-safe. No I/O.

#ifndef ACTORKV_KV_CACHE_HINT_LEARNER_H_
#define ACTORKV_KV_CACHE_HINT_LEARNER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "kv/base/types.h"
#include "kv/format/hints_record.h"

namespace actorkv {

constexpr HitRatio kWorthPreloading = 77;  // 0.3
constexpr HitRatio kWorthKeeping = 16;
constexpr HitRatio kFirstNewHitRatio = 191;  // 0.75: an actor's without hints

// The least number of hinted pages: fewer are not worth a batch of their own,
// nor a record.
constexpr size_t kMinHintPages = 4;

// The least number of pages of an actor that has hints: a few blocks hold a
// smaller one.
constexpr uint32_t kMinHintedActorPages = 8;

class HintLearner {
 public:
  HintLearner(const HintsRecord& hints, uint32_t page_size);

  // Begins the wake, once and before Note(): returns the pages to preload, in
  // order. None when they are too few. `is_cached` says which are in the page
  // cache.
  struct Limits {
    uint32_t page_count = 0;  // of the database
    uint32_t max_pages = 0;   // to preload
  };
  std::vector<PageNo> Wake(const Limits& limits,
                           const std::function<bool(PageNo)>& is_cached);

  // Tells that all that Wake() returned was preloaded. Before that a page may
  // have to be read though its hint was right.
  void EndPreload() { is_preloading_ = false; }

  // Tells that a page was used for the first time, or was missed again.
  // `was_preloaded`: it was in the cache, because of Wake().
  void Note(PageNo pgno, bool was_preloaded);

  // Returns the hints after this wake, without a generation, and without ranges
  // where nothing is worth keeping.
  HintsRecord Learned() const;

 private:
  enum class Expected : uint8_t {
    kUnknown,    // it was in the cache, so its use is not heard of
    kIfUsed,     // it is heard of when it is missed
    kPreloaded,  // it is heard of when it is found
  };
  struct Page {
    PageNo pgno = 0;
    HitRatio hit_ratio = 0;
    uint8_t miss_count = 0;
    Expected expected = Expected::kIfUsed;
    bool is_judged : 1;
    bool is_used : 1;
  };
  static_assert(sizeof(Page) == 8);

  HitRatio NewHitRatio() const;
  HintsRecord Pack(std::vector<Page> kept, HitRatio new_hit_ratio) const;

  const size_t max_pages_;
  const HitRatio new_hit_ratio_;
  std::vector<Page> hinted_;  // in order
  std::vector<Page> new_;     // in the order of their first use
  bool is_preloading_ = false;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_CACHE_HINT_LEARNER_H_
