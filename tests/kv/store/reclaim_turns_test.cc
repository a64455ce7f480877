// ReclaimTurns: one at a time, calls before the background.

#include "kv/store/reclaim_turns.h"

#include <gtest/gtest.h>

#include <thread>

namespace actorkv {
namespace {

TEST(ReclaimTurnsTest, TheBackgroundDoesNotWait) {
  ReclaimTurns turns;
  ReclaimTurns::Turn turn = turns.Begin();
  EXPECT_TRUE(turn.owns_lock());
  std::thread([&] { EXPECT_FALSE(turns.TryBegin().owns_lock()); }).join();
  turn.unlock();
  std::thread([&] { EXPECT_TRUE(turns.TryBegin().owns_lock()); }).join();
}

TEST(ReclaimTurnsTest, ACallHasTheBackgroundGiveUp) {
  ReclaimTurns turns;
  int given_up = 0;
  turns.SetBackground([&] { ++given_up; });
  static_cast<void>(turns.TryBegin());
  EXPECT_EQ(given_up, 0);
  static_cast<void>(turns.Begin());
  EXPECT_EQ(given_up, 1);
  turns.SetBackground(nullptr);
  static_cast<void>(turns.Begin());
  EXPECT_EQ(given_up, 1);
}

}  // namespace
}  // namespace actorkv
