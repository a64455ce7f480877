// Commits whose page list is not of the pages that they store, and databases
// that grow by pages that are not there.

#include "kv/pages/page_list_check.h"

#include <gtest/gtest.h>

#include "kv/format/page_list.h"
#include "tests/support/prepared_commit.h"

namespace actorkv {
namespace {

constexpr uint32_t kSize = kMinPageSize;
constexpr char kOtherPages[] =
    "the page list names other pages than are "
    "stored: ";
constexpr char kGrowth[] = "the database grew by a page that is not stored: ";

std::string P(PageNo pgno, uint32_t version) {
  return TestPage(kSize, pgno, version);
}

std::string At(const PreparedCommit& commit, PageNo pgno) {
  return ChunkName({commit.snapshot().branch, pgno, commit.snapshot().txid});
}

class PageListCheckTest : public testing::Test {
 protected:
  void SetUp() override {
    TestTransaction transaction(store_, "a", kSize);
    transaction.Write(1, P(1, 1)).Write(2, P(2, 1)).Write(3, P(3, 1));
    ASSERT_OK(transaction.Commit(4));
  }

  // Changes page 2, and grows by pages 4 and 5.
  PreparedCommit Growth(bool stage) {
    TestTransaction transaction(store_, "a", kSize);
    transaction.Write(2, P(2, 2)).Write(5, P(5, 2));
    if (stage) {
      EXPECT_OK(transaction->Stage());
    }
    PreparedCommit commit = Prepare(transaction);
    // The check is of a stage that is there.
    transaction->Detach(/*committed=*/false);
    return commit;
  }

  std::string Breach(const PreparedCommit& commit) {
    return BreachInPageList(store_->engine(), *commit.state, commit.batch);
  }

  static void DropChunk(PageNo pgno, PreparedCommit* commit) {
    commit->batch = With(commit->batch, commit->branch(),
                         ChunkKey(pgno, commit->snapshot().txid), std::nullopt);
  }

  static void SetList(std::vector<PageNo> pages, PreparedCommit* commit) {
    const Snapshot snapshot = commit->snapshot();
    const Partition partition = ActorPartition(commit->state->entry.actor);
    const std::string key = CommitKey(snapshot.branch, snapshot.txid);
    CommitRecord record;
    for (size_t i = 0; i < commit->batch.op_count(); ++i) {
      const Batch::Op op = commit->batch.op(i);
      if (op.key != key) continue;
      ASSERT_OK(DecodeRecord(key, *op.value, &record));
    }
    record.page_list = EncodePageList(std::move(pages));
    commit->batch =
        With(commit->batch, partition, key, EncodeRecord(key, record));
  }

  TestStore store_;
};

TEST_F(PageListCheckTest, ACommitBreaksNothing) {
  EXPECT_EQ(Breach(Growth(/*stage=*/false)), "");
  EXPECT_EQ(Breach(Growth(/*stage=*/true)), "");
}

TEST_F(PageListCheckTest, AListedPageThatIsNotStored) {
  PreparedCommit commit = Growth(/*stage=*/false);
  DropChunk(2, &commit);
  EXPECT_EQ(Breach(commit), kOtherPages + At(commit, 2));
}

TEST_F(PageListCheckTest, AStoredPageThatIsNotListed) {
  PreparedCommit commit = Growth(/*stage=*/false);
  SetList({2, 4}, &commit);
  EXPECT_EQ(Breach(commit), kOtherPages + At(commit, 5));
  SetList({4, 5}, &commit);
  EXPECT_EQ(Breach(commit), kOtherPages + At(commit, 2));
}

TEST_F(PageListCheckTest, GrowthWithoutAPage) {
  PreparedCommit commit = Growth(/*stage=*/false);
  DropChunk(4, &commit);
  SetList({2, 5}, &commit);
  EXPECT_EQ(Breach(commit), kGrowth + At(commit, 4));
}

TEST_F(PageListCheckTest, AStageThatLacksAPage) {
  const PreparedCommit commit = Growth(/*stage=*/true);
  const TxId txid = commit.snapshot().txid;
  for (const PageNo pgno : {PageNo{2}, PageNo{5}}) {
    Batch removal;
    removal.Delete(commit.branch(), ChunkKey(pgno, txid));
    ASSERT_OK(store_->Commit(removal, Durability::kBuffered).status);
    EXPECT_EQ(Breach(commit),
              (pgno == 2 ? kOtherPages : kGrowth) + At(commit, pgno));
  }
}

TEST_F(PageListCheckTest, ANewActorHasEveryPage) {
  TestTransaction transaction(store_, "b", kSize);
  transaction.Write(1, P(1, 1)).Write(2, P(2, 1));
  PreparedCommit commit = Prepare(transaction);
  EXPECT_EQ(Breach(commit), "");
  DropChunk(1, &commit);
  EXPECT_EQ(Breach(commit), kGrowth + At(commit, 1));
}

TEST_F(PageListCheckTest, ACommitWithoutARecord) {
  PreparedCommit commit = Growth(/*stage=*/false);
  const Snapshot snapshot = commit.snapshot();
  commit.batch = With(commit.batch, ActorPartition(commit.state->entry.actor),
                      CommitKey(snapshot.branch, snapshot.txid), std::nullopt);
  EXPECT_EQ(Breach(commit),
            "the records of a commit cannot be read: no commit record: " +
                At(commit, 0));
}

}  // namespace
}  // namespace actorkv
