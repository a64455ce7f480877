// Commits on an engine that commits partition by partition: what stops on the
// way, and what lands late, does no harm.

#include <gtest/gtest.h>

#include "kv/format/keys.h"
#include "kv/pages/commit.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

constexpr uint32_t kSize = kMinPageSize;

std::string P(PageNo pgno, uint32_t version) {
  return TestPage(kSize, pgno, version);
}

std::vector<std::string> Pages(PageNo count, uint32_t version) {
  return TestPages(kSize, count, version);
}

Status Put(const TestStore& store, const std::string& name, PageNo count,
           uint32_t version) {
  TestTransaction transaction(store, name);
  if (Status s = transaction->Truncate(count); !s.ok()) return s;
  for (PageNo pgno = 1; pgno <= count; ++pgno) {
    transaction.Write(pgno, P(pgno, version));
  }
  return transaction.Commit();
}

class SinglePartitionTest : public testing::Test {
 protected:
  SinglePartitionTest() {
    store_.LogBatches(&batches_);
    store_.Reopen();
  }

  BranchId Branch() { return store_.State("a")->head.snapshot.branch; }

  // Puts of chunks that an earlier run made arrive (again) now.
  void LandChunks(const std::vector<Batch>& batches) {
    for (const Batch& late : batches) {
      Batch chunks;
      for (size_t i = 0; i < late.op_count(); ++i) {
        const Batch::Op op = late.op(i);
        if (op.partition.kind != PartitionKind::kBranch) continue;
        chunks.Put(op.partition, op.key, *op.value);
      }
      if (chunks.empty()) continue;
      ASSERT_TRUE(
          store_->engine()->Commit(chunks, Durability::kBuffered).done());
    }
    batches_.clear();
  }

  std::vector<Batch> batches_;  // every commit that the engine was asked for
  TestStore store_{MemorySource(), SinglePartition()};
};

TEST_F(SinglePartitionTest, OneActorCommits) {
  ASSERT_OK(Put(store_, "a", 3, 1));
  ExpectPages(store_, "a", Pages(3, 1));
  ASSERT_OK(Put(store_, "a", 3, 2));
  ExpectPages(store_, "a", Pages(3, 2));
  ASSERT_OK(Put(store_, "a", 5, 3));
  ExpectPages(store_, "a", Pages(5, 3));
  EXPECT_EQ(store_.State("a")->lineage->size(), 1u);
  store_.Reopen();
  ExpectPages(store_, "a", Pages(5, 3));
}

TEST_F(SinglePartitionTest, ThisProcessGoesOnWithItsOwnBranchOnly) {
  const auto keep = store_.Open("a");
  ASSERT_OK(Put(store_, "a", 3, 1));
  const BranchId first = Branch();
  ASSERT_OK(Put(store_, "a", 1, 2));
  EXPECT_EQ(Branch(), first);
}

TEST_F(SinglePartitionTest, ANewProcessBeginsANewBranch) {
  ASSERT_OK(Put(store_, "a", 3, 1));
  const BranchId first = Branch();
  store_.Reopen();
  ASSERT_OK(Put(store_, "a", 1, 2));
  EXPECT_NE(Branch(), first);
}

TEST_F(SinglePartitionTest, SeveralActorsAreRefusedBeforeAnythingIsWritten) {
  ASSERT_OK(Put(store_, "a", 2, 1));
  ASSERT_OK(Put(store_, "b", 2, 1));
  TestTransaction a(store_, "a");
  TestTransaction b(store_, "b");
  a.Write(1, P(1, 2));
  b.Write(1, P(1, 2));
  std::vector<PendingCommit> commits = {a.Pending(), b.Pending()};
  batches_.clear();
  EXPECT_TRUE(IsError(CommitAll(store_.get(), Durability::kSynced, &commits),
                      Code::kNotSupported, "cannot commit several actors"));
  EXPECT_EQ(batches_.size(), 0u);
}

// Every run of a commit fails in every way; the chunks of that commit land
// late, after the next commit. Readers see either commit whole.
TEST_F(SinglePartitionTest, WhatLandsLateDoesNoHarm) {
  for (auto fault : {CommitFault::kFailed, CommitFault::kUnknownLost,
                     CommitFault::kUnknownLanded, CommitFault::kConflict}) {
    for (uint64_t nth = 1;; ++nth) {
      SCOPED_TRACE(nth);
      store_.plan()->Reset();
      const auto keep = store_.Open("a");
      ASSERT_OK(Put(store_, "a", 4, 1));
      ASSERT_OK(Put(store_, "a", 4, 2));
      const auto old_state = store_.State("a");
      batches_.clear();
      store_.plan()->Reset();
      store_.plan()->FailCommit(nth, fault);
      const Status s = Put(store_, "a", 6, 3);
      if (store_.plan()->fired_count() == 0) {
        EXPECT_OK(s);
        EXPECT_GT(nth, 2u);
        break;
      }
      std::vector<Batch> late = batches_;
      ExpectPages(store_, "a", s.ok() ? Pages(6, 3) : Pages(4, 2));
      LandChunks(late);
      ExpectPages(store_, "a", s.ok() ? Pages(6, 3) : Pages(4, 2));
      {
        TestTransaction transaction(store_, "a");
        ASSERT_OK(transaction->Truncate(3));
        transaction.Write(2, P(2, 4));
        ASSERT_OK(transaction.Commit());
      }
      auto pages = Pages(3, s.ok() ? 3 : 2);
      pages[1] = P(2, 4);
      ExpectPages(store_, "a", pages);
      LandChunks(late);
      ExpectPages(store_, "a", pages);
      EXPECT_TRUE(ReadAll(store_->engine(), old_state->head.snapshot,
                          old_state->lineage) == Pages(4, 2));
      store_.Maintain();
      store_.Reopen();
      ExpectPages(store_, "a", pages);
    }
  }
}

TEST_F(SinglePartitionTest, ATakeOverDoesNotGoOnWithTheBranch) {
  const auto keep = store_.Open("a");
  ASSERT_OK(Put(store_, "a", 4, 1));
  const BranchId branch = Branch();
  batches_.clear();
  store_.plan()->FailCommit(1, CommitFault::kUnknownLost);
  EXPECT_FALSE(Put(store_, "a", 4, 2).ok());
  std::vector<Batch> late = batches_;
  Generation generation;
  ASSERT_OK(TakeOver(store_.get(), keep.get(), &generation));
  {
    TestTransaction transaction(store_, "a");
    transaction.Write(1, P(1, 3));
    ASSERT_OK(transaction.Commit());
  }
  EXPECT_NE(Branch(), branch);
  LandChunks(late);
  auto pages = Pages(4, 1);
  pages[0] = P(1, 3);
  ExpectPages(store_, "a", pages);
}

TEST_F(SinglePartitionTest, AFailureOfEachRunOfTheFirstCommit) {
  for (uint64_t nth = 1;; ++nth) {
    const std::string name = "new" + std::to_string(nth);
    store_.plan()->Reset();
    store_.plan()->FailCommit(nth, CommitFault::kFailed);
    const Status s = Put(store_, name, 3, 1);
    if (store_.plan()->fired_count() == 0) break;
    EXPECT_FALSE(s.ok());
    EXPECT_FALSE(store_.State(name)->exists);
    ASSERT_OK(Put(store_, name, 3, 2));
    ExpectPages(store_, name, Pages(3, 2));
    store_.Reopen();
    ExpectPages(store_, name, Pages(3, 2));
  }
}

TEST_F(SinglePartitionTest, StagesWork) {
  ASSERT_OK(Put(store_, "a", 4, 1));
  const auto keep = store_.Open("a");
  {
    TestTransaction transaction(store_, "a");
    for (PageNo pgno = 1; pgno <= 20; ++pgno) {
      transaction.Write(pgno, P(pgno, 2));
    }
    ASSERT_OK(transaction->Stage());
    transaction.Write(3, P(3, 3));
    ASSERT_OK(transaction.Commit());
  }
  auto pages = Pages(20, 2);
  pages[2] = P(3, 3);
  ExpectPages(store_, "a", pages);
  // The stage record went after the commit, and the branch stayed.
  store_.Maintain();
  ExpectPages(store_, "a", pages);
  for (const KeyValue& pair : store_.Scan(CatalogPartition())) {
    EXPECT_NE(pair.key.substr(0, 1), StagePrefix());
  }
  {
    TestTransaction transaction(store_, "a");
    transaction.Write(1, P(1, 9));
    ASSERT_OK(transaction->Stage());
  }
  store_.Maintain();
  ExpectPages(store_, "a", pages);
}

TEST(SinglePartitionLimitsTest, SmallBatches) {
  EngineLimits limits = SinglePartition();
  limits.max_batch_bytes = size_t{8} * 1024;
  TestStore store(MemorySource(), limits);
  for (uint32_t version = 1; version < 4; ++version) {
    ASSERT_OK(Put(store, "a", 100, version));
    ExpectPages(store, "a", Pages(100, version));
    store.Maintain();
    store.Reopen();
    ExpectPages(store, "a", Pages(100, version));
  }
}

}  // namespace
}  // namespace actorkv
