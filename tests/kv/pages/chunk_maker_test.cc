// ChunkMaker: what of a page goes into a batch or a stage, and that the digest
// follows every way that a page can go.

#include "kv/pages/chunk_maker.h"

#include <gtest/gtest.h>

#include "kv/format/keys.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

constexpr uint32_t kSize = 1024;  // the smallest that has deltas
constexpr PageNo kCount = 4;

std::string P(PageNo pgno, uint32_t version) {
  return TestPage(kSize, pgno, version);
}

class ChunkMakerTest : public testing::Test {
 protected:
  void SetUp() override {
    TestTransaction transaction(store_, "a", kSize);
    for (PageNo pgno = 1; pgno <= kCount; ++pgno) {
      transaction.Write(pgno, pages_[pgno - 1]);
    }
    ASSERT_OK(transaction.Commit(kStamp));
    ApplyStamp(kStamp, pages_[0].data());
    Begin();
  }

  // A transaction on the head.
  void Begin() {
    head_ = store_.State("a");
    chunks_.reset();
    base_ = std::make_unique<BasePages>(store_->engine(), head_, kSize);
    branch_ = std::make_unique<NewBranch>(store_.get(), kSize);
    chunks_ = std::make_unique<ChunkMaker>(base_.get(), branch_.get());
    batch_.Clear();
    chunks_->BeginCommit(head_->head.snapshot.branch, kTxId);
  }

  // The same, with a stage.
  void BeginStaged() {
    Begin();
    Batch batch;
    branch_->Create(BranchId{store_->NewId(&batch)});
    ASSERT_OK(branch_->BeginStage(head_->entry.actor, kTxId, &batch));
    chunks_->BeginCommit(branch_->id(), kTxId);
  }

  // The form in which the batch has the page; nullopt: not at all.
  std::optional<Codec> Form(PageNo pgno) const {
    for (size_t i = 0; i < batch_.op_count(); ++i) {
      const Batch::Op op = batch_.op(i);
      PageNo found = 0;
      TxId txid;
      EXPECT_OK(ParseChunkKey(op.key, &found, &txid));
      EXPECT_EQ(txid, kTxId);
      if (found != pgno) continue;
      DecodedChunk chunk;
      EXPECT_OK(
          DecodeChunk({{op.partition.id}, pgno, txid}, *op.value, &chunk));
      return chunk.codec;
    }
    return std::nullopt;
  }

  static constexpr uint32_t kStamp = 7;
  static constexpr TxId kTxId = {9};

  TestStore store_;
  std::vector<std::string> pages_ = TestPages(kSize, kCount, 1);
  std::shared_ptr<const HeadState> head_;
  std::unique_ptr<BasePages> base_;
  std::unique_ptr<NewBranch> branch_;
  std::unique_ptr<ChunkMaker> chunks_;
  Batch batch_;
};

TEST_F(ChunkMakerTest, WhatIsTheBasesIsNotStored) {
  ASSERT_OK(chunks_->Put(2, pages_[1], &batch_));
  EXPECT_TRUE(batch_.empty());
  EXPECT_TRUE(chunks_->changed_pages().empty());
  EXPECT_EQ(chunks_->digest(), DigestOf(pages_));
}

TEST_F(ChunkMakerTest, WhatWasCutIsStoredWholeThoughItIsTheSame) {
  base_->Cut(2);
  ASSERT_OK(chunks_->Put(3, pages_[2], &batch_));
  EXPECT_NE(Form(3), std::nullopt);
  EXPECT_NE(Form(3), Codec::kDelta);
  EXPECT_EQ(chunks_->changed_pages(), std::vector<PageNo>{3});
  EXPECT_EQ(chunks_->digest(), DigestOf(pages_));
}

TEST_F(ChunkMakerTest, ASmallChangeIsADeltaAndALargeOneIsNot) {
  pages_[1][100] ^= 1;
  std::mt19937 bits(3);
  for (char& byte : pages_[2]) byte = static_cast<char>(bits());
  ASSERT_OK(chunks_->Put(2, pages_[1], &batch_));
  ASSERT_OK(chunks_->Put(3, pages_[2], &batch_));
  EXPECT_EQ(Form(2), Codec::kDelta);
  EXPECT_NE(Form(3), Codec::kDelta);
  EXPECT_EQ(chunks_->digest(), DigestOf(pages_));
  EXPECT_EQ(chunks_->written_bytes(),
            batch_.size_bytes() - 2 * ChunkKey(2, kTxId).size());
}

TEST_F(ChunkMakerTest, InABranchThatBeginsEveryChunkIsWhole) {
  branch_->Create(BranchId{1});
  chunks_->BeginCommit(branch_->id(), kTxId);
  pages_[1][100] ^= 1;
  ASSERT_OK(chunks_->Put(2, pages_[1], &batch_));
  EXPECT_NE(Form(2), Codec::kDelta);
  EXPECT_TRUE(branch_->Has(2));
  EXPECT_TRUE(chunks_->changed_pages().empty());
}

TEST_F(ChunkMakerTest, AStampAloneStoresNoFirstPage) {
  PageBuffer written(kSize, kCount);
  ASSERT_OK(chunks_->PutFirstPage(written, 8, &batch_));
  EXPECT_TRUE(batch_.empty());
  ApplyStamp(8, pages_[0].data());
  EXPECT_EQ(*chunks_->first_page(), pages_[0]);
  EXPECT_EQ(chunks_->digest(), DigestOf(pages_));
  // Without one, what is stored has to be the page itself.
  Begin();
  ASSERT_OK(chunks_->PutFirstPage(written, std::nullopt, &batch_));
  EXPECT_NE(Form(1), std::nullopt);
}

TEST_F(ChunkMakerTest, PagesThatGoLeaveTheDigest) {
  PageBuffer written(kSize, 2);
  ASSERT_OK(chunks_->Remove(3));
  ASSERT_OK(chunks_->Remove(4));
  ASSERT_OK(chunks_->PutFirstPage(written, kStamp, &batch_));
  pages_.resize(2);
  EXPECT_EQ(chunks_->digest(), DigestOf(pages_));
  Begin();
  written.Truncate(0);
  for (PageNo pgno = 2; pgno <= kCount; ++pgno) {
    ASSERT_OK(chunks_->Remove(pgno));
  }
  ASSERT_OK(chunks_->PutFirstPage(written, std::nullopt, &batch_));
  EXPECT_EQ(chunks_->digest(), 0u);
  EXPECT_TRUE(chunks_->first_page()->empty());
}

TEST_F(ChunkMakerTest, AStagedPageCountsAsItWasStagedLast) {
  BeginStaged();
  ASSERT_OK(chunks_->Stage(2, P(2, 2)));
  ASSERT_OK(chunks_->Stage(2, P(2, 3)));
  ASSERT_OK(chunks_->Stage(6, P(6, 2)));
  ASSERT_OK(chunks_->Stage(3, pages_[2]));  // the base's
  EXPECT_EQ(branch_->Pages(), (std::vector<PageNo>{2, 6}));
  pages_[1] = P(2, 3);
  EXPECT_EQ(chunks_->digest(), DigestOf(pages_) + PageHash(6, P(6, 2)));
}

TEST_F(ChunkMakerTest, WhatLeavesTheStageCountsAsTheBasesAgain) {
  BeginStaged();
  ASSERT_OK(chunks_->Stage(2, P(2, 2)));
  ASSERT_OK(chunks_->Stage(6, P(6, 2)));
  EXPECT_EQ(branch_->NextAfter(2), 6u);
  ASSERT_OK(chunks_->Unstage(6));
  ASSERT_OK(chunks_->Unstage(2));
  EXPECT_EQ(chunks_->digest(), DigestOf(pages_));
  EXPECT_EQ(branch_->page_count(), 0u);
  EXPECT_EQ(branch_->NextAfter(0), 0u);
  // What was stored of it is still there, and is written over.
  ASSERT_OK(chunks_->Stage(2, P(2, 3)));
  pages_[1] = P(2, 3);
  EXPECT_EQ(chunks_->digest(), DigestOf(pages_));
}

TEST_F(ChunkMakerTest, ADatabaseOfAnotherPageSizeBeginsWithNothing) {
  base_ = std::make_unique<BasePages>(store_->engine(), head_, 2 * kSize);
  branch_ = std::make_unique<NewBranch>(store_.get(), 2 * kSize);
  chunks_ = std::make_unique<ChunkMaker>(base_.get(), branch_.get());
  chunks_->BeginCommit(head_->head.snapshot.branch, kTxId);
  EXPECT_FALSE(base_->Shows(1));
  EXPECT_EQ(chunks_->digest(), 0u);
  const std::string page = TestPage(2 * kSize, 2, 1);
  ASSERT_OK(chunks_->Put(2, page, &batch_));
  EXPECT_NE(Form(2), Codec::kDelta);
  EXPECT_EQ(chunks_->digest(), PageHash(2, page));
}

}  // namespace
}  // namespace actorkv
