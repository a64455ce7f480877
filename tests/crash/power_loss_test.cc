// Writers are killed, and then the power goes: every byte that was not synced
// is gone (tests/support/fault_fs.h). A kill alone cannot catch a missing
// fsync, because the operating system keeps what was written.
//
// FULL loses no acknowledged commit. NORMAL and OFF may lose the newest ones;
// what is left is a whole state that once was.

#include <gtest/gtest.h>

#include <string>

#include "tests/crash/bank.h"
#include "tests/crash/notebook.h"
#include "tests/support/crash_life.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

TEST(PowerLossTest, DISABLED_NoteWriter) { WriteNotes(BeginLife()); }
TEST(PowerLossTest, DISABLED_Bank) { TransferMoney(BeginLife()); }

constexpr char kNoteWriter[] = "PowerLossTest.DISABLED_NoteWriter";
constexpr char kBank[] = "PowerLossTest.DISABLED_Bank";

// Lives and power losses, one after the other.
void LoseThePower(const char* child, const LifePlan& plan, uint64_t lives,
                  const LifeCheck& check) {
  LifeSeries series;
  series.child = child;
  series.plan = plan;
  series.lives = lives;
  series.loses_power = true;
  LiveAgainAndAgain(series, check);
}

LifePlan PlanFor(const std::string& synchronous, const std::string& kind = "") {
  LifePlan plan;
  plan.synchronous = synchronous;
  plan.kind = kind;
  return plan;
}

// Some state between the last one before this life and the last one in it.
int64_t CheckConsistent(const LifePlan& plan, const Life& life,
                        int64_t before) {
  const int64_t count =
      plan.kind.empty() ? CheckNotes(plan.store) : CheckBank(plan);
  // What was there before was looked at by this process, and closed.
  EXPECT_GE(count, before);
  EXPECT_LE(count, before + life.committed_count + 1);
  CloseStore(plan.store);
  return count;
}

TEST(PowerLossTest, FullLosesNothing) {
  LoseThePower(kNoteWriter, PlanFor("FULL"), 200, CheckNothingLost);
}

TEST(PowerLossTest, FullLosesNoTransactionOfSeveralActors) {
  LoseThePower(kBank, PlanFor("FULL", kMainIsActor), 100, CheckNoTransferLost);
  LoseThePower(kBank, PlanFor("FULL", kMainIsMemory), 100, CheckNoTransferLost);
}

TEST(PowerLossTest, FullLosesNothingWithoutDirectIo) {
  LifePlan plan = PlanFor("FULL");
  plan.direct_io = false;
  LoseThePower(kNoteWriter, plan, 60, CheckNothingLost);
}

TEST(PowerLossTest, NormalIsConsistent) {
  LoseThePower(kNoteWriter, PlanFor("NORMAL"), 40, CheckConsistent);
}

TEST(PowerLossTest, NormalIsConsistentOverSeveralActors) {
  LoseThePower(kBank, PlanFor("NORMAL", kMainIsActor), 20, CheckConsistent);
  LoseThePower(kBank, PlanFor("NORMAL", kMainIsMemory), 20, CheckConsistent);
}

// The layer under the tests above notices a sync that is not there.
TEST(PowerLossTest, OffLosesCommits) {
  TempDir temp;
  LifePlan plan = PlanFor("OFF");
  plan.store = temp.File("store");
  plan.ledger = temp.File("ledger");
  const Life life = LiveUntil(kNoteWriter, plan, 40);
  EXPECT_LT(CheckNotes(plan.store), life.committed_count);
  CloseStore(plan.store);
}

}  // namespace
}  // namespace actorkv
