// A writer of transactions over three attached actors is killed at random
// moments: no acknowledged transaction is lost and none is ever torn, on both
// of SQLite's ways to commit over several databases.

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

#include "tests/crash/bank.h"
#include "tests/support/crash_life.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr uint64_t kLives = 100;         // of each test
constexpr uint64_t kLivesPerStore = 20;  // then a new store begins

TEST(MultiActorKillTest, DISABLED_Writer) { TransferMoney(BeginLife()); }

void KillAgainAndAgain(const std::string& kind) {
  std::mt19937_64 rng(TestSeed());
  std::unique_ptr<TempDir> temp;
  LifePlan plan;
  plan.kind = kind;
  int64_t count = 0;
  for (uint64_t i = 0; i < LifeCount(kLives); ++i) {
    if (i % kLivesPerStore == 0) {
      temp = std::make_unique<TempDir>();
      plan.store = temp->File("store");
      count = 0;
    }
    plan.seed = rng();
    plan.synchronous = rng() % 2 == 0 ? "FULL" : "NORMAL";
    const Life life =
        LiveAndDie("MultiActorKillTest.DISABLED_Writer", plan, &rng);
    count = CheckNoTransferLost(plan, life, count);
    ASSERT_FALSE(testing::Test::HasFailure()) << "in life " << i;
  }
  EXPECT_GT(count, 1);
}

TEST(MultiActorKillTest, NeverTornWithASuperJournal) {
  KillAgainAndAgain(kMainIsActor);
}

TEST(MultiActorKillTest, NeverTornWithoutASuperJournal) {
  KillAgainAndAgain(kMainIsMemory);
}

}  // namespace
}  // namespace actorkv
