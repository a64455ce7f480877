// Times of several processes that share a store (Clock::ShareTime()).

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <vector>

#include "kv/format/keys.h"
#include "kv/store/clock.h"
#include "tests/support/memory_engine.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

class SharedClockTest : public testing::Test {
 protected:
  std::unique_ptr<Clock> NewClock() {
    return std::make_unique<Clock>([this] { return wall_us_.load(); },
                                   [this] { return boot_; });
  }
  // The owner's, as after a start of its process.
  std::unique_ptr<Clock> Start() {
    auto clock = NewClock();
    EXPECT_OK(clock->Load(engine_->NewReader().get()));
    return clock;
  }

  // As Store::Commit().
  void Commit(const Batch& batch) {
    EXPECT_TRUE(engine_->Commit(batch, Durability::kSynced).done());
    batch.TellDone();
  }

  // A time that was used in a commit.
  uint64_t Use(Clock* clock) {
    Batch batch;
    const uint64_t time_us = clock->Next(&batch);
    Commit(batch);
    return time_us;
  }

  uint64_t Limit() {
    std::vector<KeyValue> pairs;
    EXPECT_OK(engine_->NewReader()->Scan(CatalogPartition(), ClockLimitPrefix(),
                                         100, &pairs));
    uint64_t limit_us = 0;
    EXPECT_FALSE(pairs.empty());
    EXPECT_OK(ParseClockLimitKey(pairs.back().key, &limit_us));
    return limit_us;
  }

  std::vector<ClockStep> Steps() {
    std::vector<ClockStep> steps;
    EXPECT_OK(LoadClockSteps(engine_->NewReader().get(), &steps));
    return steps;
  }

  std::unique_ptr<Engine> engine_ = NewMemoryEngine(UnboundedLimits());
  std::atomic<uint64_t> wall_us_{kEarliestWallUs + 100'000'000};
  BootTime boot_ = {7, 1'000'000};
};

class FakeSharedTime : public SharedTime {
 public:
  uint64_t Next(uint64_t at_least_us) noexcept override {
    last_us_ = std::max(last_us_ + 1, at_least_us);
    return last_us_;
  }
  uint64_t last_us() const noexcept override { return last_us_; }
  uint64_t offset_us() const noexcept override { return offset_us_; }
  void set_offset_us(uint64_t offset_us) noexcept override {
    offset_us_ = offset_us;
  }

 private:
  uint64_t last_us_ = 0;
  uint64_t offset_us_ = 0;
};

TEST_F(SharedClockTest, ProcessesTakeTurnsWithTimes) {
  FakeSharedTime shared;
  const auto owner = Start();
  const uint64_t first_us = Use(owner.get());
  owner->ShareTime(&shared, /*is_owner=*/true);
  const auto other = NewClock();
  other->ShareTime(&shared, /*is_owner=*/false);
  std::set<uint64_t> times{first_us};
  for (int i = 0; i < 100; ++i) {
    Batch batch;
    Clock* const clock = i % 3 == 0 ? owner.get() : other.get();
    const uint64_t time_us = clock->Next(&batch);
    EXPECT_GT(time_us, *times.rbegin());
    times.insert(time_us);
    if (clock == other.get()) {
      EXPECT_TRUE(batch.empty()) << "the owner writes the limits";
    }
  }
  EXPECT_EQ(owner->newest_us(), *times.rbegin());
  EXPECT_EQ(other->newest_us(), *times.rbegin());
}

TEST_F(SharedClockTest, TheOwnerCoversTimesOfOthers) {
  const auto owner = Start();
  Use(owner.get());
  const uint64_t limit_us = Limit();
  Batch below;
  ASSERT_OK(owner->CoverTime(limit_us, &below));
  EXPECT_TRUE(below.empty()) << "there is a limit above it";
  Batch above;
  ASSERT_OK(owner->CoverTime(limit_us + 1, &above));
  Commit(above);
  EXPECT_GT(Limit(), limit_us);
  // A restart begins above the time of the other process.
  EXPECT_GT(Use(Start().get()), limit_us + 1);
  Batch wrong;
  EXPECT_TRUE(IsError(owner->CoverTime(limit_us + 3'600'000'000, &wrong),
                      Code::kInvalidArgument, "s ahead of"));
  EXPECT_TRUE(wrong.empty());
}

// The others go by the offset that the owner says.
TEST_F(SharedClockTest, TheOwnerMakesTheSteps) {
  FakeSharedTime shared;
  const auto owner = Start();
  owner->ShareTime(&shared, /*is_owner=*/true);
  const auto other = NewClock();
  other->ShareTime(&shared, /*is_owner=*/false);
  Use(owner.get());
  wall_us_ = wall_us_ - 10'000'000;  // somebody sets the clock back
  Batch batch;
  const uint64_t time_us = other->Next(&batch);
  EXPECT_TRUE(batch.empty());
  ASSERT_OK(owner->CoverTime(time_us, &batch));
  Commit(batch);
  ASSERT_EQ(Steps().size(), 1u);
  EXPECT_GT(Steps()[0].begin_us, time_us);
  EXPECT_EQ(shared.offset_us(), Steps()[0].offset_us());
  wall_us_ = wall_us_ + 1'000'000;
  EXPECT_EQ(other->Next(&batch), wall_us_ + shared.offset_us());
}

}  // namespace
}  // namespace actorkv
