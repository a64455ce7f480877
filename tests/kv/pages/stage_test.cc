// BranchWriter, transactions that are staged: larger than their memory, on
// engines with small batches, and what happens to stages that die.

#include <gtest/gtest.h>

#include "kv/format/keys.h"
#include "kv/pages/branch_writer.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

constexpr uint32_t kSize = 4096;
// A transaction of this engine stages past 8 pages, 8 at a time.
constexpr size_t kSmallBatch = size_t{16} * kSize;

std::string Zeros() { return std::string(kSize, '\0'); }
std::string P(PageNo pgno, uint32_t version) {
  return TestPage(kSize, pgno, version);
}

std::vector<std::string> Pages(PageNo count, uint32_t version) {
  return TestPages(kSize, count, version);
}

void WriteAll(TestTransaction* transaction,
              const std::vector<std::string>& pages) {
  for (size_t i = 0; i < pages.size(); ++i) {
    transaction->Write(static_cast<PageNo>(i + 1), pages[i]);
  }
}

class StageTest : public testing::Test {
 protected:
  void Make(const std::vector<std::string>& pages,
            std::optional<uint32_t> stamp = std::nullopt) {
    TestTransaction transaction(store_, "a", kSize);
    WriteAll(&transaction, pages);
    ASSERT_OK(transaction.Commit(stamp));
  }

  std::vector<KeyValue> StageRecords() {
    std::vector<KeyValue> stages;
    for (const KeyValue& pair : store_.Scan(CatalogPartition())) {
      if (pair.key.substr(0, 1) == StagePrefix()) stages.push_back(pair);
    }
    return stages;
  }

  size_t ChunkCount(BranchId branch) {
    return store_.Scan(BranchPartition(branch)).size();
  }

  // The branch of the only stage record.
  BranchId OnlyStage() {
    const auto stages = StageRecords();
    EXPECT_EQ(stages.size(), 1u);
    BranchId branch;
    for (const KeyValue& stage : stages) {
      EXPECT_OK(ParseStageKey(stage.key, &branch));
    }
    return branch;
  }

  TestStore store_{MemorySource(), SmallBatches(kSmallBatch)};
};

TEST_F(StageTest, ALargeTransactionStagesAndIsInvisible) {
  const auto before = Pages(5, 1);
  Make(before);
  auto after = Pages(60, 2);
  {
    TestTransaction transaction(store_, "a", kSize);
    WriteAll(&transaction, after);
    EXPECT_LE(transaction->memory_bytes(), kSmallBatch);
    EXPECT_GT(ChunkCount(OnlyStage()), 40u);
    ExpectPages(store_, "a", before);
    std::string page(kSize, 'x');
    for (PageNo pgno = 1; pgno <= 60; ++pgno) {
      ASSERT_OK(transaction->ReadPage(pgno, page.data()));
      ASSERT_TRUE(page == after[pgno - 1]) << pgno;
    }
    ASSERT_OK(transaction.Commit());
  }
  ExpectPages(store_, "a", after);
  EXPECT_EQ(StageRecords().size(), 0u);
  EXPECT_EQ(store_.State("a")->lineage->size(), 1u)
      << "a branch that holds every page needs no parent";
  store_.Maintain();
  store_.Reopen();
  ExpectPages(store_, "a", after);
}

TEST_F(StageTest, WhatIsNotWrittenShowsThroughFromTheBase) {
  auto pages = Pages(60, 1);
  Make(pages);
  TestTransaction transaction(store_, "a", kSize);
  for (PageNo pgno = 2; pgno <= 60; pgno += 2) {
    pages[pgno - 1] = P(pgno, 2);
    transaction.Write(pgno, pages[pgno - 1]);
  }
  ASSERT_OK(transaction.Commit(9));
  ApplyStamp(9, pages[0].data());
  ExpectPages(store_, "a", pages);
  EXPECT_EQ(store_.State("a")->lineage->size(), 2u);
  store_.Reopen();
  ExpectPages(store_, "a", pages);
}

TEST_F(StageTest, PagesRewrittenAfterStaging) {
  auto pages = Pages(40, 1);
  Make(pages);
  TestTransaction transaction(store_, "a", kSize);
  for (uint32_t round = 2; round < 6; ++round) {
    for (PageNo pgno = round; pgno <= 40; pgno += round % 3 + 1) {
      pages[pgno - 1] = P(pgno, round);
      transaction.Write(pgno, pages[pgno - 1]);
    }
  }
  // Back to the base, after another version was staged.
  for (PageNo pgno = 10; pgno <= 20; ++pgno) {
    pages[pgno - 1] = P(pgno, 1);
    transaction.Write(pgno, pages[pgno - 1]);
  }
  ASSERT_OK(transaction.Commit());
  ExpectPages(store_, "a", pages);
}

TEST_F(StageTest, TruncatedAfterStaging) {
  auto pages = Pages(40, 1);
  Make(pages);
  TestTransaction transaction(store_, "a", kSize);
  WriteAll(&transaction, Pages(60, 2));
  ASSERT_OK(transaction->Truncate(7));
  ASSERT_OK(transaction.Commit());
  ExpectPages(store_, "a", Pages(7, 2));
}

TEST_F(StageTest, TruncatedAfterStagingAndRegrown) {
  Make(Pages(40, 1));
  TestTransaction transaction(store_, "a", kSize);
  WriteAll(&transaction, Pages(60, 2));
  ASSERT_OK(transaction->Truncate(7));
  transaction.Write(50, P(50, 3));
  std::string page(kSize, 'x');
  ASSERT_OK(transaction->ReadPage(30, page.data()));
  EXPECT_EQ(page, Zeros());
  ASSERT_OK(transaction.Commit());
  auto pages = Pages(7, 2);
  pages.resize(49, Zeros());
  pages.push_back(P(50, 3));
  ExpectPages(store_, "a", pages);
}

// The pages that come back are equal to the base's, so a commit could leave
// them out; but what was cut no longer shows through.
TEST_F(StageTest, TruncatedAndWrittenBackAsItWas) {
  const auto pages = Pages(40, 1);
  Make(pages);
  TestTransaction transaction(store_, "a", kSize);
  ASSERT_OK(transaction->Truncate(3));
  WriteAll(&transaction, pages);
  ASSERT_OK(transaction->Stage());
  std::string page(kSize, 'x');
  ASSERT_OK(transaction->ReadPage(30, page.data()));
  EXPECT_TRUE(page == pages[29]);
  ASSERT_OK(transaction.Commit());
  ExpectPages(store_, "a", pages);
}

TEST_F(StageTest, StagedTruncatedAndWrittenBackAsItWas) {
  const auto pages = Pages(40, 1);
  Make(pages);
  TestTransaction transaction(store_, "a", kSize);
  WriteAll(&transaction, Pages(40, 2));
  ASSERT_OK(transaction->Stage());
  ASSERT_OK(transaction->Truncate(1));
  WriteAll(&transaction, pages);
  ASSERT_OK(transaction.Commit());
  ExpectPages(store_, "a", pages);
}

TEST_F(StageTest, GrowthWithHolesIsFilledInTheStage) {
  Make(Pages(3, 1));
  TestTransaction transaction(store_, "a", kSize);
  transaction.Write(300, P(300, 2));
  ASSERT_OK(transaction.Commit());
  auto pages = Pages(3, 1);
  pages.resize(299, Zeros());
  pages.push_back(P(300, 2));
  ExpectPages(store_, "a", pages);
  EXPECT_EQ(StageRecords().size(), 0u);
}

TEST_F(StageTest, ANewActorCanBeginWithAStage) {
  Make(Pages(100, 1), 4);
  auto pages = Pages(100, 1);
  ApplyStamp(4, pages[0].data());
  ExpectPages(store_, "a", pages);
  store_.Reopen();
  ExpectPages(store_, "a", pages);
}

TEST_F(StageTest, AnotherPageSizeStaged) {
  Make(Pages(40, 1), 4);
  TestTransaction transaction(store_, "a", 1024);
  std::vector<std::string> pages;
  for (PageNo pgno = 1; pgno <= 200; ++pgno) {
    pages.push_back(TestPage(1024, pgno, 2));
    transaction.Write(pgno, pages.back());
  }
  ASSERT_OK(transaction->Truncate(150));
  pages.resize(150);
  ASSERT_OK(transaction.Commit(5));
  ApplyStamp(5, pages[0].data());
  ExpectPages(store_, "a", pages);
  EXPECT_EQ(store_.State("a")->lineage->size(), 1u);
}

TEST_F(StageTest, ADeadStageIsDropped) {
  const auto pages = Pages(5, 1);
  Make(pages);
  BranchId stage;
  {
    TestTransaction transaction(store_, "a", kSize);
    WriteAll(&transaction, Pages(60, 2));
    stage = OnlyStage();
    store_.Maintain();
    EXPECT_GT(ChunkCount(stage), 40u) << "it is alive";
  }
  store_.Maintain();
  EXPECT_EQ(ChunkCount(stage), 0u);
  EXPECT_EQ(StageRecords().size(), 0u);
  ExpectPages(store_, "a", pages);
}

TEST_F(StageTest, TheStageOfADeadProcessIsDropped) {
  const auto pages = Pages(5, 1);
  Make(pages);
  BranchId stage;
  const auto source = MemorySource();
  {
    TestStore store(source, SmallBatches(kSmallBatch));
    TestTransaction transaction(store, "b", kSize);
    WriteAll(&transaction, Pages(60, 2));
    // The store goes; nothing of it drops the stage.
  }
  TestStore store(source, SmallBatches(kSmallBatch));
  bool has_stage = false;
  for (const KeyValue& pair : store.Scan(CatalogPartition())) {
    if (ParseStageKey(pair.key, &stage).ok()) has_stage = true;
  }
  ASSERT_TRUE(has_stage);
  EXPECT_GT(store.Scan(BranchPartition(stage)).size(), 40u);
  store.Maintain();
  EXPECT_EQ(store.Scan(BranchPartition(stage)).size(), 0u);
  for (const KeyValue& pair : store.Scan(CatalogPartition())) {
    EXPECT_FALSE(ParseStageKey(pair.key, &stage).ok());
  }
}

TEST_F(StageTest, ACommittedStageIsNeverDropped) {
  const auto pages = Pages(60, 2);
  Make(pages);
  const auto state = store_.State("a");
  // As if the commit had not taken the stage record away.
  StageRecord record;
  record.actor = state->entry.actor;
  const std::string key = StageKey(state->head.snapshot.branch);
  Batch batch;
  batch.Put(CatalogPartition(), key, EncodeRecord(key, record));
  ASSERT_TRUE(store_->Commit(batch, Durability::kSynced).done());
  store_.Reopen();
  store_.Maintain();
  EXPECT_EQ(StageRecords().size(), 0u);
  ExpectPages(store_, "a", pages);
}

TEST_F(StageTest, AfterAFailureTheWriterIsUseless) {
  const auto pages = Pages(5, 1);
  Make(pages);
  for (auto fault : {CommitFault::kFailed, CommitFault::kUnknownLanded,
                     CommitFault::kUnknownLost}) {
    {
      TestTransaction transaction(store_, "a", kSize);
      store_.plan()->FailCommit(2, fault, Status::NoSpace("full"));
      Status s;
      for (PageNo pgno = 1; pgno <= 60 && s.ok(); ++pgno) {
        s = transaction->WritePage(pgno, P(pgno, 2).data());
      }
      EXPECT_TRUE(IsError(s, Code::kNoSpace, "staging: full"));
      std::string page(kSize, 'x');
      EXPECT_EQ(transaction->ReadPage(1, page.data()).code(), Code::kNoSpace);
      EXPECT_EQ(transaction->WritePage(1, page.data()).code(), Code::kNoSpace);
      EXPECT_EQ(transaction.Commit().code(), Code::kNoSpace);
    }
    store_.Maintain();
    EXPECT_EQ(StageRecords().size(), 0u);
    ExpectPages(store_, "a", pages);
  }
}

// With the memory that a transaction has on RocksDB.
TEST(StageOnRocksDbTest, LargerThanTheMemoryOfATransaction) {
  const TempDir dir;
  TestStore store(RocksDbSource(dir.File("store")));
  constexpr uint32_t kLarge = 65536;
  constexpr PageNo kCount = 3 * kTransactionMemoryBytes / kLarge;
  std::vector<std::string> pages;
  {
    TestTransaction transaction(store, "a", kLarge);
    for (PageNo pgno = 1; pgno <= kCount; ++pgno) {
      pages.push_back(TestPage(kLarge, pgno, 1));
      transaction.Write(pgno, pages.back());
      ASSERT_LE(transaction->memory_bytes(), kTransactionMemoryBytes);
    }
    ASSERT_OK(transaction->Truncate(kCount - 10));
    pages.resize(kCount - 10);
    ASSERT_OK(transaction.Commit(1));
  }
  ApplyStamp(1, pages[0].data());
  ExpectPages(store, "a", pages);
  store.Reopen();
  ExpectPages(store, "a", pages);
}

TEST(StageLockPageTest, TheLockPageIsNeitherStoredNorCounted) {
  TestStore store;
  constexpr uint32_t kLarge = 65536;
  const PageNo lock_page = LockPage(kLarge);
  const std::string last = TestPage(kLarge, lock_page + 1, 1);
  {
    TestTransaction transaction(store, "a", kLarge);
    transaction.Write(lock_page, last).Write(lock_page + 1, last);
    ASSERT_OK(transaction.Commit());
  }
  const auto state = store.State("a");
  EXPECT_EQ(state->head.snapshot.page_count, lock_page + 1);
  const std::string empty(kLarge, '\0');
  uint64_t digest = PageHash(lock_page + 1, last);
  for (PageNo pgno = 1; pgno < lock_page; ++pgno) {
    digest += PageHash(pgno, empty);
  }
  EXPECT_EQ(state->head.digest, digest);
  EXPECT_EQ(store.Scan(BranchPartition(state->head.snapshot.branch)).size(),
            lock_page);
  BranchReader reader(store->engine());
  reader.SetSnapshot(state->head.snapshot, state->lineage);
  std::string page(kLarge, 'x');
  ASSERT_OK(reader.ReadPage(lock_page, page.data()));
  EXPECT_TRUE(page == std::string(kLarge, '\0'));
  {
    TestTransaction transaction(store, "a", kLarge);
    ASSERT_OK(transaction->Truncate(lock_page - 2));
    ASSERT_OK(transaction.Commit());
  }
  digest -= PageHash(lock_page + 1, last);
  digest -= PageHash(lock_page - 1, empty);
  EXPECT_EQ(store.State("a")->head.digest, digest);
}

}  // namespace
}  // namespace actorkv
