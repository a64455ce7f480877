// BranchWriter, transactions that fit into memory: growth, shrinking, stamps,
// page sizes, and what is not stored. stage_test.cc has the large ones.

#include "kv/pages/branch_writer.h"

#include <gtest/gtest.h>

#include "kv/base/invariant.h"
#include "kv/cache/page_cache.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

constexpr uint32_t kSize = kMinPageSize;

std::string Zeros() { return std::string(kSize, '\0'); }
std::string P(PageNo pgno, uint32_t version) {
  return TestPage(kSize, pgno, version);
}

class BranchWriterTest : public testing::Test {
 protected:
  // An actor with pages 1..count, version 1.
  std::vector<std::string> Make(PageNo count,
                                std::optional<uint32_t> stamp = std::nullopt) {
    TestTransaction transaction(store_, "a");
    std::vector<std::string> pages = TestPages(kSize, count, 1);
    for (PageNo pgno = 1; pgno <= count; ++pgno) {
      transaction.Write(pgno, pages[pgno - 1]);
    }
    EXPECT_OK(transaction.Commit(stamp));
    if (stamp.has_value()) ApplyStamp(*stamp, pages[0].data());
    return pages;
  }

  // Writes page 7, past the end of an actor with these pages: those between
  // become zeros.
  void GrowToPage7(std::vector<std::string> pages) {
    TestTransaction transaction(store_, "a");
    transaction.Write(7, P(7, 2));
    ASSERT_OK(transaction.Commit());
    pages.resize(6, Zeros());
    pages.push_back(P(7, 2));
    ExpectPages(store_, "a", pages);
  }

  size_t ChunkCount() {
    return store_.Scan(BranchPartition(store_.State("a")->head.snapshot.branch))
        .size();
  }

  TestStore store_;
};

// Invariant 3 of kv/pages/chunk_maker.h.
TEST_F(BranchWriterTest, EachOldPageIsLookedForOnce) {
  const auto looks = [] { return PageCache::Instance()->counts().looks; };
  constexpr uint32_t kDeltaSize = 4096;
  std::vector<std::string> pages = TestPages(kDeltaSize, 5, 1);
  {
    TestTransaction first(store_, "d", kDeltaSize);
    for (PageNo pgno = 1; pgno <= 5; ++pgno) first.Write(pgno, pages[pgno - 1]);
    ASSERT_OK(first.Commit(1));
  }
  TestTransaction transaction(store_, "d", kDeltaSize);
  pages[1][100] ^= 1;                             // a delta
  pages[2] = TestPage(kDeltaSize, 3, 2);          // whole
  const std::vector<PageNo> written = {2, 3, 4};  // page 4 is the base's
  for (const PageNo pgno : written) transaction.Write(pgno, pages[pgno - 1]);
  const uint64_t before = looks();
  store_.plan()->Reset();
  ASSERT_OK(transaction.Commit(2));
  EXPECT_EQ(looks() - before, written.size() + 1) << "and page 1";
  EXPECT_EQ(store_.plan()->read_count(), 0U) << "all was in the cache";
  ApplyStamp(2, pages[0].data());
  ExpectPages(store_, "d", pages);
}

TEST_F(BranchWriterTest, FirstCommitMakesTheActor) {
  EXPECT_FALSE(store_.State("a")->exists);
  const auto pages = Make(3);
  const auto state = store_.State("a");
  EXPECT_TRUE(state->exists);
  EXPECT_EQ(state->head.generation.value, 1u);
  EXPECT_EQ(state->head.snapshot.txid.value, 1u);
  EXPECT_EQ(state->head.snapshot.page_count, 3u);
  EXPECT_EQ(state->head.snapshot.page_size, kSize);
  ExpectPages(store_, "a", pages);
  store_.Reopen();
  ExpectPages(store_, "a", pages);
}

TEST_F(BranchWriterTest, ATransactionReadsWhatItWrote) {
  auto pages = Make(3);
  TestTransaction transaction(store_, "a");
  transaction.Write(2, P(2, 2)).Write(5, P(5, 2));
  std::string page(kSize, 'x');
  const std::string expected[] = {pages[0], P(2, 2), pages[2], Zeros(),
                                  P(5, 2)};
  EXPECT_EQ(transaction->page_count(), 5u);
  for (PageNo pgno = 1; pgno <= 5; ++pgno) {
    ASSERT_OK(transaction->ReadPage(pgno, page.data()));
    EXPECT_EQ(page, expected[pgno - 1]) << pgno;
  }
  ExpectPages(store_, "a", pages);  // nobody else sees it
}

TEST_F(BranchWriterTest, ADroppedTransactionLeavesNothing) {
  const auto pages = Make(3);
  TestTransaction(store_, "a").Write(1, P(1, 2)).Write(9, P(9, 2));
  ExpectPages(store_, "a", pages);
  EXPECT_EQ(ChunkCount(), 3u);
}

TEST_F(BranchWriterTest, GrowthFillsWithZeros) {
  const auto pages = Make(2);
  GrowToPage7(pages);
  EXPECT_EQ(ChunkCount(), 2u + 5u) << "each page of the growth has a version";
}

TEST_F(BranchWriterTest, TheCommitMayGrowAndShrinkByItsPageCount) {
  auto pages = Make(4);
  for (uint32_t page_count : {6u, 3u, 9u, 1u}) {
    TestTransaction transaction(store_, "a");
    auto pending = transaction.Pending();
    pending.spec.page_count = page_count;
    std::vector<PendingCommit> commits = {pending};
    ASSERT_OK(CommitAll(store_.get(), Durability::kSynced, &commits));
    pages.resize(page_count, Zeros());
    ExpectPages(store_, "a", pages);
  }
}

TEST_F(BranchWriterTest, ShrinkThenGrowthShowsZerosNotOldPages) {
  auto pages = Make(8);
  {
    TestTransaction transaction(store_, "a");
    ASSERT_OK(transaction->Truncate(3));
    ASSERT_OK(transaction.Commit());
  }
  pages.resize(3);
  ExpectPages(store_, "a", pages);
  GrowToPage7(pages);
}

TEST_F(BranchWriterTest, TruncateAndRegrowInOneTransaction) {
  auto pages = Make(8);
  TestTransaction transaction(store_, "a");
  transaction.Write(5, P(5, 2));
  ASSERT_OK(transaction->Truncate(2));
  transaction.Write(6, P(6, 1));  // the same as before the cut
  std::string page(kSize, 'x');
  ASSERT_OK(transaction->ReadPage(5, page.data()));
  EXPECT_EQ(page, Zeros());
  ASSERT_OK(transaction.Commit());
  pages = {P(1, 1), P(2, 1), Zeros(), Zeros(), Zeros(), P(6, 1)};
  ExpectPages(store_, "a", pages);
}

TEST_F(BranchWriterTest, DownToNothingAndUpAgain) {
  Make(4, 7);
  {
    TestTransaction transaction(store_, "a");
    ASSERT_OK(transaction->Truncate(0));
    ASSERT_OK(transaction.Commit());
  }
  ExpectPages(store_, "a", {});
  EXPECT_EQ(store_.State("a")->head.digest, 0u);
  EXPECT_EQ(store_.State("a")->head.snapshot.page_size, 0u);
  TestTransaction transaction(store_, "a", 1024);
  transaction.Write(2, TestPage(1024, 2, 2));
  ASSERT_OK(transaction.Commit());
  ExpectPages(store_, "a", {std::string(1024, '\0'), TestPage(1024, 2, 2)});
}

TEST_F(BranchWriterTest, UnchangedPagesStoreNothing) {
  const auto pages = Make(4);
  TestTransaction transaction(store_, "a");
  for (PageNo pgno = 1; pgno <= 4; ++pgno) {
    transaction.Write(pgno, pages[pgno - 1]);
  }
  bool differs = true;
  ASSERT_OK(transaction->Differs(&differs));
  EXPECT_FALSE(differs);
  ASSERT_OK(transaction.Commit());
  EXPECT_EQ(ChunkCount(), 4u);
  ExpectPages(store_, "a", pages);
}

TEST_F(BranchWriterTest, DiffersSeesEachKindOfDifference) {
  Make(4);
  bool differs = false;
  const std::function<void(TestTransaction&)> changes[] = {
      [](TestTransaction& t) { t.Write(1, P(1, 2)); },
      [](TestTransaction& t) { t.Write(4, Zeros()); },
      [](TestTransaction& t) { t.Write(5, Zeros()); },
      [](TestTransaction& t) { EXPECT_OK(t->Truncate(3)); },
      [](TestTransaction& t) {
        EXPECT_OK(t->Truncate(3));
        t.Write(4, P(4, 2));
      },
      [](TestTransaction& t) {  // in the stage, no longer in memory
        t.Write(2, P(2, 2));
        EXPECT_OK(t->Stage());
        EXPECT_EQ(t->memory_bytes(), 0u);
      }};
  for (const auto& change : changes) {
    TestTransaction transaction(store_, "a");
    ASSERT_OK(transaction->Differs(&differs));
    EXPECT_FALSE(differs);
    change(transaction);
    ASSERT_OK(transaction->Differs(&differs));
    EXPECT_TRUE(differs);
  }
}

TEST_F(BranchWriterTest, AStampAloneStoresNoChunk) {
  auto pages = Make(3, 5);
  ExpectPages(store_, "a", pages);
  TestTransaction transaction(store_, "a");
  transaction.Write(1, pages[0]);
  ASSERT_OK(transaction.Commit(6));
  EXPECT_EQ(ChunkCount(), 3u);
  ApplyStamp(6, pages[0].data());
  ExpectPages(store_, "a", pages);
  store_.Reopen();
  ExpectPages(store_, "a", pages);
}

TEST_F(BranchWriterTest, AStampThatComesAndGoes) {
  auto pages = Make(3);
  std::optional<uint32_t> stamps[] = {5, 6, std::nullopt, 7,
                                      7, 8, std::nullopt, std::nullopt};
  for (const auto& stamp : stamps) {
    TestTransaction transaction(store_, "a");
    ASSERT_OK(transaction.Commit(stamp));
    if (stamp.has_value()) ApplyStamp(*stamp, pages[0].data());
    ExpectPages(store_, "a", pages);
    EXPECT_EQ(store_.State("a")->head.snapshot.stamp, stamp);
  }
}

TEST_F(BranchWriterTest, AnotherPageSizeRewritesEverything) {
  Make(5, 3);
  const auto old_state = store_.State("a");
  const auto old_pages = ReadAll(store_, "a");
  TestTransaction transaction(store_, "a", 2048);
  EXPECT_EQ(transaction->page_count(), 0u);
  transaction.Write(1, TestPage(2048, 1, 2)).Write(3, TestPage(2048, 3, 2));
  bool differs = false;
  ASSERT_OK(transaction->Differs(&differs));
  EXPECT_TRUE(differs);
  ASSERT_OK(transaction.Commit(4));
  std::vector<std::string> pages = {
      TestPage(2048, 1, 2), std::string(2048, '\0'), TestPage(2048, 3, 2)};
  ApplyStamp(4, pages[0].data());
  ExpectPages(store_, "a", pages);
  EXPECT_TRUE(ReadAll(store_->engine(), old_state->head.snapshot,
                      old_state->lineage) == old_pages);
}

TEST_F(BranchWriterTest, TheCommitRecordSaysWhatWasDone) {
  Make(4, 5);
  TestTransaction transaction(store_, "a");
  transaction.Write(2, P(2, 2)).Write(3, P(3, 2));
  auto pending = transaction.Pending(6);
  pending.spec.origin = Origin::kImport;
  std::vector<PendingCommit> commits = {pending};
  ASSERT_OK(CommitAll(store_.get(), Durability::kSynced, &commits));
  const auto state = store_.State("a");
  const std::string key =
      CommitKey(state->head.snapshot.branch, state->head.snapshot.txid);
  std::optional<CommitRecord> record;
  ASSERT_OK(GetRecord(store_->engine()->NewReader().get(),
                      ActorPartition(state->entry.actor), key, &record));
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->snapshot, state->head.snapshot);
  EXPECT_EQ(record->snapshot.stamp, std::optional<uint32_t>(6));
  EXPECT_EQ(record->digest, state->head.digest);
  EXPECT_EQ(record->commit_id, state->head.commit_id);
  EXPECT_EQ(record->committed_at_us, state->head.committed_at_us);
  EXPECT_EQ(record->changed_page_count, 2u);
  EXPECT_EQ(record->written_bytes, 2 * (kChunkHeaderBytes + kSize));
  EXPECT_EQ(record->origin, Origin::kImport);
}

TEST_F(BranchWriterTest, OldSnapshotsStay) {
  std::vector<
      std::pair<std::shared_ptr<const HeadState>, std::vector<std::string>>>
      seen;
  Make(6, 1);
  for (uint32_t i = 2; i < 12; ++i) {
    seen.emplace_back(store_.State("a"), ReadAll(store_, "a"));
    TestTransaction transaction(store_, "a");
    if (i % 4 == 0) {
      ASSERT_OK(transaction->Truncate(i % 5 + 1));
    }
    transaction.Write(i % 7 + 1, P(i % 7 + 1, i));
    ASSERT_OK(transaction.Commit(i));
  }
  for (const auto& [state, pages] : seen) {
    EXPECT_TRUE(ReadAll(store_->engine(), state->head.snapshot,
                        state->lineage) == pages);
  }
}

TEST_F(BranchWriterTest, AReadErrorFailsTheCommitAndChangesNothing) {
  const auto pages = Make(4, 5);
  for (uint64_t nth = 1;; ++nth) {
    TestTransaction transaction(store_, "a");
    transaction.Write(2, P(2, 2));
    ASSERT_OK(transaction->Truncate(3));
    PageCache::Instance()->DropStore(store_->cache_id());
    store_.plan()->Reset();
    store_.plan()->FailRead(nth, Status::IOError("bad sector"));
    const Status s = transaction.Commit(6);
    // Checks of invariants read last, and do not judge what they cannot read.
    const bool is_check = kChecksInvariants && s.ok();
    if (store_.plan()->fired_count() == 0 || is_check) {
      EXPECT_OK(s);
      EXPECT_GT(nth, 2u);
      break;
    }
    EXPECT_TRUE(IsError(s, Code::kIOError, "bad sector"));
    ExpectPages(store_, "a", pages);
  }
}

}  // namespace
}  // namespace actorkv
