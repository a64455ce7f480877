// Clock: no time comes twice, whatever the wall clock and the process do.

#include "kv/store/clock.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "kv/format/keys.h"
#include "kv/store/time_map.h"
#include "tests/support/memory_engine.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

class ClockTest : public testing::Test {
 protected:
  // A clock as after a start of the process.
  std::unique_ptr<Clock> Start() {
    auto clock = std::make_unique<Clock>([this] { return wall_us_.load(); },
                                         [this] { return boot_; });
    EXPECT_OK(clock->Load(engine_->NewReader().get()));
    return clock;
  }

  std::unique_ptr<Clock> StartWatching() {
    auto clock = Start();
    clock->BeginWatch();
    return clock;
  }

  // Time goes by.
  void Pass(uint64_t us) {
    wall_us_ = wall_us_ + us;
    boot_.at_us += us;
  }

  std::vector<ClockStep> Steps() {
    std::vector<ClockStep> steps;
    EXPECT_OK(LoadClockSteps(engine_->NewReader().get(), &steps));
    return steps;
  }

  // A time that was used in a commit.
  uint64_t Use(Clock* clock) {
    Batch batch;
    const uint64_t time_us = clock->Next(&batch);
    Commit(batch);
    return time_us;
  }

  // As Store::Commit().
  void Commit(const Batch& batch) {
    EXPECT_TRUE(engine_->Commit(batch, Durability::kSynced).done());
    batch.TellDone();
  }

  std::vector<uint64_t> Limits() {
    std::vector<KeyValue> pairs;
    EXPECT_OK(engine_->NewReader()->Scan(CatalogPartition(), ClockLimitPrefix(),
                                         10000, &pairs));
    std::vector<uint64_t> limits(pairs.size());
    for (size_t i = 0; i < pairs.size(); ++i) {
      EXPECT_OK(ParseClockLimitKey(pairs[i].key, &limits[i]));
    }
    return limits;
  }

  std::atomic<uint64_t> wall_us_{1000};
  BootTime boot_ = {7, 1'000'000};
  std::unique_ptr<Engine> engine_ = NewMemoryEngine(UnboundedLimits());
};

TEST_F(ClockTest, FollowsTheWallClockForward) {
  auto clock = Start();
  EXPECT_EQ(Use(clock.get()), 1000u);
  wall_us_ = 5000;
  EXPECT_EQ(Use(clock.get()), 5000u);
}

TEST_F(ClockTest, NeverStandsStillOrGoesBack) {
  auto clock = Start();
  uint64_t last_us = 0;
  for (uint64_t wall_us : {1000u, 1000u, 1000u, 400u, 0u, 1001u, 900u, 2000u}) {
    wall_us_ = wall_us;
    const uint64_t time_us = Use(clock.get());
    EXPECT_GT(time_us, last_us);
    last_us = time_us;
  }
  EXPECT_EQ(last_us, 2000u);
}

TEST_F(ClockTest, AUsedTimeHasALimitAtOrAboveItInTheStore) {
  auto clock = Start();
  for (int i = 0; i < 200; ++i) {
    wall_us_ = wall_us_ + static_cast<uint64_t>(i) * 50'000;
    const uint64_t time_us = Use(clock.get());
    ASSERT_FALSE(Limits().empty());
    ASSERT_GE(Limits().back(), time_us);
  }
}

TEST_F(ClockTest, ARestartBeginsAboveEveryUsedTime) {
  uint64_t last_us = 0;
  for (int start = 0; start < 20; ++start) {
    auto clock = Start();  // the one before did not say goodbye
    wall_us_ = start % 2 == 0 ? 0 : 1000 + static_cast<uint64_t>(start);
    for (int i = 0; i < 3; ++i) {
      const uint64_t time_us = Use(clock.get());
      EXPECT_GT(time_us, last_us);
      last_us = time_us;
    }
  }
}

TEST_F(ClockTest, ACrashBetweenNextAndCommitLosesTheTimeOnly) {
  uint64_t used_us = 0;
  {
    auto clock = Start();
    used_us = Use(clock.get());
    wall_us_ = 50'000'000;
    Batch lost;
    clock->Next(&lost);
    EXPECT_FALSE(lost.empty());
  }
  wall_us_ = 1;
  auto clock = Start();
  EXPECT_GT(Use(clock.get()), used_us);
  EXPECT_GE(Limits().back(), used_us);
}

TEST_F(ClockTest, ABatchThatWasLostIsNotCountedAsALimit) {
  auto clock = Start();
  Batch lost;
  clock->Next(&lost);
  Batch batch;
  clock->Next(&batch);
  EXPECT_FALSE(batch.empty()) << "the limit is not in the store yet";
}

// What the clock put into a batch it knows; it looks for nothing in there.
TEST_F(ClockTest, WhatOthersPutIntoABatchIsNoLimitOfTheClock) {
  auto clock = Start();
  Batch others;
  others.Put(CatalogPartition(), ClockLimitKey(900'000'000), "");
  others.TellDone();
  Batch batch;
  clock->Next(&batch);
  EXPECT_FALSE(batch.empty()) << "a limit is due";
  // Whatever becomes of the batch on its way.
  Batch whole;
  whole.Append(std::move(batch));
  Commit(whole);
  Batch after;
  clock->Next(&after);
  EXPECT_TRUE(after.empty()) << "the limit is in the store";
}

TEST_F(ClockTest, AFewLimitsALongTime) {
  auto clock = Start();
  for (int i = 0; i < 1000; ++i) {
    wall_us_ = wall_us_ + 100'000;
    Use(clock.get());
    ASSERT_LE(Limits().size(), 2u);
  }
}

TEST_F(ClockTest, ObsoleteLimitsAreDeletedWithTheNext) {
  // What raisers who did not know of each other left.
  Batch batch;
  for (uint64_t limit_us = 1; limit_us <= 600; ++limit_us) {
    batch.Put(CatalogPartition(), ClockLimitKey(limit_us), "");
  }
  EXPECT_TRUE(engine_->Commit(batch, Durability::kSynced).done());
  wall_us_ = 0;
  auto clock = Start();
  EXPECT_EQ(Use(clock.get()), 601u);
  EXPECT_EQ(Limits().size(), 2u);  // the largest that was there, and the new
  wall_us_ = 100'000'000;
  Use(clock.get());
  EXPECT_LE(Limits().size(), 2u);
}

TEST_F(ClockTest, ExactLimitLetsACleanRestartGoOn) {
  uint64_t last_us = 0;
  {
    auto clock = Start();
    last_us = Use(clock.get());
    Batch batch;
    clock->WriteExactLimit(&batch);
    Commit(batch);
    EXPECT_EQ(Limits(), std::vector<uint64_t>{last_us});
  }
  wall_us_ = 0;
  EXPECT_EQ(Use(Start().get()), last_us + 1);
}

// A store is closed at exit, but threads may still commit.
TEST_F(ClockTest, TimesAfterTheExactLimitRaiseItAgain) {
  auto clock = Start();
  Use(clock.get());
  Batch batch;
  clock->WriteExactLimit(&batch);
  Commit(batch);
  const uint64_t time_us = Use(clock.get());
  EXPECT_GE(Limits().back(), time_us);
}

TEST_F(ClockTest, ConcurrentRaisersInAnyOrder) {
  auto clock = Start();
  Use(clock.get());
  wall_us_ = 10'000'000;
  Batch first;
  const uint64_t first_us = clock->Next(&first);
  Batch second;
  const uint64_t second_us = clock->Next(&second);
  EXPECT_LT(first_us, second_us);
  Commit(second);
  EXPECT_GE(Limits().back(), second_us);
  Commit(first);
  EXPECT_GE(Limits().back(), second_us);
  wall_us_ = 20'000'000;
  Use(clock.get());
  EXPECT_LE(Limits().size(), 2u);
}

TEST_F(ClockTest, ThreadsGetDifferentTimes) {
  auto clock = Start();
  constexpr int kThreads = 4;
  constexpr int kTimes = 2000;
  std::vector<std::vector<uint64_t>> times(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kTimes; ++i) {
        wall_us_.fetch_add(1000);
        times[static_cast<size_t>(t)].push_back(Use(clock.get()));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<uint64_t> all;
  for (const auto& some : times) all.insert(some.begin(), some.end());
  EXPECT_EQ(all.size(), size_t{kThreads} * kTimes);
  EXPECT_GE(Limits().back(), *all.rbegin());
}

// ---- A wall clock that was set ----------------------------------------------

constexpr uint64_t kSecondUs = 1'000'000;
constexpr uint64_t kHourUs = 3600 * kSecondUs;
constexpr uint64_t kDayUs = 24 * kHourUs;
constexpr uint64_t kTodayUs = kEarliestWallUs + 3000 * kDayUs;

TEST_F(ClockTest, AfterAStepBackItGoesOnAtTheWallClocksPace) {
  auto clock = Start();
  wall_us_ = kTodayUs + 2 * kDayUs;
  const uint64_t ahead_us = Use(clock.get());
  EXPECT_TRUE(Steps().empty());
  wall_us_ = kTodayUs;
  const uint64_t begin_us = Use(clock.get());
  EXPECT_EQ(begin_us, ahead_us + 1);
  ASSERT_EQ(Steps().size(), 1u);
  EXPECT_EQ(Steps()[0].begin_us, begin_us);
  EXPECT_EQ(Steps()[0].wall_us, kTodayUs);
  EXPECT_EQ(Steps()[0].jump_us, 0u);
  EXPECT_TRUE(IsSameBoot(Steps()[0].boot, boot_));
  for (int i = 0; i < 3; ++i) {
    Pass(kHourUs);
    EXPECT_EQ(Use(clock.get()), begin_us + (wall_us_ - kTodayUs));
    clock = Start();
  }
  // Until the wall clock has caught up.
  wall_us_ = ahead_us + kDayUs;
  EXPECT_EQ(Use(clock.get()), ahead_us + kDayUs);
  ASSERT_EQ(Steps().size(), 2u);
  EXPECT_EQ(Steps()[1].offset_us(), 0u);
  Pass(kHourUs);
  EXPECT_EQ(Use(clock.get()), wall_us_);
  EXPECT_EQ(Steps().size(), 2u);
}

TEST_F(ClockTest, SmallCorrectionsAndCrashesAreNoSteps) {
  auto clock = Start();
  wall_us_ = kTodayUs;
  uint64_t last_us = Use(clock.get());
  for (const uint64_t back_us : {1000u, 900'000u, 1'900'000u}) {
    wall_us_ = kTodayUs - back_us;
    const uint64_t time_us = Use(clock.get());
    EXPECT_EQ(time_us, last_us + 1);
    last_us = time_us;
  }
  for (int crash = 0; crash < 5; ++crash) {
    clock = Start();  // a limit of up to a second more is there
    wall_us_ = kTodayUs + static_cast<uint64_t>(crash) * 1'000'000;
    const uint64_t time_us = Use(clock.get());
    EXPECT_GT(time_us, last_us);
    last_us = time_us;
  }
  EXPECT_TRUE(Steps().empty());
}

TEST_F(ClockTest, ADateThatCannotBeIsNotBelieved) {
  auto clock = Start();
  wall_us_ = kTodayUs;
  const uint64_t last_us = Use(clock.get());
  for (const uint64_t wall_us : {uint64_t{0}, kDayUs, kEarliestWallUs - 1}) {
    wall_us_ = wall_us;
    const uint64_t time_us = Use(clock.get());
    EXPECT_LT(time_us, last_us + 10);
    EXPECT_GT(time_us, last_us);
  }
  EXPECT_TRUE(Steps().empty());
}

// Invariant 2.
TEST_F(ClockTest, AStepIsInEachBatchUntilOneIsDone) {
  auto clock = Start();
  wall_us_ = kTodayUs + kDayUs;
  Use(clock.get());
  wall_us_ = kTodayUs;
  std::vector<Batch> batches(4);
  std::vector<uint64_t> times;
  for (Batch& batch : batches) times.push_back(clock->Next(&batch));
  const std::string key = ClockStepKey(times[0]);
  for (const Batch& batch : batches) {
    bool has_step = false;
    for (size_t i = 0; i < batch.op_count(); ++i) {
      has_step |= batch.op(i).key == key;
    }
    EXPECT_TRUE(has_step);
  }
  // The first three fail. The clock is set again, and both steps are known.
  Commit(batches[3]);
  EXPECT_EQ(Steps().size(), 1u);
  wall_us_ = kTodayUs - kDayUs;
  Batch lost;
  clock->Next(&lost);
  Batch batch;
  EXPECT_GT(clock->Next(&batch), times[3]);
  EXPECT_FALSE(batch.empty());
  Commit(batch);
  EXPECT_EQ(Steps().size(), 2u);
  Batch after;
  clock->Next(&after);
  EXPECT_TRUE(after.empty()) << "all is in the store";
}

TEST_F(ClockTest, StepsAreBounded) {
  auto clock = Start();
  for (size_t i = 0; i < kMaxClockSteps + 20; ++i) {
    // Ahead on the line that it is on, and back.
    wall_us_ = kTodayUs + kHourUs;
    Use(clock.get());
    wall_us_ = kTodayUs;
    Use(clock.get());
    ASSERT_EQ(Steps().size(), std::min(i + 1, kMaxClockSteps));
  }
}

TEST_F(ClockTest, ADamagedStepDoesNotStopTheStart) {
  auto clock = Start();
  wall_us_ = kTodayUs + kDayUs;
  Use(clock.get());
  wall_us_ = kTodayUs;
  const uint64_t last_us = Use(clock.get());
  Batch batch;
  batch.Put(CatalogPartition(), ClockStepKey(Steps()[0].begin_us),
            "\x01 damaged by something");
  EXPECT_TRUE(engine_->Commit(batch, Durability::kSynced).done());
  clock = Start();
  Pass(kHourUs);
  EXPECT_GT(Use(clock.get()), last_us);
  TimeMap times;
  EXPECT_TRUE(
      IsError(LoadTimeMap(engine_->NewReader().get(), clock.get(), 0, &times),
              Code::kCorruption, "clock step record damaged"));
}

// ---- Holding history --------------------------------------------------------

TEST_F(ClockTest, AnOpenFarBeyondTheNewestTimeHolds) {
  wall_us_ = kTodayUs;
  auto clock = StartWatching();
  Use(clock.get());
  EXPECT_EQ(clock->Look().left_us, 0u) << "a new store";
  wall_us_ = kTodayUs + 2 * kDayUs;
  clock = StartWatching();
  HistoryHold hold = clock->Look();
  EXPECT_EQ(hold.left_us, kHourUs);
  EXPECT_FALSE(hold.seen_running);
  EXPECT_NEAR(static_cast<double>(hold.jump_us), 2.0 * kDayUs, 2e6);
  constexpr uint64_t kDayMs = 86'400'000;
  EXPECT_TRUE(hold.Covers(kDayMs));
  EXPECT_FALSE(hold.Covers(3 * kDayMs));
  EXPECT_FALSE(hold.Covers(0));
  // It is said in the store with the next time, for who opens it then.
  Pass(kHourUs / 2);
  Use(clock.get());
  ASSERT_EQ(Steps().size(), 1u);
  EXPECT_EQ(Steps()[0].jump_us, hold.jump_us);
  EXPECT_EQ(Steps()[0].offset_us(), 0u);
  clock = StartWatching();
  EXPECT_EQ(clock->Look().left_us, kHourUs);
  Pass(kHourUs);
  EXPECT_EQ(clock->Look().left_us, 0u);
  EXPECT_EQ(StartWatching()->Look().left_us, 0u) << "it was only idle";
  // It is of no use any more.
  wall_us_ = wall_us_ + 5 * kDayUs;
  clock = StartWatching();
  EXPECT_GT(clock->Look().left_us, 0u);
  Use(clock.get());
  EXPECT_EQ(Steps().size(), 1u);
}

TEST_F(ClockTest, AJumpWhileItRunsHolds) {
  wall_us_ = kTodayUs;
  auto clock = StartWatching();
  Use(clock.get());
  Pass(100 * kHourUs);
  wall_us_ = wall_us_ + 59 * kSecondUs;
  EXPECT_EQ(clock->Look().left_us, 0u);
  for (const int64_t jump_us : {61'000'000, -61'000'000}) {
    wall_us_ = wall_us_ + static_cast<uint64_t>(jump_us);
    const HistoryHold hold = clock->Look();
    EXPECT_EQ(hold.left_us, kHourUs);
    EXPECT_TRUE(hold.seen_running);
    EXPECT_TRUE(hold.Covers(uint64_t{1} << 40));
    EXPECT_FALSE(hold.Covers(0));
    EXPECT_NE(hold.Describe().find("set by 61 seconds"), std::string::npos)
        << hold.Describe();
    Pass(kHourUs - 1);
    EXPECT_EQ(clock->Look().left_us, 1u);
    Pass(1);
    EXPECT_EQ(clock->Look().left_us, 0u);
  }
}

TEST_F(ClockTest, ADamagedLimitKeyStopsTheStart) {
  Batch batch;
  batch.Put(CatalogPartition(), ClockLimitPrefix() + "short", "");
  EXPECT_TRUE(engine_->Commit(batch, Durability::kSynced).done());
  Clock clock;
  EXPECT_TRUE(IsError(clock.Load(engine_->NewReader().get()), Code::kCorruption,
                      "not a clock limit"));
}

}  // namespace
}  // namespace actorkv
