// A writer of one actor is killed at random moments, again and again: every
// acknowledged commit is there afterwards, whole, and at most the one under
// way more. The process dies, the machine does not; so this holds for
// synchronous=NORMAL as well. tests/crash/power_loss_test.cc has the rest.

#include <gtest/gtest.h>

#include <string>

#include "tests/crash/notebook.h"
#include "tests/support/crash_life.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr char kWriter[] = "KillTest.DISABLED_Writer";

TEST(KillTest, DISABLED_Writer) { WriteNotes(BeginLife()); }

void KillAgainAndAgain(const std::string& synchronous) {
  LifeSeries series;
  series.child = kWriter;
  series.plan.synchronous = synchronous;
  series.lives = 100;
  EXPECT_GT(LiveAgainAndAgain(series, CheckNothingLost), 0);
}

TEST(KillTest, FullLosesNothing) { KillAgainAndAgain("FULL"); }

TEST(KillTest, NormalLosesNothing) { KillAgainAndAgain("NORMAL"); }

}  // namespace
}  // namespace actorkv
