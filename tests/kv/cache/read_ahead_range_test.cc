// A range of pages that several threads read: every page once, in the order in
// which they are wanted, and nothing that the reader has passed.

#include "kv/cache/read_ahead_range.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace actorkv {
namespace {

using Piece = ReadAheadRange::Piece;

TEST(ReadAheadRangeTest, GoesTowardsTheEndThatIsWantedLast) {
  for (bool backward : {false, true}) {
    SCOPED_TRACE(backward);
    ReadAheadRange range(10, 110, backward, nullptr);
    EXPECT_FALSE(range.Contains(9));
    EXPECT_TRUE(range.Contains(10));
    EXPECT_TRUE(range.Contains(109));
    EXPECT_FALSE(range.Contains(110));
    PageNo at = backward ? 110 : 10;
    Piece piece;
    while (range.Take(&piece)) {
      EXPECT_EQ(backward ? piece.end : piece.first, at);
      ASSERT_LT(piece.first, piece.end);
      EXPECT_FALSE(range.IsDone(piece.first));
      EXPECT_FALSE(range.IsDone(piece.end - 1));
      range.Done(piece);
      EXPECT_TRUE(range.IsDone(piece.first));
      EXPECT_TRUE(range.IsDone(piece.end - 1));
      at = backward ? piece.first : piece.end;
    }
    EXPECT_EQ(at, backward ? 10u : 110u);
    EXPECT_FALSE(range.Take(&piece)) << "and stays so";
  }
}

TEST(ReadAheadRangeTest, LeavesOutWhatTheReaderHasPassed) {
  for (bool backward : {false, true}) {
    SCOPED_TRACE(backward);
    auto front = std::make_shared<std::atomic<PageNo>>(0);
    ReadAheadRange range(1, 1001, backward, front);
    Piece piece;
    ASSERT_TRUE(range.Take(&piece));
    *front = backward ? 401 : 600;
    ASSERT_TRUE(range.Take(&piece));
    EXPECT_LE(piece.first, *front + 1);
    EXPECT_GE(piece.end, *front);
    EXPECT_TRUE(range.IsDone(backward ? 900 : 100));
    EXPECT_FALSE(range.IsDone(*front));
    *front = backward ? 1 : 1000;
    while (range.Take(&piece))
      EXPECT_TRUE(piece.first == 1 || piece.end == 1001);
  }
}

TEST(ReadAheadRangeTest, TheLargestAndNone) {
  ReadAheadRange none(5, 5, false, nullptr);
  Piece piece;
  EXPECT_FALSE(none.Take(&piece));
  ReadAheadRange range(1, 1 + ReadAheadRange::kMaxPages, false, nullptr);
  PageNo count = 0;
  while (range.Take(&piece)) {
    count += piece.end - piece.first;
    range.Done(piece);
  }
  EXPECT_EQ(count, ReadAheadRange::kMaxPages);
  EXPECT_TRUE(range.IsDone(ReadAheadRange::kMaxPages));
}

TEST(ReadAheadRangeTest, EachPieceIsTakenOnce) {
  ReadAheadRange range(1, 2001, false, nullptr);
  std::vector<std::set<PageNo>> taken(3);
  std::vector<std::thread> threads;
  threads.reserve(taken.size());
  for (std::set<PageNo>& mine : taken) {
    threads.emplace_back([&range, &mine] {
      Piece piece;
      while (range.Take(&piece)) {
        for (PageNo pgno = piece.first; pgno < piece.end; ++pgno) {
          mine.insert(pgno);
        }
        range.Done(piece);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<PageNo> all;
  size_t sum = 0;
  for (const std::set<PageNo>& mine : taken) {
    sum += mine.size();
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(sum, 2000u);
  EXPECT_EQ(all.size(), 2000u);
}

TEST(ReadAheadRangeTest, WhoWaitsIsWokenOrGoesOn) {
  ReadAheadRange range(1, 33, false, nullptr);
  Piece piece;
  ASSERT_TRUE(range.Take(&piece));
  const auto begin = std::chrono::steady_clock::now();
  range.WaitFor(7);  // nobody reads it
  EXPECT_FALSE(range.IsDone(7));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  std::thread other([&range, &piece] { range.Done(piece); });
  while (!range.IsDone(7)) range.WaitFor(7);
  other.join();
}

}  // namespace
}  // namespace actorkv
