// Change counters and schema cookies: what comes next, and the bound of one
// that cannot be read.

#include "kv/format/counters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

TEST(CountersTest, NextIsAboveTheFloorAndAsAskedForWherePossible) {
  EXPECT_EQ(NextCounter(1, 0), 1u);
  EXPECT_EQ(NextCounter(7, 6), 7u);
  EXPECT_EQ(NextCounter(100, 6), 100u);
  EXPECT_EQ(NextCounter(6, 6), 7u);
  EXPECT_EQ(NextCounter(0, 6), 7u);
  EXPECT_EQ(NextCounter(kMaxGivenCounter, 6), kMaxGivenCounter);
  EXPECT_EQ(NextCounter(kMaxGivenCounter + 1, 6), 7u);
  EXPECT_EQ(NextCounter(std::numeric_limits<uint32_t>::max(), 6), 7u);
  EXPECT_EQ(NextCounter(kMaxGivenCounter + 1, kMaxGivenCounter),
            kMaxGivenCounter + 1);
}

// Whatever was asked for at each commit, and however often a bound had to do.
TEST(CountersTest, NothingCountsAboveTheBound) {
  std::mt19937_64 numbers(TestSeed());
  for (uint64_t round = 0; round < TestRounds(200); ++round) {
    const auto floor =
        static_cast<uint32_t>(numbers() % 3 == 0 ? numbers() % 100 : numbers());
    if (floor > std::numeric_limits<uint32_t>::max() - 5000) continue;
    uint32_t counter = floor;
    TxId txid{1};
    for (int commit = 0; commit < 100; ++commit) {
      txid.value += 1 + numbers() % 3;
      const uint32_t before = counter;
      if (numbers() % 20 == 0) {
        // The page 1 before cannot be read.
        counter = NextCounter(0, UnknownCounter(floor, TxId{txid.value - 1}));
      } else {
        counter = NextCounter(static_cast<uint32_t>(numbers()), counter);
      }
      ASSERT_GT(counter, before);
      ASSERT_LE(counter, UnknownCounter(floor, txid));
    }
  }
}

TEST(CountersTest, TheBoundLeavesRoomForOneMore) {
  constexpr uint32_t kMax = std::numeric_limits<uint32_t>::max();
  EXPECT_EQ(UnknownCounter(0, TxId{5}), kUnknownCounter + 5);
  EXPECT_EQ(UnknownCounter(kUnknownCounter + 7, TxId{5}), kUnknownCounter + 12);
  EXPECT_EQ(UnknownCounter(0, TxId{}), kUnknownCounter + (1u << 24));
  EXPECT_EQ(UnknownCounter(kMax, TxId{5}), kMax - 1);
  EXPECT_EQ(UnknownCounter(0, kLastTxId), kMax - 1);
  EXPECT_EQ(NextCounter(0, UnknownCounter(kMax, TxId{5})), kMax);
}

}  // namespace
}  // namespace actorkv
