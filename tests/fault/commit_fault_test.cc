// Every call of the engine fails once, in every way, under every kind of
// transaction: the Nth call for N = 1, 2, ... until none fails any more.
//
// Each fault declares where it lies: before the commit is durable (the state
// is the old one when the statement failed), or ambiguous (old or new, whole
// in either case). A statement that succeeded has done its work; one that
// failed gave one of the codes of vfs/sqlite/sqlite_error.h; the same
// connection works on, sees what a new one sees, and the step succeeds when
// repeated.

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/fault/fault_world.h"
#include "tests/support/testing.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

struct Fault {
  const char* name;
  CommitFault commit;
  Status status;
  bool is_read = false;
  bool ambiguous = false;  // a failed statement may have done its work
  std::set<int> codes;     // that a failed statement may give
};

const std::set<int> kIoErrors = {SQLITE_IOERR_FSYNC, SQLITE_IOERR_WRITE,
                                 SQLITE_IOERR_TRUNCATE};
const std::set<int> kReadErrors = {SQLITE_IOERR_FSYNC,    SQLITE_IOERR_WRITE,
                                   SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_READ,
                                   SQLITE_IOERR_LOCK,     SQLITE_IOERR_FSTAT};

std::vector<Fault> AllFaults(bool plain_path_of_several) {
  std::set<int> conflict = kIoErrors;
  // At COMMIT_PHASETWO other codes would leave pages in the cache.
  if (!plain_path_of_several) conflict.insert(SQLITE_BUSY_SNAPSHOT);
  std::set<int> corrupt = kReadErrors;
  corrupt.insert(SQLITE_IOERR_DATA);
  return {
      {"conflict", CommitFault::kConflict, Status(), false, false, conflict},
      {"no space",
       CommitFault::kFailed,
       Status::NoSpace("injected"),
       false,
       false,
       {SQLITE_FULL}},
      {"busy", CommitFault::kFailed, Status::Busy("injected"), false, false,
       kIoErrors},
      {"I/O error", CommitFault::kFailed, Status::IOError("injected"), false,
       false, kIoErrors},
      {"unknown, landed", CommitFault::kUnknownLanded, Status(), false, true,
       kIoErrors},
      {"unknown, lost", CommitFault::kUnknownLost, Status(), false, false,
       kIoErrors},
      {"read error", CommitFault::kFailed, Status::IOError("injected"), true,
       false, kReadErrors},
      {"damage", CommitFault::kFailed, Status::Corruption("injected"), true,
       false, corrupt},
  };
}

// One trial: the step with this fault at its nth call. False: it did not
// happen.
bool Try(FaultWorld* world, const Step& step, const Fault& fault, uint64_t n) {
  Model after = *world->model();
  step.effect(&after);
  if (fault.is_read) {
    world->plan()->FailRead(n, fault.status);
  } else {
    world->plan()->FailCommit(n, fault.commit, fault.status);
  }
  const StepResult result = RunStep(world, step);
  const bool fired = world->plan()->fired_count() > 0;
  world->plan()->Reset();
  const std::string seen = world->Look();
  const std::string old_text = ExpectedText(*world->model());
  const std::string new_text = ExpectedText(after);
  if (result.code == SQLITE_OK) {
    EXPECT_EQ(seen, new_text);
    *world->model() = after;
    return fired;
  }
  EXPECT_TRUE(fired) << result.code << ": " << LastError();
  EXPECT_EQ(fault.codes.count(result.code), 1u)
      << result.code << (result.in_commit ? " in COMMIT: " : ": ")
      << LastError();
  if (fault.ambiguous && seen == new_text) {
    *world->model() = after;
    return fired;
  }
  EXPECT_EQ(seen, old_text) << result.code << ": " << LastError();
  // Once more, and nothing stands in the way.
  EXPECT_EQ(RunStep(world, step).code, SQLITE_OK) << LastError();
  EXPECT_EQ(world->Look(), new_text);
  *world->model() = after;
  return fired;
}

void FailEveryCall(const Step& step) {
  FaultWorld world(FaultWorld::Base::kMemory);
  ASSERT_EQ(RunStep(&world, step).code, SQLITE_OK) << LastError();
  step.effect(world.model());
  for (const Fault& fault : AllFaults(step.on_two)) {
    uint64_t n = 1;
    while (Try(&world, step, fault, n)) {
      ASSERT_FALSE(testing::Test::HasFailure())
          << fault.name << " at call " << n;
      ++n;
    }
    ASSERT_FALSE(testing::Test::HasFailure()) << fault.name << " after " << n;
    // Reads may all be answered from the page cache.
    EXPECT_TRUE(n > 1 || fault.is_read || step.end == "ROLLBACK") << fault.name;
  }
  EXPECT_EQ(world.LookAfterRestart(), ExpectedText(*world.model()));
}

void CountA(Model* model) { ++model->a.n; }
void CountBoth(Model* model) {
  ++model->a.n;
  ++model->b.n;
}
void RewriteA(Model* model) {
  CountA(model);
  model->a.big_at = model->a.n;
}
void RewriteAAndCountB(Model* model) {
  CountBoth(model);
  model->a.big_at = model->a.n;
}
void Nothing(Model* /*model*/) {}

Step OnOne(const std::string& body, void (*effect)(Model*)) {
  Step step;
  step.body = body;
  step.effect = effect;
  return step;
}

Step OnTwo(const std::string& body, void (*effect)(Model*)) {
  Step step = OnOne(body, effect);
  step.on_two = true;
  return step;
}

TEST(CommitFaultTest, SmallTransaction) {
  FailEveryCall(OnOne(CountIn("main"), CountA));
}

TEST(CommitFaultTest, StagedTransaction) {
  FailEveryCall(OnOne(RewriteBigIn("main"), RewriteA));
}

TEST(CommitFaultTest, SeveralActorsWithASuperJournal) {
  FailEveryCall(OnOne(CountIn("main") + CountIn("b"), CountBoth));
}

TEST(CommitFaultTest, SeveralActorsWithoutASuperJournal) {
  FailEveryCall(OnTwo(CountIn("a") + CountIn("b"), CountBoth));
}

TEST(CommitFaultTest, SeveralActorsStagedWithASuperJournal) {
  FailEveryCall(OnOne(RewriteBigIn("main") + CountIn("b"), RewriteAAndCountB));
}

TEST(CommitFaultTest, SeveralActorsStagedWithoutASuperJournal) {
  FailEveryCall(OnTwo(RewriteBigIn("a") + CountIn("b"), RewriteAAndCountB));
}

// The cache spills: what is rolled back was on its way to the store.
TEST(CommitFaultTest, RollbackAfterASpill) {
  Step step = OnOne(RewriteBigIn("main"), Nothing);
  step.end = "ROLLBACK";
  FailEveryCall(step);
}

TEST(CommitFaultTest, Vacuum) {
  Step step = OnOne("", Nothing);
  step.statement = "VACUUM";
  FailEveryCall(step);
}

TEST(CommitFaultTest, VacuumToAnotherPageSize) {
  Step step = OnOne("", Nothing);
  step.statement =
      "PRAGMA page_size = 1024; VACUUM; PRAGMA page_size = 4096; VACUUM";
  FailEveryCall(step);
}

}  // namespace
}  // namespace actorkv
