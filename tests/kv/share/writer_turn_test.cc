// How long a process keeps the writer's word while others wait.

#include "kv/share/writer_turn.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "kv/share/board.h"
#include "tests/support/share_harness.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr WriterToken kAlice = TokenOf(5);
constexpr WriterToken kBob = TokenOf(6);

class WriterTurnTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(Board::Make(*store_.opened(), 1, &board_));
    slot_ = board_->slot(0);
  }
  void Pass(std::chrono::microseconds time) { now_ += time; }

  const StoreDirectory store_;
  std::unique_ptr<Board> board_;
  ActorSlot* slot_ = nullptr;
  std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
  WriterTurn turn_{[this] { return now_; }};
  WriterTurn other_{[this] { return now_; }};
};

TEST_F(WriterTurnTest, IsKeptAsLongAsNobodyWaits) {
  EXPECT_TRUE(turn_.MayTake(*slot_, kAlice));
  ASSERT_TRUE(turn_.TryTake(slot_, kAlice));
  EXPECT_TRUE(turn_.TryTake(slot_, kAlice)) << "it has it";
  EXPECT_FALSE(other_.MayTake(*slot_, kBob));
  EXPECT_FALSE(other_.TryTake(slot_, kBob));
  Pass(std::chrono::seconds(1));
  EXPECT_FALSE(turn_.IsOver(*slot_));
  EXPECT_FALSE(turn_.Release(slot_, kAlice));
  EXPECT_TRUE(other_.TryTake(slot_, kBob));
}

TEST_F(WriterTurnTest, GoesBackAndForthWithinTheTurn) {
  ASSERT_TRUE(turn_.TryTake(slot_, kAlice));
  ASSERT_TRUE(slot_->SetWaiting());
  Pass(std::chrono::microseconds(1900));
  EXPECT_FALSE(turn_.Release(slot_, kAlice)) << "it may come back";
  EXPECT_FALSE(other_.MayTake(*slot_, kBob));
  EXPECT_FALSE(other_.TryTake(slot_, kBob));
  EXPECT_TRUE(turn_.MayTake(*slot_, kAlice));
  EXPECT_TRUE(turn_.TryTake(slot_, kAlice));
  EXPECT_FALSE(turn_.IsOver(*slot_));
  Pass(std::chrono::microseconds(100));
  EXPECT_TRUE(turn_.IsOver(*slot_));
  EXPECT_TRUE(turn_.Release(slot_, kAlice)) << "the next one is to be told";
  EXPECT_FALSE(turn_.MayTake(*slot_, kAlice));
  EXPECT_FALSE(turn_.TryTake(slot_, kAlice));
}

TEST_F(WriterTurnTest, ATurnThatNobodyWaitedForDoesNotGoOnLater) {
  ASSERT_TRUE(turn_.TryTake(slot_, kAlice));
  ASSERT_FALSE(turn_.Release(slot_, kAlice));
  ASSERT_TRUE(other_.TryTake(slot_, kBob));
  ASSERT_TRUE(slot_->SetWaiting());
  ASSERT_FALSE(other_.Release(slot_, kBob));
  EXPECT_FALSE(turn_.TryTake(slot_, kAlice)) << "it is the other one's turn";
  EXPECT_TRUE(other_.TryTake(slot_, kBob));
}

TEST_F(WriterTurnTest, BeginsWithTheWordThatIsGiven) {
  ASSERT_TRUE(slot_->Replace({}, kAlice, /*somebody_waits=*/true));
  turn_.Begin(slot_);
  EXPECT_TRUE(turn_.TryTake(slot_, kAlice));
  EXPECT_FALSE(turn_.Release(slot_, kAlice));
  EXPECT_TRUE(turn_.TryTake(slot_, kAlice));
}

TEST_F(WriterTurnTest, EndsWithAWordThatWasTakenAway) {
  ASSERT_TRUE(turn_.TryTake(slot_, kAlice));
  ASSERT_TRUE(slot_->SetWaiting());
  ASSERT_TRUE(slot_->Replace(kAlice, {}, /*somebody_waits=*/true));
  EXPECT_FALSE(turn_.Release(slot_, kAlice));
  EXPECT_FALSE(turn_.TryTake(slot_, kAlice));
}

TEST_F(WriterTurnTest, SaysWhoWritesAndSinceWhen) {
  EXPECT_FALSE(other_.HolderBeside(*slot_, kBob).is_other);
  ASSERT_TRUE(turn_.TryTake(slot_, kAlice));
  Pass(std::chrono::seconds(40));
  EXPECT_TRUE(turn_.TryTake(slot_, kAlice));
  const WordHolder holder = other_.HolderBeside(*slot_, kBob);
  EXPECT_TRUE(holder.is_other);
  EXPECT_EQ(holder.pid, static_cast<uint32_t>(getpid()));
  EXPECT_EQ(holder.since_ms, 40'000);
  EXPECT_FALSE(turn_.HolderBeside(*slot_, kAlice).is_other);
  // What is there may be anything.
  slot_->NoteTurn(0, INT64_MAX);
  EXPECT_EQ(other_.HolderBeside(*slot_, kBob).since_ms, -1);
  slot_->NoteTurn(0, INT64_MIN);
  EXPECT_EQ(other_.HolderBeside(*slot_, kBob).since_ms, -1);
  turn_.Release(slot_, kAlice);
  ASSERT_TRUE(slot_->TryTake(kKeptToken));
  const WordHolder kept = other_.HolderBeside(*slot_, kBob);
  EXPECT_TRUE(kept.is_other);
  EXPECT_EQ(kept.since_ms, -1) << "nobody has written there";
}

}  // namespace
}  // namespace actorkv
