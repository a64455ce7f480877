// What times of a store mean on the wall.

#include "kv/store/time_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr uint64_t kHourUs = uint64_t{3600} * 1'000'000;
constexpr uint64_t kDayUs = 24 * kHourUs;
constexpr uint64_t kTodayUs = kEarliestWallUs + 3000 * kDayUs;
constexpr uint64_t kForever = ~uint64_t{0};

ClockStep Step(uint64_t begin_us, uint64_t wall_us, uint64_t boot_us = 0) {
  ClockStep step;
  step.begin_us = begin_us;
  step.wall_us = wall_us;
  if (boot_us != 0) step.boot = {1, boot_us};
  return step;
}

TEST(TimeMapTest, WithoutStepsTimesAreThoseOfTheWall) {
  const TimeMap none;
  EXPECT_EQ(none.Wall(0), 0u);
  EXPECT_EQ(none.Wall(kTodayUs), kTodayUs);
  EXPECT_EQ(none.Cut(kTodayUs), kTodayUs);
  const TimeMap times({}, {kTodayUs, kTodayUs - 5});
  EXPECT_EQ(times.Wall(1), 1u);
  EXPECT_EQ(times.Wall(kTodayUs - 1), kTodayUs - 1);
  EXPECT_EQ(times.Wall(kTodayUs + 9), kTodayUs) << "nothing is later than now";
  EXPECT_EQ(times.Cut(kTodayUs - 1), kTodayUs - 1);
  EXPECT_EQ(times.Cut(kTodayUs), kForever);
  EXPECT_EQ(times.store_now_us(), kTodayUs);
  EXPECT_EQ(times.ahead_us(), 0u);
}

// Right, then two days ahead, then right again for an hour.
TEST(TimeMapTest, WhatWasAheadIsOfTheMomentWhenThatEnded) {
  const uint64_t ahead_us = kTodayUs + 2 * kDayUs;
  const TimeMap times({Step(ahead_us + 10, kTodayUs + kHourUs)},
                      {kTodayUs + 2 * kHourUs, ahead_us + kHourUs / 2});
  EXPECT_EQ(times.Wall(kTodayUs), kTodayUs);
  EXPECT_EQ(times.Wall(ahead_us), kTodayUs + kHourUs);
  EXPECT_EQ(times.Wall(ahead_us + 10), kTodayUs + kHourUs);
  EXPECT_EQ(times.Wall(ahead_us + 10 + kHourUs / 2),
            kTodayUs + kHourUs * 3 / 2);
  EXPECT_EQ(times.Cut(kTodayUs + kHourUs - 1), kTodayUs + kHourUs - 1);
  EXPECT_EQ(times.Cut(kTodayUs + kHourUs), ahead_us + 10);
  EXPECT_EQ(times.Cut(kTodayUs + kHourUs + 7), ahead_us + 17);
  EXPECT_EQ(times.store_now_us(), ahead_us + 10 + kHourUs);
  EXPECT_EQ(times.ahead_us(), 2 * kDayUs - kHourUs * 3 / 2);
}

// Behind by a day for ten minutes. The clock since boot knows how long it was.
TEST(TimeMapTest, WhatWasBehindIsReadByTheClockSinceBoot) {
  const uint64_t minute_us = kHourUs / 60;
  const std::vector<ClockStep> steps = {
      Step(kTodayUs, kTodayUs - kDayUs, kHourUs),
      Step(kTodayUs + 10 * minute_us, kTodayUs + 10 * minute_us,
           kHourUs + 10 * minute_us)};
  const TimeMap::Now now = {kTodayUs + kHourUs, kTodayUs + kHourUs};
  const TimeMap times(steps, now);
  for (const uint64_t minutes : {0, 3, 9, 11, 30}) {
    const uint64_t at_us = kTodayUs + minutes * minute_us;
    EXPECT_EQ(times.Wall(at_us), at_us) << minutes;
    EXPECT_EQ(times.Cut(at_us), at_us) << minutes;
  }
  EXPECT_EQ(times.Wall(kTodayUs - kDayUs / 2), kTodayUs - kDayUs / 2);
  // In another boot, or before it is set right, nobody can tell.
  std::vector<ClockStep> others = steps;
  others[0].boot.boot_id = 2;
  EXPECT_EQ(TimeMap(others, now).Wall(kTodayUs - kHourUs), kTodayUs - kDayUs);
  others = {steps[0]};
  const TimeMap during(others, {kTodayUs - kDayUs + minute_us, kTodayUs});
  EXPECT_EQ(during.Wall(kTodayUs - kHourUs), kTodayUs - kDayUs);
  EXPECT_EQ(during.Wall(kTodayUs + minute_us / 2),
            kTodayUs - kDayUs + minute_us / 2);
}

// It was ahead, and the store was not used until the wall clock was there too:
// by the clock since boot that took two days, so it did not jump.
TEST(TimeMapTest, WhatTookItsTimeIsNoJump) {
  const uint64_t ahead_us = kTodayUs + 2 * kDayUs;
  const TimeMap times(
      {Step(ahead_us, kTodayUs, kHourUs),
       Step(ahead_us + kDayUs, ahead_us + kDayUs, kHourUs + 3 * kDayUs)},
      {ahead_us + 2 * kDayUs, ahead_us + 2 * kDayUs});
  EXPECT_EQ(times.Wall(ahead_us - 1), kTodayUs);
  EXPECT_EQ(times.Wall(ahead_us + 5), kTodayUs + 5);
  EXPECT_EQ(times.Cut(kTodayUs + kDayUs), ahead_us + kDayUs - 1);
}

TEST(TimeMapTest, AWallClockThatIsNotBelieved) {
  const TimeMap times({Step(kTodayUs + kDayUs, kTodayUs)},
                      {kDayUs, kTodayUs + kDayUs + kHourUs});
  EXPECT_FALSE(times.believes_wall_clock());
  EXPECT_EQ(times.wall_now_us(), kTodayUs + kHourUs);
  EXPECT_EQ(times.store_now_us(), kTodayUs + kDayUs + kHourUs);
  EXPECT_EQ(times.Wall(kTodayUs + kDayUs + kHourUs), kTodayUs + kHourUs);
}

// Both invariants, of steps as a clock may make them, and of none that it can.
TEST(TimeMapTest, EachWallTimeIsOneCut) {
  std::mt19937_64 bits(TestSeed());
  const auto pick = [&](uint64_t below) { return bits() % below; };
  for (int round = 0; round < 300; ++round) {
    std::vector<ClockStep> steps;
    std::vector<uint64_t> moments = {0, 1, kTodayUs, kForever};
    uint64_t at_us = kTodayUs;
    for (uint64_t i = 0, count = pick(6); i < count; ++i) {
      at_us += 1 + pick(3 * kDayUs);
      const uint64_t wall_us = pick(3) == 0 ? at_us : at_us - pick(5 * kDayUs);
      steps.push_back(Step(at_us, wall_us, 1 + pick(10) * kDayUs));
      for (const uint64_t moment : {at_us - 1, at_us, at_us + 1, wall_us}) {
        moments.push_back(moment);
      }
    }
    for (int i = 0; i < 50; ++i)
      moments.push_back(kTodayUs + pick(30 * kDayUs));
    const TimeMap times(steps, {kTodayUs + pick(20 * kDayUs), at_us});
    std::sort(moments.begin(), moments.end());
    for (size_t i = 1; i < moments.size(); ++i) {
      ASSERT_LE(times.Wall(moments[i - 1]), times.Wall(moments[i]));
    }
    for (const uint64_t x : moments) {
      for (const uint64_t w : moments) {
        ASSERT_EQ(times.Wall(x) <= w, x <= times.Cut(w))
            << "seed " << TestSeed() << " round " << round << ": " << x << " "
            << w;
      }
    }
  }
}

TEST(TimeMapTest, RestorePointsEndOnTheWall) {
  const uint64_t ahead_us = kTodayUs + 2 * kDayUs;
  const TimeMap times({Step(ahead_us + 10, kTodayUs)},
                      {kTodayUs + kHourUs, ahead_us + kHourUs});
  RestorePointRecord point;
  point.created_at_us = ahead_us;
  EXPECT_FALSE(HasEnded(point, times, kForever)) << "it has no end";
  point.expires_at_us = ahead_us + kDayUs;
  EXPECT_EQ(EndOf(point, times), kTodayUs + kDayUs);
  EXPECT_FALSE(HasEnded(point, times, kTodayUs + kDayUs - 1));
  EXPECT_TRUE(HasEnded(point, times, kTodayUs + kDayUs));
  // What earlier versions made of a number that was too large.
  point.expires_at_us = ahead_us - 1000;
  EXPECT_EQ(EndOf(point, times), kTodayUs);
  point.expires_at_us = kForever;
  EXPECT_GT(EndOf(point, times), kTodayUs + 300'000 * kDayUs);
}

}  // namespace
}  // namespace actorkv
