// Points as people write them.

#include "kv/history/point.h"

#include <gtest/gtest.h>

#include <string>

#include "kv/base/time_text.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr uint64_t kSecondUs = 1'000'000;
constexpr uint64_t kNoonUs = 1'795'176'000 * kSecondUs;  // 2026-11-20T12:00:00Z

TEST(PointTest, Forms) {
  const struct {
    const char* text;
    Point::Kind kind;
    uint64_t number;
  } kCases[] = {
      {"head", Point::Kind::kHead, 0},
      {"17", Point::Kind::kTxId, 17},
      {"0", Point::Kind::kTxId, 0},
      {"2026-11-20T12:00:00Z", Point::Kind::kTime, kNoonUs},
      {"2026-11-20 12:00:00", Point::Kind::kTime, kNoonUs},
      {"2026-11-20 12:00", Point::Kind::kTime, kNoonUs},
      {"2026-11-20T12:00:00.25Z", Point::Kind::kTime, kNoonUs + 250'000},
      {"2026-11-20T12:00:00.0000019Z", Point::Kind::kTime, kNoonUs + 1},
      {"1970-01-01T00:00:00Z", Point::Kind::kTime, 0},
      {"2026-11-20T12:00:00+00:00", Point::Kind::kTime, kNoonUs},
      {"2026-11-20T13:00:00+0100", Point::Kind::kTime, kNoonUs},
      {"2026-11-20 13:00:00+01", Point::Kind::kTime, kNoonUs},
      {"2026-11-20 13:00:00 +0100", Point::Kind::kTime, kNoonUs},
      {"2026-11-20T06:30:00-05:30", Point::Kind::kTime, kNoonUs},
      {"2026-11-20T12:45+00:45", Point::Kind::kTime, kNoonUs},
      {"2026-11-19t23:00:00.5-13:00", Point::Kind::kTime, kNoonUs + 500'000},
      {"1969-12-31T23:30:00-01:00", Point::Kind::kTime, 1800 * kSecondUs},
      {"-5 minutes", Point::Kind::kAgo, 300 * kSecondUs},
      {"-1 minute", Point::Kind::kAgo, 60 * kSecondUs},
      {"-90seconds", Point::Kind::kAgo, 90 * kSecondUs},
      {"-2 hours", Point::Kind::kAgo, 7200 * kSecondUs},
      {"-1 day", Point::Kind::kAgo, 86400 * kSecondUs},
      {"-1 week", Point::Kind::kAgo, 604800 * kSecondUs},
      {"-1 commit", Point::Kind::kCommitsAgo, 1},
      {"-3 commits", Point::Kind::kCommitsAgo, 3},
  };
  for (const auto& c : kCases) {
    Point point;
    ASSERT_OK(ParsePoint(c.text, &point)) << c.text;
    EXPECT_EQ(point.kind, c.kind) << c.text;
    EXPECT_EQ(point.number, c.number) << c.text;
    EXPECT_TRUE(IsError(CheckRestorePointName(c.text), Code::kInvalidArgument,
                        "means something else"))
        << c.text;
  }
}

TEST(PointTest, EverythingElseIsAName) {
  for (const std::string text : {"before-import",
                                 "Head",
                                 "17a",
                                 "-5",
                                 "-5 parsecs",
                                 "2026-13-20T12:00Z",
                                 "2026-02-30 12:00",
                                 "2026-11-20",
                                 "1969-11-20 12:00",
                                 "\xc3\xa4",
                                 "now",
                                 "2026-11-20T12:00:60Z",
                                 "2026-11-20T12:00:00+1",
                                 "2026-11-20T12:00:00+24:00",
                                 "2026-11-20T12:00:00+00:60",
                                 "2026-11-20T12:00:00+01:0",
                                 "2026-11-20T12:00:00+",
                                 "2026-11-20T12",
                                 "2026-11-20T12:00:00 Z",
                                 "2026-11-20T12:00:00Z+01:00",
                                 "2026-11-20T12:00:00 UTC",
                                 "1970-01-01T00:30:00+01:00",
                                 "99999999999999999999",
                                 "-99999999999999999 weeks"}) {
    Point point;
    ASSERT_OK(ParsePoint(text, &point)) << text;
    EXPECT_EQ(point.kind, Point::Kind::kName) << text;
    EXPECT_EQ(point.name, text);
    EXPECT_OK(CheckRestorePointName(text));
  }
  for (const std::string& text :
       {std::string(), std::string(256, 'x'), std::string("\xff")}) {
    Point point;
    EXPECT_TRUE(
        IsError(ParsePoint(text, &point), Code::kInvalidArgument, "a point is"))
        << text;
    EXPECT_FALSE(CheckRestorePointName(text).ok());
  }
  EXPECT_FALSE(CheckRestorePointName(std::string("a\0b", 3)).ok());
}

TEST(PointTest, TimesAsText) {
  EXPECT_EQ(TimeText(kNoonUs + 5), "2026-11-20T12:00:00.000005Z");
  Point point;
  ASSERT_OK(ParsePoint(TimeText(kNoonUs + 5), &point));
  EXPECT_EQ(point.number, kNoonUs + 5);
}

}  // namespace
}  // namespace actorkv
