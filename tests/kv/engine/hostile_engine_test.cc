// Each fault of a HostilePlan happens once, at the call it was set for, and
// does to the wrapped engine what its name says.

#include "tests/support/hostile_engine.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/support/memory_engine.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr Partition kActor{PartitionKind::kActor, 7};

TEST(HostileEngineTest, EachFaultHappensOnceAtItsCall) {
  auto plan = std::make_shared<HostilePlan>();
  const auto engine =
      NewHostileEngine(NewMemoryEngine(UnboundedLimits()), plan);
  const auto reader = engine->NewReader();
  struct Case {
    CommitFault fault;
    CommitOutcome outcome;
    bool written;
  };
  const Case cases[] = {
      {CommitFault::kConflict, CommitOutcome::kConflict, false},
      {CommitFault::kFailed, CommitOutcome::kFailed, false},
      {CommitFault::kUnknownLanded, CommitOutcome::kUnknown, true},
      {CommitFault::kUnknownLost, CommitOutcome::kUnknown, false},
  };
  uint64_t fired = 0;
  for (const Case& c : cases) {
    ASSERT_OK(engine->Drop(kActor));
    plan->FailCommit(2, c.fault, Status::NoSpace("mine"));
    for (int nth = 1; nth <= 3; ++nth) {
      Batch batch;
      batch.Put(kActor, "k", std::to_string(nth));
      const CommitResult r = engine->Commit(batch, Durability::kSynced);
      EXPECT_EQ(r.outcome, nth == 2 ? c.outcome : CommitOutcome::kDone);
      if (nth == 2) {
        EXPECT_EQ(r.status.code(), Code::kNoSpace);
        std::vector<std::optional<std::string>> values;
        ASSERT_OK(reader->Get(kActor, {"k"}, &values));
        EXPECT_EQ(values[0], c.written ? "2" : "1");
      }
    }
    EXPECT_EQ(plan->fired_count(), ++fired);
  }
  plan->FailRead(1, Status::IOError("mine"));
  std::vector<KeyValue> pairs = {{"kept", "on error"}};
  EXPECT_EQ(reader->Scan(kActor, "", 1, &pairs).code(), Code::kIOError);
  EXPECT_EQ(pairs[0].key, "kept");
  EXPECT_OK(reader->Scan(kActor, "", 1, &pairs));
}

TEST(HostileEngineTest, AReadOfOneThreadFailsWhateverOthersRead) {
  auto plan = std::make_shared<HostilePlan>();
  const auto engine =
      NewHostileEngine(NewMemoryEngine(UnboundedLimits()), plan);
  const auto reader = engine->NewReader();
  std::vector<KeyValue> pairs;
  plan->FailReadHere(2, Status::IOError("mine"));
  std::thread([&] {
    const auto other = engine->NewReader();
    std::vector<KeyValue> read;
    for (int i = 0; i < 5; ++i) EXPECT_OK(other->Scan(kActor, "", 1, &read));
  }).join();
  EXPECT_OK(reader->Scan(kActor, "", 1, &pairs));
  EXPECT_EQ(reader->Scan(kActor, "", 1, &pairs).code(), Code::kIOError);
  EXPECT_OK(reader->Scan(kActor, "", 1, &pairs));
  EXPECT_EQ(plan->fired_count(), 1u);
}

TEST(HostileEngineTest, LimitsCanBeSmallerThanThoseOfTheBase) {
  const EngineLimits limits = {100, 50, 10, false};
  auto plan = std::make_shared<HostilePlan>();
  const auto engine =
      NewHostileEngine(NewMemoryEngine(UnboundedLimits()), plan, limits);
  EXPECT_EQ(engine->limits().max_value_bytes, 50u);
  Batch batch;
  batch.Put(kActor, "k", std::string(51, 'v'));
  const CommitResult r = engine->Commit(batch, Durability::kSynced);
  EXPECT_EQ(r.outcome, CommitOutcome::kFailed);
  EXPECT_TRUE(IsError(r.status, Code::kInvalidArgument, "max_value_bytes"));
  EXPECT_EQ(plan->commit_count(), 0u);
}

}  // namespace
}  // namespace actorkv
