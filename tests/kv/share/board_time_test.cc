// The time of the store as the owner believes it.

#include "kv/share/board_time.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/support/share_harness.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr uint64_t kNow = uint64_t{1'700'000'000} * 1'000'000;

class BoardTimeTest : public testing::Test {
 protected:
  void SetUp() override {
    std::unique_ptr<Board> board;
    ASSERT_OK(Board::Make(*store_.opened(), 1, &board));
    board_ = std::move(board);
    time_ = std::make_unique<BoardTime>(board_, [this] { return wall_us_; });
  }

  const StoreDirectory store_;
  std::shared_ptr<Board> board_;
  uint64_t wall_us_ = kNow;
  std::unique_ptr<BoardTime> time_;
};

TEST_F(BoardTimeTest, GoesUpWithThatOfOthers) {
  EXPECT_EQ(time_->Next(kNow), kNow);
  EXPECT_EQ(time_->Next(kNow), kNow + 1);
  board_->RaiseTime(kNow + 100);
  EXPECT_EQ(time_->last_us(), kNow + 100);
  EXPECT_EQ(time_->Next(kNow), kNow + 101);
}

TEST_F(BoardTimeTest, BelievesWhatMayBe) {
  EXPECT_EQ(time_->Next(kNow), kNow);
  board_->RaiseTime(kNow + kMaxAheadUs);
  EXPECT_EQ(time_->Next(kNow), kNow + kMaxAheadUs + 1);
  // The wall clock goes on while the owner takes no time.
  wall_us_ += 10 * kMaxAheadUs;
  board_->RaiseTime(wall_us_ + 5);
  EXPECT_EQ(time_->last_us(), wall_us_ + 5);
}

TEST_F(BoardTimeTest, SetsBackWhatCannotBe) {
  EXPECT_EQ(time_->Next(kNow), kNow);
  for (const uint64_t bad :
       {kNow + 2 * kMaxAheadUs, kLatestTimeUs, ~uint64_t{0}}) {
    board_->RaiseTime(bad);
    EXPECT_EQ(time_->last_us(), kNow);
    EXPECT_EQ(board_->last_time_us(), kNow);
  }
  EXPECT_EQ(time_->Next(kNow), kNow + 1);
  board_->RaiseTime(~uint64_t{0});
  EXPECT_EQ(time_->Next(kNow), kNow + 2);
}

TEST_F(BoardTimeTest, SaysTheOffset) {
  time_->set_offset_us(77);
  EXPECT_EQ(time_->offset_us(), 77U);
  EXPECT_EQ(board_->clock_offset_us(), 77U);
}

}  // namespace
}  // namespace actorkv
