// GuardedCommits over a store that notes what it is asked: what is looked at,
// in which order, and what is not written.

#include "kv/engine/guarded_commits.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr Partition kActor{PartitionKind::kActor, 1};
constexpr Partition kBranch{PartitionKind::kBranch, 1};

EngineLimits Limits() {
  return {/*max_batch_bytes=*/100, /*max_value_bytes=*/50, /*max_key_bytes=*/10,
          /*multi_partition_commit=*/true};
}

class NotingStore : public BatchStore {
 public:
  Status Enter(Gate::Hold* hold, uint64_t* seen) override {
    calls += "enter ";
    *hold = gate.Shared();
    *seen = epoch;
    return enter;
  }
  Status Holds(const Batch::Guard& guard, bool* holds) override {
    calls += "read ";
    const auto it = pairs.find(guard.key);
    *holds = it == pairs.end() ? !guard.expected.has_value()
                               : guard.expected == it->second;
    return read;
  }
  Status ClaimSpace(const Batch&, Durability) override {
    calls += "claim ";
    return claim;
  }
  CommitResult Write(const std::vector<const Batch*>& batches,
                     Durability durability) noexcept override {
    calls += durability == Durability::kSynced ? "sync " : "write ";
    if (write.outcome == CommitOutcome::kFailed) return write;
    for (const Batch* batch : batches) {
      for (size_t i = 0; i < batch->op_count(); ++i) {
        const Batch::Op op = batch->op(i);
        const std::string key(op.key);
        if (op.value.has_value()) {
          pairs[key] = *op.value;
        } else {
          pairs.erase(key);
        }
      }
    }
    return write;
  }

  std::string Calls() { return std::exchange(calls, ""); }

  Gate gate;
  uint64_t epoch = 0;
  Status enter;
  Status read;
  Status claim;
  CommitResult write;
  std::map<std::string, std::string> pairs;
  std::string calls;
};

class GuardedCommitsTest : public testing::Test {
 protected:
  // Puts "k" where it has the value `expected`.
  CommitResult Put(std::optional<std::string_view> expected,
                   const std::string& value, Partition partition = kActor) {
    Batch batch;
    batch.Put(partition, "k", value);
    batch.AddGuard(partition, "k", expected);
    return commits_.Commit(batch, Durability::kSynced);
  }

  NotingStore store_;
  GuardedCommits commits_{&store_, Limits(), 1000};
};

TEST_F(GuardedCommitsTest, AGuardIsReadOnceAndThenRemembered) {
  EXPECT_TRUE(Put(std::nullopt, "1").done());
  EXPECT_EQ(store_.Calls(), "enter read claim sync ");
  EXPECT_TRUE(Put("1", "2").done());
  EXPECT_EQ(store_.Calls(), "enter claim sync ");
  // What is remembered does not say what another value would mean.
  EXPECT_EQ(Put("1", "3").outcome, CommitOutcome::kConflict);
  EXPECT_EQ(store_.Calls(), "enter read ");
  EXPECT_EQ(store_.pairs["k"], "2");
}

TEST_F(GuardedCommitsTest, NothingIsRememberedThatMayNotBeSo) {
  EXPECT_TRUE(Put(std::nullopt, "1").done());
  store_.epoch = 1;
  store_.Calls();
  EXPECT_TRUE(Put("1", "2").done());
  EXPECT_EQ(store_.Calls(), "enter read claim sync ");
  commits_.Forget(kActor);
  EXPECT_TRUE(Put("2", "3").done());
  EXPECT_EQ(store_.Calls(), "enter read claim sync ");
  Batch unguarded;
  unguarded.Put(kActor, "k", "4");
  EXPECT_TRUE(commits_.Commit(unguarded, Durability::kBuffered).done());
  EXPECT_EQ(store_.Calls(), "enter claim write ");
  EXPECT_TRUE(Put("4", "5").done());
  EXPECT_EQ(store_.Calls(), "enter read claim sync ");
  store_.write = {CommitOutcome::kUnknown, Status::IOError("lost")};
  EXPECT_EQ(Put("5", "6").outcome, CommitOutcome::kUnknown);
  store_.write = {};
  store_.Calls();
  EXPECT_TRUE(Put("6", "7").done());
  EXPECT_EQ(store_.Calls(), "enter read claim sync ");
}

TEST_F(GuardedCommitsTest, ChunksAreNotRemembered) {
  EXPECT_TRUE(Put(std::nullopt, "1", kBranch).done());
  store_.Calls();
  EXPECT_TRUE(Put("1", "2", kBranch).done());
  EXPECT_EQ(store_.Calls(), "enter read claim sync ");
}

TEST_F(GuardedCommitsTest, WhatFailsBeforeTheWriteWritesNothing) {
  store_.claim = Status::NoSpace("full");
  EXPECT_EQ(Put(std::nullopt, "1").status.code(), Code::kNoSpace);
  EXPECT_EQ(store_.Calls(), "enter read claim ");
  store_.read = Status::IOError("read");
  EXPECT_EQ(Put(std::nullopt, "1").outcome, CommitOutcome::kFailed);
  EXPECT_EQ(store_.Calls(), "enter read ");
  store_.enter = Status::NotSupported("read-only");
  EXPECT_EQ(Put(std::nullopt, "1").status.code(), Code::kNotSupported);
  EXPECT_EQ(store_.Calls(), "enter ");
  EXPECT_EQ(Put(std::nullopt, std::string(51, 'x')).status.code(),
            Code::kInvalidArgument);
  EXPECT_EQ(store_.Calls(), "");
  // No key is claimed any more, and nothing is held.
  store_.enter = store_.read = store_.claim = Status::Ok();
  const Gate::Exclusive exclusive(
      &store_.gate, std::chrono::steady_clock::now() + std::chrono::seconds(9));
  EXPECT_TRUE(exclusive.owns());
}

}  // namespace
}  // namespace actorkv
