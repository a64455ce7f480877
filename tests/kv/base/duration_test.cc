// Durations as people write them.

#include "kv/base/duration.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

TEST(DurationTest, Table) {
  const struct {
    const char* text;
    uint64_t ms;
    const char* shown;
  } kGood[] = {
      {"0", 0, "0"},
      {"00", 0, "0"},
      {"0 days", 0, "0"},
      {"500 ms", 500, "500 ms"},
      {"1 second", 1000, "1 second"},
      {"90 minutes", 5'400'000, "90 minutes"},
      {"24 hours", 86'400'000, "24 hours"},
      {"7 days", 604'800'000, "7 days"},
      {"2 weeks", 1'209'600'000, "2 weeks"},
      {"36hours", 129'600'000, "36 hours"},
      {"36525 days", 3'155'760'000'000, "36525 days"},
  };
  for (const auto& c : kGood) {
    uint64_t ms = 99;
    EXPECT_OK(ParseDuration(c.text, &ms)) << c.text;
    EXPECT_EQ(ms, c.ms) << c.text;
    EXPECT_EQ(DurationText(ms), c.shown);
  }
  for (const char* text :
       {"", "days", "-1 day", "1 month", "1 d", "1.5 days", "7 ",
        "101000 weeks", "36526 days", "99999999999999999999"}) {
    uint64_t ms = 99;
    EXPECT_TRUE(IsError(ParseDuration(text, &ms), Code::kInvalidArgument,
                        std::string("not a duration: ") + text));
    EXPECT_EQ(ms, 99u);
  }
}

// Of which unit? Somebody who means days must not get milliseconds.
TEST(DurationTest, ANumberAloneIsAskedForItsUnit) {
  for (const char* text :
       {"1", "7", "500", "604800000", "18446744073709551615"}) {
    uint64_t ms = 99;
    EXPECT_TRUE(IsError(ParseDuration(text, &ms), Code::kInvalidArgument,
                        std::string("a duration without its unit: ") + text +
                            ": write a number and weeks, days"));
    EXPECT_EQ(ms, 99u);
  }
}

TEST(DurationTest, MillisecondsHaveALimit) {
  EXPECT_OK(CheckDurationMs("ttl_ms", 0));
  EXPECT_OK(CheckDurationMs("ttl_ms", kMaxDurationMs));
  for (const uint64_t ms : {kMaxDurationMs + 1, ~uint64_t{0} / 2}) {
    EXPECT_TRUE(IsError(CheckDurationMs("ttl_ms", ms), Code::kInvalidArgument,
                        "ttl_ms is " + std::to_string(ms) +
                            ", the limit is 3155760000000, which is 100 "
                            "years"));
  }
}

TEST(DurationTest, About) {
  constexpr uint64_t kHour = uint64_t{3600} * 1'000'000;
  EXPECT_EQ(RoughDuration(0), "0 ms");
  EXPECT_EQ(RoughDuration(1'999'999), "1999 ms");
  EXPECT_EQ(RoughDuration(61'000'000), "61 seconds");
  EXPECT_EQ(RoughDuration(kHour), "60 minutes");
  EXPECT_EQ(RoughDuration(47 * kHour), "47 hours");
  EXPECT_EQ(RoughDuration(48 * kHour), "2 days");
  EXPECT_EQ(RoughDuration(uint64_t{24} * 30 * kHour), "30 days");
  EXPECT_EQ(RoughDuration(uint64_t{24} * 3653 * kHour), "10 years");
}

}  // namespace
}  // namespace actorkv
