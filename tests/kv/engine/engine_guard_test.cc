// What every Engine must do with guards, run on each of them.

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/engine_harness.h"

namespace actorkv {
namespace {

class EngineGuardTest : public EngineTest {};

INSTANTIATE_TEST_SUITE_P(Engines, EngineGuardTest,
                         testing::ValuesIn(kEngineCases), EngineName);

TEST_P(EngineGuardTest, GuardsDecide) {
  struct Case {
    std::optional<std::string_view> expected;
    CommitOutcome when_absent;
    CommitOutcome when_one;
  };
  const Case cases[] = {
      {std::nullopt, CommitOutcome::kDone, CommitOutcome::kConflict},
      {"1", CommitOutcome::kConflict, CommitOutcome::kDone},
      {"", CommitOutcome::kConflict, CommitOutcome::kConflict},
      {"11", CommitOutcome::kConflict, CommitOutcome::kConflict},
  };
  MustPut(kActor, "one", "1");
  for (const Case& c : cases) {
    for (const char* guarded : {"absent", "one"}) {
      Batch batch;
      batch.AddGuard(kActor, guarded, c.expected);
      batch.Put(kActor, "written", "yes");
      const CommitResult r = engine_->Commit(batch, Durability::kSynced);
      const CommitOutcome expected =
          guarded == std::string("one") ? c.when_one : c.when_absent;
      EXPECT_EQ(r.outcome, expected) << guarded;
      const bool done = expected == CommitOutcome::kDone;
      EXPECT_EQ(r.status.code(), done ? Code::kOk : Code::kConflict);
      EXPECT_EQ(Read(kActor, "written").has_value(), done);
      Batch clean;
      clean.Delete(kActor, "written");
      MustCommit(clean);
    }
  }
}

// However the value came there, and whatever an engine remembers of it.
TEST_P(EngineGuardTest, GuardsSeeWritesWithoutGuards) {
  const auto put = [this](const char* expected, const char* value) {
    Batch batch;
    batch.Put(kActor, "k", value);
    batch.AddGuard(kActor, "k", expected);
    return engine_->Commit(batch, Durability::kBuffered).outcome;
  };
  MustPut(kActor, "k", "1");
  EXPECT_EQ(put("1", "2"), CommitOutcome::kDone);
  EXPECT_EQ(put("1", "3"), CommitOutcome::kConflict);
  EXPECT_EQ(put("2", "3"), CommitOutcome::kDone);
  MustPut(kActor, "k", "4");
  EXPECT_EQ(put("3", "5"), CommitOutcome::kConflict);
  EXPECT_EQ(put("4", "5"), CommitOutcome::kDone);
  Batch removal;
  removal.Delete(kActor, "k");
  MustCommit(removal);
  EXPECT_EQ(put("5", "6"), CommitOutcome::kConflict);
  MustPut(kActor, "k", "7");
  EXPECT_EQ(put("7", "8"), CommitOutcome::kDone);
  ASSERT_OK(engine_->Drop(kActor));
  EXPECT_EQ(put("8", "9"), CommitOutcome::kConflict);
}

// A guard on one key of a batch that writes it several times.
TEST_P(EngineGuardTest, GuardsSeeTheLastOperation) {
  Batch batch;
  batch.AddGuard(kActor, "k", std::nullopt);
  batch.Put(kActor, "k", "1");
  batch.Delete(kActor, "k");
  batch.Put(kActor, "k", "2");
  batch.Put(kActor, "k", "3");
  MustCommit(batch);
  for (const char* wrong : {"1", "2"}) {
    Batch late;
    late.AddGuard(kActor, "k", wrong);
    late.Put(kActor, "k", "4");
    EXPECT_EQ(engine_->Commit(late, Durability::kBuffered).outcome,
              CommitOutcome::kConflict);
  }
  Batch next;
  next.AddGuard(kActor, "k", "3");
  next.Put(kActor, "k", "4");
  MustCommit(next);
}

TEST_P(EngineGuardTest, AllGuardsMustHold) {
  MustPut(kActor, "a", "1");
  Batch batch;
  batch.AddGuard(kActor, "a", "1");
  batch.AddGuard(kActor, "a", "1");  // the same key twice is fine
  batch.AddGuard(kActor, "b", "1");
  batch.Put(kActor, "c", "1");
  EXPECT_EQ(engine_->Commit(batch, Durability::kBuffered).outcome,
            CommitOutcome::kConflict);
  EXPECT_EQ(Dump(kActor), "a=1");
}

// Eight threads count in one key, by compare and retry; a second key in
// another partition shows that each commit is all or nothing.
TEST_P(EngineGuardTest, GuardedCommitsDoNotLoseUpdates) {
  constexpr int kThreads = 8;
  constexpr int kPerThread = 50;
  MustPut(kActor, "n", "0");
  std::atomic<int> failures{0};
  const auto count_up = [&] {
    const auto reader = engine_->NewReader();
    for (int done = 0; done < kPerThread;) {
      reader->Refresh();
      std::vector<std::optional<std::string>> values;
      if (!reader->Get(kActor, {"n"}, &values).ok()) ++failures;
      Batch batch;
      batch.AddGuard(kActor, "n", *values[0]);
      batch.Put(kActor, "n", std::to_string(std::stoi(*values[0]) + 1));
      const CommitResult r = engine_->Commit(batch, Durability::kBuffered);
      if (r.done()) ++done;
      if (!r.done() && r.outcome != CommitOutcome::kConflict) ++failures;
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(count_up);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(Read(kActor, "n"), std::to_string(kThreads * kPerThread));
}

}  // namespace
}  // namespace actorkv
