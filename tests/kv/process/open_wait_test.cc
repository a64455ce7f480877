// OpenWait: its end, and who may end it before.

#include "kv/process/open_wait.h"

#include <gtest/gtest.h>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

TEST(OpenWaitTest, WaitsForNothing) {
  const OpenWait none;
  EXPECT_TRUE(none.IsOver());
  EXPECT_OK(none.Pause());
  EXPECT_TRUE(OpenWait(std::chrono::milliseconds(0)).IsOver());
}

TEST(OpenWaitTest, Ends) {
  const OpenWait wait(std::chrono::milliseconds(20));
  int pauses = 0;
  while (!wait.IsOver()) {
    ASSERT_OK(wait.Pause());
    ++pauses;
  }
  EXPECT_GE(pauses, 1);
  EXPECT_LE(pauses, 20) << "no pause but the last is a short one";
}

TEST(OpenWaitTest, ALimitThatNoClockKnows) {
  const OpenWait wait(std::chrono::milliseconds::max());
  EXPECT_FALSE(wait.IsOver());
}

TEST(OpenWaitTest, KeepOnEndsIt) {
  int asked = 0;
  const OpenWait wait(OpenWait::kMaxLimit, [&] {
    return ++asked < 3 ? Status::Ok() : Status::Busy("interrupted");
  });
  EXPECT_OK(wait.Pause());
  EXPECT_OK(wait.Pause());
  EXPECT_TRUE(IsError(wait.Pause(), Code::kBusy, "interrupted"));
}

}  // namespace
}  // namespace actorkv
