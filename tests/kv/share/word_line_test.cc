// Who gets the writer's word next, with a clock that the test moves.

#include "kv/share/word_line.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <vector>

#include "kv/share/board.h"
#include "kv/share/writer_turn.h"
#include "tests/support/share_harness.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

using Waiter = WordLine::Waiter;

class WordLineTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(Board::Make(*store_.opened(), 1, &board_));
    slot_ = board_->slot(0);
    line_ = std::make_unique<WordLine>(slot_);
  }
  void Join(Waiter* waiter) { line_->Join(waiter, now_); }
  void Pass(std::chrono::microseconds time) {
    now_ += time;
    line_->Look(now_);
  }
  WriterToken writer() const { return slot_->writer(); }

  const StoreDirectory store_;
  std::unique_ptr<Board> board_;
  ActorSlot* slot_ = nullptr;
  std::unique_ptr<WordLine> line_;
  std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
};

TEST_F(WordLineTest, AFreeWordIsGivenAtOnce) {
  Waiter one(1);
  Join(&one);
  EXPECT_TRUE(one.has_word);
  EXPECT_EQ(writer(), TokenOf(1));
  EXPECT_FALSE(slot_->somebody_waits());
}

TEST_F(WordLineTest, FirstComeFirstServed) {
  ASSERT_TRUE(slot_->TryTake(TokenOf(9)));
  std::vector<std::unique_ptr<Waiter>> waiters;
  for (const uint32_t session : {3, 1, 2}) {
    waiters.push_back(std::make_unique<Waiter>(session));
    Join(waiters.back().get());
  }
  EXPECT_TRUE(slot_->somebody_waits());
  uint32_t before = 9;
  for (const auto& waiter : waiters) {
    EXPECT_FALSE(waiter->has_word);
    bool waits = false;
    ASSERT_TRUE(slot_->Release(TokenOf(before), &waits));
    EXPECT_TRUE(waits);
    line_->Yield(now_);
    EXPECT_TRUE(waiter->has_word);
    EXPECT_EQ(writer(), TokenOf(waiter->session));
    slot_->Confirm(TokenOf(waiter->session));
    before = waiter->session;
  }
  EXPECT_FALSE(slot_->somebody_waits()) << "of the last";
}

TEST_F(WordLineTest, WhoseTurnItIsMayComeBack) {
  WriterTurn turn([this] { return now_; });
  ASSERT_TRUE(turn.TryTake(slot_, TokenOf(9)));
  Waiter one(1);
  Join(&one);
  ASSERT_FALSE(turn.Release(slot_, TokenOf(9)));
  Pass(std::chrono::microseconds(1000));
  EXPECT_FALSE(one.has_word);
  EXPECT_TRUE(turn.TryTake(slot_, TokenOf(9)));
  ASSERT_FALSE(turn.Release(slot_, TokenOf(9)));
  // It does not come back, and does not yield either.
  Pass(std::chrono::microseconds(1000));
  EXPECT_TRUE(one.has_word);
  EXPECT_FALSE(turn.TryTake(slot_, TokenOf(9)));
}

TEST_F(WordLineTest, AWordThatNobodyConfirmsGoesOn) {
  ASSERT_TRUE(slot_->TryTake(TokenOf(9)));
  Waiter one(1);
  Waiter two(2);
  Join(&one);
  Join(&two);
  bool waits = false;
  ASSERT_TRUE(slot_->Release(TokenOf(9), &waits));
  line_->Yield(now_);
  ASSERT_TRUE(one.has_word);
  Pass(std::chrono::microseconds(9'999));
  EXPECT_FALSE(two.has_word);
  Pass(std::chrono::microseconds(1));
  EXPECT_TRUE(two.has_word);
  EXPECT_EQ(writer(), TokenOf(2));
  EXPECT_FALSE(slot_->Release(TokenOf(1), &waits)) << "it has it no more";
}

TEST_F(WordLineTest, AWordThatIsConfirmedStays) {
  ASSERT_TRUE(slot_->TryTake(TokenOf(9)));
  Waiter one(1);
  Waiter two(2);
  Join(&one);
  Join(&two);
  bool waits = false;
  ASSERT_TRUE(slot_->Release(TokenOf(9), &waits));
  line_->Yield(now_);
  slot_->Confirm(TokenOf(1));
  Pass(std::chrono::seconds(100));
  EXPECT_FALSE(two.has_word);
  EXPECT_EQ(writer(), TokenOf(1));
}

// A writer that took it without waiting confirms nothing.
TEST_F(WordLineTest, AWordThatWasTakenStays) {
  Waiter one(1);
  Join(&one);
  ASSERT_TRUE(one.has_word);
  bool waits = false;
  ASSERT_TRUE(slot_->Release(TokenOf(1), &waits));
  ASSERT_TRUE(slot_->TryTake(TokenOf(2)));
  Waiter three(3);
  Join(&three);
  Pass(std::chrono::seconds(100));
  EXPECT_FALSE(three.has_word);
}

TEST_F(WordLineTest, WhoLeavesIsNotWaitedFor) {
  ASSERT_TRUE(slot_->TryTake(TokenOf(9)));
  Waiter one(1);
  Waiter two(2);
  Join(&one);
  Join(&two);
  line_->Leave(&one);
  EXPECT_TRUE(slot_->somebody_waits());
  EXPECT_TRUE(line_->IsFirst(&two));
  line_->Leave(&two);
  EXPECT_FALSE(slot_->somebody_waits());
  EXPECT_EQ(writer(), TokenOf(9));
}

TEST_F(WordLineTest, TheWordOfASessionThatEndsGoesOn) {
  ASSERT_TRUE(slot_->TryTake(TokenOf(9)));
  Waiter again(9);
  Waiter one(1);
  Join(&again);
  ASSERT_TRUE(again.has_word) << "its process has it";
  Waiter gone(7);
  Join(&gone);
  Join(&one);
  line_->EndSession(7, now_);
  EXPECT_TRUE(gone.has_ended);
  line_->EndSession(9, now_);
  EXPECT_TRUE(one.has_word);
  line_->EndSession(1, now_);
  EXPECT_EQ(writer(), WriterToken());
  EXPECT_TRUE(slot_->TryTake(TokenOf(5))) << "nobody waits";
}

TEST_F(WordLineTest, AWordIsTakenAway) {
  EXPECT_FALSE(line_->TakeAway(now_));
  ASSERT_TRUE(slot_->TryTake(TokenOf(9)));
  EXPECT_TRUE(line_->TakeAway(now_));
  EXPECT_EQ(writer(), WriterToken());
  ASSERT_TRUE(slot_->TryTake(TokenOf(9)));
  Waiter one(1);
  Join(&one);
  EXPECT_TRUE(line_->TakeAway(now_));
  EXPECT_TRUE(one.has_word);
}

// Three writers that all want it all the time get the same number of turns.
TEST_F(WordLineTest, TurnsAreEven) {
  constexpr uint32_t kWriters = 3;
  std::vector<int> turns(kWriters + 1);
  std::vector<std::unique_ptr<Waiter>> waiters(kWriters + 1);
  for (uint32_t n = 1; n <= kWriters; ++n) {
    waiters[n] = std::make_unique<Waiter>(n);
    Join(waiters[n].get());
  }
  for (int round = 0; round < 300; ++round) {
    const uint32_t session = writer().session;
    ASSERT_TRUE(waiters[session]->has_word);
    ++turns[session];
    bool waits = false;
    ASSERT_TRUE(slot_->Release(TokenOf(session), &waits));
    waiters[session] = std::make_unique<Waiter>(session);
    Join(waiters[session].get());
    now_ += kWriterTurn;
    line_->Yield(now_);
  }
  for (uint32_t n = 1; n <= kWriters; ++n) EXPECT_EQ(turns[n], 100);
}

}  // namespace
}  // namespace actorkv
