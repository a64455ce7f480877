// A writer of one actor is killed at random moments, again and again: every
// acknowledged commit is there afterwards, whole, and at most the one under
// way more. The process dies, the machine does not; so this holds for
// synchronous=NORMAL as well. tests/crash/power_loss_test.cc has the rest.

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

#include "tests/crash/notebook.h"
#include "tests/support/crash_life.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr uint64_t kLives = 100;         // of each test
constexpr uint64_t kLivesPerStore = 20;  // then a new store begins

TEST(KillTest, DISABLED_Writer) { WriteNotes(BeginLife()); }

void KillAgainAndAgain(const std::string& synchronous) {
  std::mt19937_64 rng(TestSeed());
  std::unique_ptr<TempDir> temp;
  LifePlan plan;
  plan.synchronous = synchronous;
  int64_t count = 0;
  int64_t total = 0;
  for (uint64_t i = 0; i < LifeCount(kLives); ++i) {
    if (i % kLivesPerStore == 0) {
      temp = std::make_unique<TempDir>();
      plan.store = temp->File("store");
      count = 0;
    }
    plan.seed = rng();
    const Life life = LiveAndDie("KillTest.DISABLED_Writer", plan, &rng);
    const int64_t after = CheckNothingLost(plan, life, count);
    ASSERT_FALSE(testing::Test::HasFailure()) << "in life " << i;
    total += after - count;
    count = after;
  }
  EXPECT_GT(total, 0);
}

TEST(KillTest, FullLosesNothing) { KillAgainAndAgain("FULL"); }

TEST(KillTest, NormalLosesNothing) { KillAgainAndAgain("NORMAL"); }

}  // namespace
}  // namespace actorkv
