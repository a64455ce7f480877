// When pages are read ahead, and which.

#include "vfs/actor/access_pattern.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace actorkv {
namespace {

constexpr uint32_t kPageCount = 10000;
constexpr uint32_t kLimit = 256;

// What a reader of these pages has read ahead, with nothing in the cache.
struct Reader {
  void Read(PageNo pgno) {
    // An empty cache, but for what was read ahead.
    if (ahead.count(pgno) != 0) ++used;
    pattern.Note(pgno, true);
    const PageSpan span = pattern.Next(kPageCount, kLimit);
    if (span.empty()) return;
    EXPECT_GE(span.first, 1u);
    EXPECT_LE(span.end, kPageCount + 1);
    EXPECT_LE(span.end - span.first, kLimit);
    ++spans;
    for (PageNo page = span.first; page < span.end; ++page) {
      EXPECT_TRUE(ahead.insert(page).second) << "twice: " << page;
    }
  }

  AccessPattern pattern;
  std::set<PageNo> ahead;
  size_t spans = 0;
  size_t used = 0;
};

TEST(AccessPatternTest, ForwardAndBackward) {
  for (bool forward : {true, false}) {
    SCOPED_TRACE(forward);
    Reader reader;
    for (PageNo i = 1; i <= kPageCount; ++i) {
      reader.Read(forward ? i : kPageCount + 1 - i);
    }
    EXPECT_GE(reader.used, kPageCount - 8);
    EXPECT_EQ(reader.ahead.size(), reader.used);
    EXPECT_LT(reader.spans, 100u) << "they grow";
  }
}

// A tree: inner pages far away, leaves with gaps and out of order by one.
TEST(AccessPatternTest, AScanOfATree) {
  Reader reader;
  for (PageNo leaf = 100; leaf < 5000; leaf += 2) {
    if (leaf % 400 == 0) reader.Read(9000 + leaf / 400);
    if (leaf % 50 == 0) reader.Read(leaf + 4);
    reader.Read(leaf);
  }
  EXPECT_GE(reader.used, 2400u);
  EXPECT_LE(reader.ahead.size(), 4900u + 2 * kLimit);
}

TEST(AccessPatternTest, RandomReadsAndShortRunsCauseNothing) {
  std::mt19937 next(3);
  Reader reader;
  for (int i = 0; i < 20000; ++i) {
    reader.Read(static_cast<PageNo>(1 + next() % kPageCount));
  }
  for (PageNo start = 1; start < kPageCount; start += 100) {
    for (PageNo page = start; page < start + 3; ++page) reader.Read(page);
  }
  EXPECT_EQ(reader.spans, 0u);
}

// Windows begin small again in each run.
TEST(AccessPatternTest, AShortScanWastesLittle) {
  Reader reader;
  for (PageNo start : {1u, 2000u, 4000u, 6000u}) {
    for (PageNo page = start; page < start + 10; ++page) reader.Read(page);
    for (PageNo page : {500u, 1500u, 2500u, 3500u, 4500u, 5500u, 9999u}) {
      reader.Read(page);
    }
  }
  EXPECT_LE(reader.ahead.size(), 4 * 48u);
  EXPECT_GE(reader.used, 4 * 5u);
}

TEST(AccessPatternTest, WhatTheCacheHasIsNotReadAhead) {
  AccessPattern pattern;
  for (PageNo page = 1; page <= 1000; ++page) {
    pattern.Note(page, false);
    EXPECT_TRUE(pattern.Next(kPageCount, kLimit).empty());
  }
}

// What the reader finds missing it reads with those that follow; the next
// window lies behind them, or where it would have been anyway.
TEST(AccessPatternTest, ReadsTogether) {
  for (bool forward : {true, false}) {
    SCOPED_TRACE(forward);
    // As if all went forward.
    const auto turn = [forward](PageNo page) {
      return forward ? page : kPageCount + 1 - page;
    };
    const auto first = [&](const PageSpan& span) {
      return turn(forward ? span.first : span.end - 1);
    };
    const auto last = [&](const PageSpan& span) {
      return turn(forward ? span.end - 1 : span.first);
    };
    AccessPattern pattern;
    for (PageNo i = 100; i <= 103; ++i) {
      pattern.Note(turn(i), true);
      if (i == 103) continue;  // forward it is one
      EXPECT_TRUE(pattern.Here(turn(i), kPageCount, 8).empty()) << "no run yet";
      EXPECT_TRUE(pattern.Next(kPageCount, kLimit).empty());
    }
    pattern.Note(turn(104), true);
    const PageSpan here = pattern.Here(turn(104), kPageCount, 8);
    EXPECT_EQ(first(here), 104u);
    EXPECT_EQ(last(here), 111u);
    const PageSpan window = pattern.Next(kPageCount, kLimit);
    EXPECT_EQ(first(window), 112u) << "at once";
    pattern.Note(turn(105), true);
    pattern.Note(turn(106), true);
    const PageSpan again = pattern.Here(turn(106), kPageCount, 500);
    EXPECT_EQ(first(again), 106u);
    EXPECT_LE(last(again), last(window)) << "the rest is not on its way yet";
    EXPECT_TRUE(pattern.Here(turn(9000), kPageCount, 8).empty()) << "a stray";
    EXPECT_TRUE(pattern.Here(turn(106), kPageCount, 0).empty());
  }
}

// Where it brings nothing, it is not tried again before the next run.
TEST(AccessPatternTest, ReadsAloneWhereTogetherBringsNothing) {
  AccessPattern pattern;
  for (PageNo page = 101; page <= 110; ++page) pattern.Note(page, true);
  EXPECT_FALSE(pattern.Here(110, kPageCount, 8).empty());
  pattern.ReadAlone();
  pattern.Note(111, true);
  EXPECT_TRUE(pattern.Here(111, kPageCount, 8).empty());
  EXPECT_FALSE(pattern.Next(kPageCount, kLimit).empty());
  for (PageNo page = 5001; page <= 5020; ++page) pattern.Note(page, true);
  EXPECT_FALSE(pattern.Here(5020, kPageCount, 8).empty());
}

TEST(AccessPatternTest, ReadsTogetherUpToTheEnds) {
  AccessPattern pattern;
  for (PageNo page = 1; page <= 6; ++page) pattern.Note(page, true);
  const PageSpan last = pattern.Here(6, 6, 100);
  EXPECT_EQ(last.first, 6u);
  EXPECT_EQ(last.end, 7u);
  AccessPattern backward;
  for (PageNo page = 8; page >= 2; --page) backward.Note(page, true);
  const PageSpan first = backward.Here(2, 8, 100);
  EXPECT_EQ(first.first, 1u);
  EXPECT_EQ(first.end, 3u);
}

TEST(AccessPatternTest, StopsAtTheEnds) {
  AccessPattern pattern;
  for (PageNo page = 1; page <= 5; ++page) {
    pattern.Note(page, true);
    const PageSpan span = pattern.Next(5, kLimit);
    EXPECT_TRUE(span.empty() || span.end == 6) << span.end;
  }
  for (PageNo page = 5; page >= 1; --page) pattern.Note(page, true);
  EXPECT_TRUE(pattern.Next(5, kLimit).empty());
  EXPECT_TRUE(pattern.Next(5, 0).empty());
}

}  // namespace
}  // namespace actorkv
