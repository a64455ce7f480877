// A writer of transactions over three attached actors is killed at random
// moments: no acknowledged transaction is lost and none is ever torn, on both
// of SQLite's ways to commit over several databases.

#include <gtest/gtest.h>

#include <string>

#include "tests/crash/bank.h"
#include "tests/support/crash_life.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr char kWriter[] = "MultiActorKillTest.DISABLED_Writer";

TEST(MultiActorKillTest, DISABLED_Writer) { TransferMoney(BeginLife()); }

void KillAgainAndAgain(const std::string& kind) {
  LifeSeries series;
  series.child = kWriter;
  series.plan.kind = kind;
  series.lives = 100;
  series.mixes_synchronous = true;
  // More than the founding of each store.
  EXPECT_GT(LiveAgainAndAgain(series, CheckNoTransferLost), 5);
}

TEST(MultiActorKillTest, NeverTornWithASuperJournal) {
  KillAgainAndAgain(kMainIsActor);
}

TEST(MultiActorKillTest, NeverTornWithoutASuperJournal) {
  KillAgainAndAgain(kMainIsMemory);
}

}  // namespace
}  // namespace actorkv
