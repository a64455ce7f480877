// Pieces of pages that several read: each once, in the order in which they are
// wanted, and nothing that a scan has passed.

#include "kv/cache/piece_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <new>
#include <set>
#include <thread>
#include <vector>

namespace actorkv {
namespace {

PieceQueue ScanOf(PageNo first, PageNo end, bool backward = false) {
  return PieceQueue(PageSpan{first, end}, ScanProgress{backward, nullptr});
}

TEST(PieceQueueTest, AScanGoesTowardsTheEndThatIsWantedLast) {
  for (bool backward : {false, true}) {
    SCOPED_TRACE(backward);
    PieceQueue queue = ScanOf(10, 110, backward);
    EXPECT_FALSE(queue.IsAwaited(9));
    EXPECT_TRUE(queue.IsAwaited(10));
    EXPECT_TRUE(queue.IsAwaited(109));
    EXPECT_FALSE(queue.IsAwaited(110));
    PageNo at = backward ? 110 : 10;
    PageSpan piece;
    while (queue.Take(&piece)) {
      EXPECT_EQ(backward ? piece.end : piece.first, at);
      ASSERT_LT(piece.first, piece.end);
      EXPECT_TRUE(queue.IsAwaited(piece.first));
      EXPECT_TRUE(queue.IsAwaited(piece.end - 1));
      queue.Done(piece);
      EXPECT_FALSE(queue.IsAwaited(piece.first));
      EXPECT_FALSE(queue.IsAwaited(piece.end - 1));
      at = backward ? piece.first : piece.end;
    }
    EXPECT_EQ(at, backward ? 10u : 110u);
    EXPECT_FALSE(queue.Take(&piece)) << "and stays so";
  }
}

TEST(PieceQueueTest, LeavesOutWhatTheScanHasPassed) {
  for (bool backward : {false, true}) {
    SCOPED_TRACE(backward);
    auto front = std::make_shared<std::atomic<PageNo>>(0);
    PieceQueue queue({1, 1001}, {backward, front});
    PageSpan piece;
    ASSERT_TRUE(queue.Take(&piece));
    *front = backward ? 401 : 600;
    ASSERT_TRUE(queue.Take(&piece));
    EXPECT_LE(piece.first, *front + 1);
    EXPECT_GE(piece.end, *front);
    EXPECT_FALSE(queue.IsAwaited(backward ? 900 : 100));
    EXPECT_TRUE(queue.IsAwaited(*front));
    *front = backward ? 1 : 1000;
    while (queue.Take(&piece))
      EXPECT_TRUE(piece.first == 1 || piece.end == 1001);
  }
}

TEST(PieceQueueTest, ManyPagesAndNone) {
  PieceQueue none = ScanOf(5, 5);
  PageSpan piece;
  EXPECT_FALSE(none.Take(&piece));
  EXPECT_FALSE(none.IsAwaited(5));
  PieceQueue queue = ScanOf(1, 5001);
  PageNo count = 0;
  while (queue.Take(&piece)) {
    count += piece.count();
    queue.Done(piece);
  }
  EXPECT_EQ(count, 5000u);
  EXPECT_FALSE(queue.IsAwaited(5000));
}

TEST(PieceQueueTest, GivenPiecesComeAsTheyAre) {
  PieceQueue queue({{7, 12}, {30, 31}, {2, 4}});
  PageSpan piece;
  for (const PageNo first : {7u, 30u, 2u}) {
    ASSERT_TRUE(queue.Take(&piece));
    EXPECT_EQ(piece.first, first);
  }
  EXPECT_FALSE(queue.Take(&piece));
  queue.Done({30, 31});
  EXPECT_TRUE(queue.IsAwaited(11));
  EXPECT_FALSE(queue.IsAwaited(20)) << "of no piece";
  EXPECT_FALSE(queue.IsAwaited(30));
  EXPECT_TRUE(queue.IsAwaited(3));
}

TEST(PieceQueueTest, EachPieceIsTakenOnce) {
  PieceQueue queue = ScanOf(1, 2001);
  std::vector<std::set<PageNo>> taken(3);
  std::vector<std::thread> threads;
  threads.reserve(taken.size());
  for (std::set<PageNo>& mine : taken) {
    threads.emplace_back([&queue, &mine] {
      PageSpan piece;
      while (queue.Take(&piece)) {
        for (PageNo pgno = piece.first; pgno < piece.end; ++pgno) {
          mine.insert(pgno);
        }
        queue.Done(piece);
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

TEST(PieceQueueTest, WhoWaitsIsWokenOrGoesOn) {
  PieceQueue queue = ScanOf(1, 33);
  PageSpan piece;
  ASSERT_TRUE(queue.Take(&piece));
  const auto begin = std::chrono::steady_clock::now();
  queue.WaitFor(7);  // nobody reads it
  EXPECT_TRUE(queue.IsAwaited(7));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  std::thread other([&queue, &piece] { queue.Done(piece); });
  while (queue.IsAwaited(7)) queue.WaitFor(7);
  other.join();
}

TEST(PieceQueueTest, AReaderThatThrowsIsDoneWithItsPiece) {
  PieceQueue queue = ScanOf(1, 33);
  PageSpan piece;
  ASSERT_TRUE(queue.Take(&piece));
  const auto read = [&] {
    const PieceQueue::Doing doing(&queue, piece);
    throw std::bad_alloc();
  };
  EXPECT_THROW(read(), std::bad_alloc);
  EXPECT_FALSE(queue.IsAwaited(7));
  queue.WaitFor(7);
}

}  // namespace
}  // namespace actorkv
