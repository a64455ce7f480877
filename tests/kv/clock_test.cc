// Clock: no time comes twice, whatever the wall clock and the process do.

#include "kv/clock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "kv/keys.h"
#include "kv/memory_engine.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

class ClockTest : public testing::Test {
 protected:
  // A clock as after a start of the process.
  std::unique_ptr<Clock> Start() {
    auto clock = std::make_unique<Clock>([this] { return wall_us_.load(); });
    EXPECT_OK(clock->Load(engine_->NewReader().get()));
    return clock;
  }

  // A time that was used in a commit.
  uint64_t Use(Clock* clock) {
    Batch batch;
    const uint64_t time_us = clock->Next(&batch);
    Commit(clock, batch);
    return time_us;
  }

  void Commit(Clock* clock, const Batch& batch) {
    EXPECT_TRUE(engine_->Commit(batch, Durability::kSynced).done());
    clock->Committed(batch);
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
    Commit(clock.get(), batch);
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
  Commit(clock.get(), batch);
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
  Commit(clock.get(), second);
  EXPECT_GE(Limits().back(), second_us);
  Commit(clock.get(), first);
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
