// Commits that break an invariant, and what the checks say of them.

#include "kv/pages/commit_checks.h"

#include <gtest/gtest.h>

#include "kv/format/keys.h"
#include "tests/support/prepared_commit.h"

namespace actorkv {
namespace {

constexpr uint32_t kSize = kMinDeltaPageSize;
constexpr PageNo kCount = 4;

std::string P(PageNo pgno, uint32_t version) {
  return TestPage(kSize, pgno, version);
}

std::string Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos ? part : text;
}

class CommitChecksTest : public testing::Test {
 protected:
  void SetUp() override {
    TestTransaction transaction(store_, "a", kSize);
    for (PageNo pgno = 1; pgno <= kCount; ++pgno) {
      transaction.Write(pgno, P(pgno, 1));
    }
    ASSERT_OK(transaction.Commit(4));
    head_ = store_.State("a")->head.snapshot;
  }

  // Changes page 2 a little.
  PreparedCommit Delta() {
    TestTransaction transaction(store_, "a", kSize);
    std::string page = P(2, 1);
    page[100] = 'x';
    transaction.Write(2, page);
    return Prepare(transaction);
  }

  void Remove(PageNo pgno) {
    Batch batch;
    batch.Delete(BranchPartition(head_.branch), ChunkKey(pgno, head_.txid));
    ASSERT_OK(store_->Commit(batch, Durability::kBuffered).status);
  }

  std::string InDeltas(const Batch& batch) {
    return BreachInDeltas(store_->engine(), batch);
  }
  std::string InDigest(const PreparedCommit& commit) {
    return BreachInDigest(store_->engine(), *commit.state, commit.batch);
  }

  TestStore store_;
  Snapshot head_;
};

TEST_F(CommitChecksTest, ACommitBreaksNothing) {
  const PreparedCommit delta = Delta();
  EXPECT_EQ(BreachInCommit(store_->engine(), "a", *delta.state, delta.batch),
            "");
  TestTransaction large(store_, "b", kSize);
  large.Write(1, P(1, 1)).Write(9, P(9, 1));
  ASSERT_OK(large->Stage());
  ASSERT_OK(large->Truncate(7));
  const PreparedCommit staged = Prepare(large);
  EXPECT_EQ(BreachInCommit(store_->engine(), "b", *staged.state, staged.batch),
            "");
}

TEST_F(CommitChecksTest, TheActorIsTold) {
  PreparedCommit commit = Delta();
  commit.batch.Put(commit.branch(), ChunkKey(3, commit.snapshot().txid), "x");
  EXPECT_EQ(BreachInCommit(store_->engine(), "a", *commit.state, commit.batch)
                .substr(0, 9),
            "actor=a: ");
}

TEST_F(CommitChecksTest, ACommitThatIsRefusedIsNotJudged) {
  PreparedCommit commit = Delta();
  HeadState other = *commit.state;
  ++other.head.digest;
  Engine* const engine = store_->engine();
  EXPECT_NE(BreachInCommit(engine, "a", other, commit.batch), "");
  TestTransaction transaction(store_, "a", kSize);
  transaction.Write(2, P(2, 7));
  ASSERT_OK(transaction.Commit(5));
  EXPECT_EQ(BreachInCommit(engine, "a", other, commit.batch), "");
}

TEST_F(CommitChecksTest, AChunkThatCannotBeRead) {
  PreparedCommit commit = Delta();
  EXPECT_EQ(InDeltas(commit.batch), "");
  commit.batch.Put(commit.branch(), ChunkKey(3, commit.snapshot().txid), "x");
  const std::string expected = "a chunk that is stored cannot be read";
  EXPECT_EQ(Has(InDeltas(commit.batch), expected), expected);
}

TEST_F(CommitChecksTest, ADeltaWithoutItsBase) {
  PreparedCommit commit = Delta();
  const std::string base_key = ChunkKey(2, head_.txid);
  std::optional<std::string> base;
  for (const KeyValue& pair : store_.Scan(commit.branch())) {
    if (pair.key == base_key) base = pair.value;
  }
  Remove(2);
  EXPECT_EQ(InDeltas(commit.batch),
            "the base, txid=" + std::to_string(head_.txid.value) +
                ", of a delta is missing: " +
                ChunkName({head_.branch, 2, commit.snapshot().txid}));
  // It may come with the commit.
  commit.batch.Put(commit.branch(), base_key, base.value());
  EXPECT_EQ(InDeltas(commit.batch), "");
}

TEST_F(CommitChecksTest, ADeltaOnADelta) {
  PreparedCommit commit = Delta();
  StoredForm form;
  form.base = TxId{head_.txid.value - 1};
  form.changed.Add(1);
  const ChunkId id{head_.branch, 2, head_.txid};
  const std::string page = P(2, 1);
  Batch batch;
  batch.Put(commit.branch(), ChunkKey(2, head_.txid),
            EncodeDeltaChunk(id, EncodeDelta(form, page), PageHash(2, page)));
  ASSERT_OK(store_->Commit(batch, Durability::kBuffered).status);
  EXPECT_EQ(Has(InDeltas(commit.batch), "of a delta is a delta: "),
            "of a delta is a delta: ");
}

TEST_F(CommitChecksTest, ADigestThatIsNotThatOfThePages) {
  PreparedCommit commit = Delta();
  EXPECT_EQ(InDigest(commit), "");
  HeadState other = *commit.state;
  ++other.head.digest;
  commit.state = std::make_shared<const HeadState>(other);
  EXPECT_EQ(InDigest(commit),
            "the digest of the head is not that of its pages: " +
                ChunkName({head_.branch, 0, commit.snapshot().txid}));
}

TEST_F(CommitChecksTest, APageThatIsAnotherThanTheDigestCounts) {
  PreparedCommit commit = Delta();
  const ChunkId id{head_.branch, 2, commit.snapshot().txid};
  const std::string page = P(2, 9);
  commit.batch = With(commit.batch, commit.branch(), ChunkKey(2, id.txid),
                      EncodeChunk(id, page, PageHash(2, page)));
  EXPECT_NE(InDigest(commit), "");
}

TEST_F(CommitChecksTest, AStampThatIsNotCounted) {
  PreparedCommit commit = Delta();
  HeadState other = *commit.state;
  other.head.snapshot.stamp = 77;
  commit.state = std::make_shared<const HeadState>(other);
  EXPECT_NE(InDigest(commit), "");
}

TEST_F(CommitChecksTest, ADamagedStoreIsNotTheCommits) {
  PreparedCommit commit = Delta();
  Remove(4);
  EXPECT_EQ(InDigest(commit), "");
}

}  // namespace
}  // namespace actorkv
