// Flatten: a chain of staged transactions becomes short, and nothing that is
// read changes, wherever it is interrupted.

#include "kv/reclaim/flatten.h"

#include <gtest/gtest.h>

#include "kv/format/keys.h"
#include "kv/pages/commit.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

constexpr uint32_t kSize = kMinPageSize;
constexpr PageNo kPages = 200;

struct Seen {
  std::shared_ptr<const HeadState> state;
  std::vector<std::string> pages;
};

// Transactions that each stage a few pages, with shrinking and growth in
// between, and two plain ones on the last branch.
void MakeChain(const TestStore& store, size_t depth, std::vector<Seen>* seen) {
  for (uint32_t i = 1; i <= depth + 2; ++i) {
    {
      TestTransaction transaction(store, "a");
      if (i == 1) {
        for (PageNo pgno = 1; pgno <= kPages; ++pgno) {
          transaction.Write(pgno, TestPage(kSize, pgno, 1));
        }
      }
      if (i % 4 == 3) {
        ASSERT_OK(transaction->Truncate(kPages - 20));
      }
      if (i % 4 == 0) {
        transaction.Write(kPages, TestPage(kSize, kPages, i));
      }
      for (PageNo pgno = i; pgno < kPages; pgno += 13) {
        transaction.Write(pgno, TestPage(kSize, pgno, i));
      }
      if (i <= depth) {
        ASSERT_OK(transaction->Stage());
      }
      ASSERT_OK(transaction.Commit(i));
    }
    seen->push_back({store.State("a"), ReadAll(store, "a")});
  }
}

void ExpectUnchanged(const TestStore& store, const std::vector<Seen>& seen) {
  for (const Seen& s : seen) {
    SCOPED_TRACE(s.state->head.snapshot.txid.value);
    // By the lineage of then, and by that of now.
    EXPECT_TRUE(ReadAll(store->engine(), s.state->head.snapshot,
                        s.state->lineage) == s.pages);
    std::shared_ptr<const Lineage> lineage;
    ASSERT_OK(LoadLineage(store->engine()->NewReader().get(),
                          s.state->entry.actor, s.state->head.snapshot.branch,
                          &lineage));
    EXPECT_TRUE(ReadAll(store->engine(), s.state->head.snapshot, lineage) ==
                s.pages);
  }
  ExpectPages(store, "a", seen.back().pages);
}

void FlattenAndCheck(const TestStore& store) {
  const auto actor = store.Open("a");
  std::vector<Seen> seen;
  MakeChain(store, kMaxLineageDepth + 3, &seen);
  EXPECT_GT(store.State("a")->lineage->size(), kMaxLineageDepth);
  store.Maintain();
  EXPECT_EQ(store.State("a")->lineage->size(), 2u);
  ExpectUnchanged(store, seen);
  {
    TestTransaction transaction(store, "a");
    transaction.Write(7, TestPage(kSize, 7, 99));
    ASSERT_OK(transaction.Commit(99));
  }
  seen.push_back({store.State("a"), ReadAll(store, "a")});
  ExpectUnchanged(store, seen);
}

TEST(FlattenTest, ContentStaysOnMemory) {
  TestStore store;
  FlattenAndCheck(store);
  store.Reopen();
  EXPECT_EQ(store.State("a")->lineage->size(), 2u);
}

TEST(FlattenTest, ContentStaysOnRocksDb) {
  const TempDir dir;
  TestStore store(RocksDbSource(dir.File("store")));
  FlattenAndCheck(store);
  store.Reopen();
  EXPECT_EQ(store.State("a")->lineage->size(), 2u);
}

TEST(FlattenTest, ContentStaysOnSmallBatches) {
  TestStore store(MemorySource(), SmallBatches(4096));
  FlattenAndCheck(store);
}

TEST(FlattenTest, ContentStaysOnASinglePartitionEngine) {
  TestStore store(MemorySource(), SinglePartition());
  FlattenAndCheck(store);
}

TEST(FlattenTest, AShortLineageIsLeftAlone) {
  TestStore store;
  std::vector<Seen> seen;
  const auto actor = store.Open("a");
  MakeChain(store, 4, &seen);
  const size_t depth = store.State("a")->lineage->size();
  store.plan()->Reset();
  ASSERT_OK(Flatten(store.get(), actor.get()));
  EXPECT_EQ(store.plan()->commit_count(), 0u);
  EXPECT_EQ(store.State("a")->lineage->size(), depth);
  ASSERT_OK(Flatten(store.get(), store.Open("nobody").get()));
}

// What many large transactions cost: a lineage that stays short, and a page
// that is copied about as often as the database doubles, not once for every
// kMaxLineageDepth transactions.
TEST(FlattenTest, CopyingStaysInProportion) {
  constexpr PageNo kPagesEach = 20;
  constexpr uint32_t kCommits = 200;
  TestStore store;
  const auto actor = store.Open("a");
  for (uint32_t i = 0; i < kCommits; ++i) {
    {
      TestTransaction transaction(store, "a");
      for (PageNo pgno = 1; pgno <= kPagesEach; ++pgno) {
        transaction.Write(i * kPagesEach + pgno, TestPage(kSize, pgno, i));
      }
      ASSERT_OK(transaction->Stage());
      ASSERT_OK(transaction.Commit(i + 1));
    }
    ASSERT_OK(Flatten(store.get(), actor.get()));
    EXPECT_LE(store.State("a")->lineage->size(), kMaxLineageDepth + 4);
  }
  uint64_t chunks = 0;
  for (const BranchPoint& point : *store.State("a")->lineage) {
    std::vector<KeyValue> pairs;
    ASSERT_OK(store->engine()->NewReader()->Scan(BranchPartition(point.branch),
                                                 "", 1'000'000, &pairs));
    chunks += pairs.size();
  }
  EXPECT_LE(chunks, uint64_t{2} * kCommits * kPagesEach) << "in the lineage";
  EXPECT_EQ(ReadAll(store, "a").size(), size_t{kCommits} * kPagesEach);
}

TEST(FlattenTest, InterruptedAtEachEngineCommitAndResumed) {
  for (auto fault : {CommitFault::kFailed, CommitFault::kUnknownLanded,
                     CommitFault::kUnknownLost, CommitFault::kConflict}) {
    for (uint64_t nth = 1;; ++nth) {
      TestStore store(MemorySource(), SmallBatches(8192));
      std::vector<Seen> seen;
      auto actor = store.Open("a");
      MakeChain(store, kMaxLineageDepth + 1, &seen);
      store.plan()->Reset();
      store.plan()->FailCommit(nth, fault);
      const Status s = Flatten(store.get(), actor.get());
      if (store.plan()->fired_count() == 0) {
        EXPECT_OK(s);
        EXPECT_GT(nth, 3u);
        break;
      }
      EXPECT_TRUE(IsError(s, s.code(), "flattening actor=a: injected"));
      ExpectUnchanged(store, seen);
      actor.reset();
      store.Reopen();
      ExpectUnchanged(store, seen);
      ASSERT_OK(Flatten(store.get(), store.Open("a").get()));
      EXPECT_EQ(store.State("a")->lineage->size(), 2u);
      ExpectUnchanged(store, seen);
    }
  }
}

TEST(FlattenTest, ADamagedPageIsReportedAndNotCopied) {
  TestStore store;
  std::vector<Seen> seen;
  const auto actor = store.Open("a");
  MakeChain(store, kMaxLineageDepth + 1, &seen);
  const BranchPoint middle = (*store.State("a")->lineage)[3];
  for (const KeyValue& pair : store.Scan(BranchPartition(middle.branch))) {
    std::string value = pair.value;
    value.back() ^= 1;
    Batch batch;
    batch.Put(BranchPartition(middle.branch), pair.key, value);
    ASSERT_TRUE(store->Commit(batch, Durability::kBuffered).done());
  }
  EXPECT_TRUE(IsError(Flatten(store.get(), actor.get()), Code::kCorruption,
                      "checksum mismatch"));
  EXPECT_GT(store.State("a")->lineage->size(), kMaxLineageDepth);
}

TEST(FlattenTest, CommitsGoOnMeanwhile) {
  TestStore store;
  std::vector<Seen> seen;
  const auto actor = store.Open("a");
  MakeChain(store, kMaxLineageDepth + 1, &seen);
  {
    // Begun on the long lineage, committed on the short one.
    TestTransaction transaction(store, "a");
    transaction.Write(9, TestPage(kSize, 9, 77));
    ASSERT_OK(Flatten(store.get(), actor.get()));
    ASSERT_OK(transaction.Commit(100));
  }
  seen.push_back({store.State("a"), ReadAll(store, "a")});
  ExpectUnchanged(store, seen);
  store.Maintain();  // the long lineage came back with the commit
  EXPECT_EQ(store.State("a")->lineage->size(), 2u);
  ExpectUnchanged(store, seen);
}

}  // namespace
}  // namespace actorkv
