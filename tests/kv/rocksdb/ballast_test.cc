// Space set aside: how much, when, and what becomes of it.

#include "kv/rocksdb/ballast.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

class BallastTest : public testing::Test {
 protected:
  uint64_t FileBytes() const {
    std::error_code missing;
    const auto size =
        std::filesystem::file_size(dir_.File(kBallastFileName), missing);
    return missing ? 0 : size;
  }

  static Ballast::Need Large(uint64_t flush_bytes) {
    return {flush_bytes, kMinBallastStoreBytes, 1000 * kMiB};
  }

  const TempDir dir_;
  Ballast ballast_{dir_.path()};
};

TEST_F(BallastTest, ASmallStoreHasNone) {
  ballast_.Keep({10 * kMiB, kMinBallastStoreBytes - 1, 1000 * kMiB});
  EXPECT_EQ(FileBytes(), 0u);
  ballast_.Trim(0);
  EXPECT_EQ(FileBytes(), 0u);
}

TEST_F(BallastTest, HoldsWhatAnOpenWrites) {
  for (const uint64_t flush_bytes : {0 * kMiB, 1 * kMiB, 7 * kMiB, 40 * kMiB}) {
    ballast_.Keep(Large(flush_bytes));
    EXPECT_GE(FileBytes(), flush_bytes + kBallastOverheadBytes);
    EXPECT_LE(FileBytes(),
              flush_bytes + kBallastOverheadBytes + 2 * kBallastStepBytes);
    EXPECT_EQ(ballast_.size_bytes(), FileBytes());
  }
}

TEST_F(BallastTest, TakesNothingThatOthersNeed) {
  Ballast::Need need = Large(20 * kMiB);
  need.free_bytes = 20 * kMiB;
  ballast_.Keep(need);
  EXPECT_EQ(FileBytes(), 0u);
}

TEST_F(BallastTest, ShrinksByMoreThanAStepAndAtTheEndExactly) {
  ballast_.Keep(Large(kBallastStepBytes));
  const uint64_t before = FileBytes();
  ballast_.Keep(Large(0));
  EXPECT_EQ(FileBytes(), before) << "it would come and go";
  ballast_.Trim(kMiB);
  EXPECT_EQ(FileBytes(), kMiB + kBallastOverheadBytes);
  ballast_.Keep(Large(40 * kMiB));
  ballast_.Keep(Large(0));
  EXPECT_EQ(FileBytes(), kBallastStepBytes);
}

TEST_F(BallastTest, IsMissingUntilItIsMadeAgain) {
  EXPECT_FALSE(ballast_.GiveUp()) << "there was none";
  EXPECT_FALSE(ballast_.IsMissing());
  ballast_.Keep(Large(0));
  EXPECT_TRUE(ballast_.GiveUp());
  EXPECT_EQ(FileBytes(), 0u);
  EXPECT_TRUE(ballast_.IsMissing());
  Ballast::Need need = Large(0);
  need.free_bytes = 0;
  ballast_.Keep(need);
  EXPECT_TRUE(ballast_.IsMissing());
  ballast_.Keep(Large(0));
  EXPECT_FALSE(ballast_.IsMissing());
}

TEST_F(BallastTest, AnotherLifeTakesItOver) {
  ballast_.Keep(Large(0));
  Ballast next(dir_.path());
  EXPECT_EQ(next.size_bytes(), FileBytes());
  EXPECT_TRUE(next.GiveUp());
}

}  // namespace
}  // namespace actorkv
