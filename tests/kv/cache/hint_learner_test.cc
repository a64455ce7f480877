// What an actor learns from wake to wake: a workload in, hints out.

#include "kv/cache/hint_learner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace actorkv {
namespace {

constexpr uint32_t kPageBytes = 4096;
constexpr HintLearner::Limits kLimits = {100000, 1000};

using Pages = std::vector<PageNo>;

// Random numbers below a limit.
class Dice {
 public:
  explicit Dice(uint32_t seed) : bits_(seed) {}
  uint32_t operator()(uint32_t below) {
    return static_cast<uint32_t>(bits_() % below);
  }

 private:
  std::mt19937 bits_;
};

Pages PagesOf(const HintsRecord& record) {
  Pages pages;
  for (const HintRange& range : record.ranges) {
    for (uint32_t i = 0; i < range.page_count; ++i) {
      pages.push_back(range.first + i);
    }
  }
  return pages;
}

bool Nothing(PageNo /*pgno*/) { return false; }

// A wake with nothing in the cache, in which `used` are read, in this order.
// Returns what was preloaded.
Pages Live(const Pages& used, HintsRecord* hints) {
  HintLearner learner(*hints, kPageBytes);
  Pages preloaded = learner.Wake(kLimits, Nothing);
  for (const PageNo pgno : used) {
    learner.Note(pgno,
                 std::binary_search(preloaded.begin(), preloaded.end(), pgno));
  }
  *hints = learner.Learned();
  return preloaded;
}

Pages FromTo(PageNo first, PageNo last) {
  Pages pages;
  for (PageNo pgno = first; pgno <= last; ++pgno) pages.push_back(pgno);
  return pages;
}

TEST(HintLearnerTest, TheSecondWakePreloadsWhatTheFirstUsed) {
  HintsRecord hints;
  EXPECT_EQ(Live({1, 90, 17, 18, 19}, &hints), Pages());
  EXPECT_EQ(PagesOf(hints), Pages({1, 17, 18, 19, 90}));
  ASSERT_EQ(hints.ranges.size(), 3U);
  EXPECT_EQ(hints.ranges[1].first, 17U);
  EXPECT_EQ(hints.ranges[1].page_count, 3U);
  EXPECT_FALSE(hints.ranges[1].is_judged);
  EXPECT_EQ(Live({1, 90, 17, 18, 19}, &hints), Pages({1, 17, 18, 19, 90}));
  EXPECT_TRUE(hints.ranges[1].is_judged);
}

TEST(HintLearnerTest, WhatIsAlwaysUsedComesToRest) {
  HintsRecord hints;
  for (int i = 0; i < 12; ++i) Live(FromTo(1, 20), &hints);
  ASSERT_EQ(hints.ranges.size(), 1U);
  EXPECT_EQ(hints.ranges[0].hit_ratio, kAlwaysHit);
  const HintsRecord before = hints;
  Live(FromTo(1, 20), &hints);
  EXPECT_EQ(EncodeRecord("k", hints), EncodeRecord("k", before));
}

TEST(HintLearnerTest, WhatIsNotUsedAnyMoreIsDropped) {
  HintsRecord hints;
  for (int i = 0; i < 12; ++i) Live(FromTo(1, 20), &hints);
  int preloads = 0;
  while (!Live(FromTo(1, 10), &hints).empty() &&
         PagesOf(hints) != FromTo(1, 10)) {
    ASSERT_LT(++preloads, 6);
  }
  EXPECT_EQ(Live(FromTo(1, 10), &hints), FromTo(1, 10));
}

TEST(HintLearnerTest, UselessHintsAreNotPreloadedForLong) {
  HintsRecord hints;
  Live(FromTo(1, 40), &hints);
  size_t wasted = 0;
  for (int i = 0; i < 10; ++i) wasted += Live({}, &hints).size();
  EXPECT_LE(wasted, 80U) << "two wakes";
  EXPECT_EQ(PagesOf(hints), Pages());
}

// Each wake reads three pages that all read, and others at random.
TEST(HintLearnerTest, RandomPagesAreNotPreloaded) {
  HintsRecord hints;
  Dice dice(3);
  size_t preloaded = 0;
  size_t used = 0;
  constexpr int kWakes = 40;
  for (int i = 0; i < kWakes; ++i) {
    Pages wanted = {1, 2, 3, 4, 5};
    for (int j = 0; j < 25; ++j) wanted.push_back(10 + dice(50000));
    const Pages got = Live(wanted, &hints);
    if (i < kWakes / 2) continue;
    preloaded += got.size();
    for (const PageNo pgno : got) {
      if (std::count(wanted.begin(), wanted.end(), pgno) != 0) ++used;
    }
  }
  EXPECT_EQ(used, 5U * kWakes / 2) << "the five are preloaded";
  EXPECT_EQ(preloaded, used) << "and nothing else";
}

// After a time of chance, pages that come again are found again.
TEST(HintLearnerTest, NewHabitsAreLearned) {
  HintsRecord hints;
  for (PageNo i = 1; i <= 10; ++i) {
    Live(FromTo(1000 * i, 1000 * i + 30), &hints);
  }
  EXPECT_TRUE(Live(FromTo(1, 20), &hints).empty());
  Live(FromTo(1, 20), &hints);
  EXPECT_EQ(Live(FromTo(1, 20), &hints), FromTo(1, 20));
}

TEST(HintLearnerTest, HotPagesAndEarlyPagesFirst) {
  HintsRecord hints;
  const size_t most = MaxHintPages(kPageBytes);
  ASSERT_EQ(most, 64U);
  for (int i = 0; i < 4; ++i) Live({500, 501, 502, 503, 504}, &hints);
  // The five are hot; of a scan the first pages count.
  Pages scan = FromTo(1, 300);
  scan.insert(scan.end(), {500, 501, 502, 503, 504});
  Live(scan, &hints);
  Pages expected = FromTo(1, 59);
  expected.insert(expected.end(), {500, 501, 502, 503, 504});
  EXPECT_EQ(PagesOf(hints), expected);
}

TEST(HintLearnerTest, WhatIsMissedOftenComesBeforeWhatIsMissedOnce) {
  HintsRecord hints;
  for (int i = 0; i < 4; ++i) Live({500, 501, 502, 503, 504}, &hints);
  Pages scan = FromTo(1, 64);
  scan.push_back(64);
  scan.insert(scan.end(), {500, 501, 502, 503, 504});
  Live(scan, &hints);
  const Pages kept = PagesOf(hints);
  EXPECT_EQ(std::count(kept.begin(), kept.end(), 64U), 1);
  EXPECT_EQ(std::count(kept.begin(), kept.end(), 59U), 0);
}

TEST(HintLearnerTest, WhatIsCachedIsNeitherPreloadedNorJudged) {
  HintsRecord hints;
  Live(FromTo(1, 20), &hints);
  HintLearner learner(hints, kPageBytes);
  EXPECT_EQ(learner.Wake(kLimits, [](PageNo pgno) { return pgno <= 10; }),
            FromTo(11, 20));
  const HintsRecord after = learner.Learned();
  ASSERT_EQ(after.ranges.size(), 2U);
  EXPECT_EQ(after.ranges[0].page_count, 10U);
  EXPECT_EQ(after.ranges[0].hit_ratio, hints.ranges[0].hit_ratio);
  EXPECT_LT(after.ranges[1].hit_ratio, hints.ranges[0].hit_ratio);
}

TEST(HintLearnerTest, WhatWentBeforeItsUseWasNoHelp) {
  HintsRecord hints;
  Live(FromTo(1, 20), &hints);
  HintLearner learner(hints, kPageBytes);
  learner.Wake(kLimits, Nothing);
  learner.EndPreload();
  for (PageNo pgno = 1; pgno <= 20; ++pgno) {
    learner.Note(pgno, /*was_preloaded=*/pgno <= 10);
  }
  const HintsRecord after = learner.Learned();
  ASSERT_EQ(after.ranges.size(), 2U);
  EXPECT_GT(after.ranges[0].hit_ratio, after.ranges[1].hit_ratio);
}

TEST(HintLearnerTest, WhatIsAskedForBeforeItIsPreloadedWasHintedRightly) {
  HintsRecord hints;
  Live(FromTo(1, 20), &hints);
  HintLearner learner(hints, kPageBytes);
  learner.Wake(kLimits, Nothing);
  for (PageNo pgno = 1; pgno <= 10; ++pgno) learner.Note(pgno, false);
  learner.EndPreload();
  for (PageNo pgno = 11; pgno <= 20; ++pgno) learner.Note(pgno, true);
  const HintsRecord after = learner.Learned();
  ASSERT_EQ(after.ranges.size(), 1U);
  EXPECT_GT(after.ranges[0].hit_ratio, hints.ranges[0].hit_ratio);
}

TEST(HintLearnerTest, NoPagePastTheEndAndNoMoreThanTheLimit) {
  HintsRecord hints;
  Live(FromTo(1, 20), &hints);
  EXPECT_EQ(HintLearner(hints, kPageBytes).Wake({12, 1000}, Nothing),
            FromTo(1, 12));
  EXPECT_EQ(HintLearner(hints, kPageBytes).Wake({20, 7}, Nothing),
            FromTo(1, 7));
  EXPECT_EQ(HintLearner(hints, kPageBytes).Wake({3, 1000}, Nothing), Pages())
      << "too few for a batch";
}

TEST(HintLearnerTest, AFewPagesAreNoHints) {
  HintsRecord hints;
  Live({1, 2, 3}, &hints);
  EXPECT_TRUE(hints.ranges.empty());
}

// Whatever it is told: bounded, sound, and the same when asked again.
TEST(HintLearnerTest, AnyLifeGivesSoundHints) {
  Dice dice(7);
  for (uint32_t page_size : {512U, 4096U, 65536U}) {
    HintsRecord hints;
    for (int wake = 0; wake < 200; ++wake) {
      HintLearner learner(hints, page_size);
      learner.Wake({1 + dice(400), dice(300)},
                   [&](PageNo) { return dice(4) == 0; });
      for (uint32_t i = dice(600); i > 0; --i) {
        learner.Note(1 + dice(500), dice(2) == 0);
      }
      hints = learner.Learned();
      const std::string bytes = EncodeRecord("k", hints);
      EXPECT_EQ(EncodeRecord("k", learner.Learned()), bytes);
      HintsRecord decoded;
      ASSERT_TRUE(DecodeRecord("k", bytes, &decoded).ok());
      ASSERT_LE(hints.page_count(), MaxHintPages(page_size));
    }
  }
}

}  // namespace
}  // namespace actorkv
