// LoadLineage: follows branch records, and reports what is wrong with them.

#include "kv/store/lineage.h"

#include <gtest/gtest.h>

#include "kv/format/keys.h"
#include "tests/support/memory_engine.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

class LineageTest : public testing::Test {
 protected:
  void PutBranch(ActorId actor, BranchId branch,
                 std::optional<BranchPoint> parent) {
    BranchRecord record;
    record.parent = parent;
    record.first_txid = {9};
    const std::string key = BranchRecordKey(branch);
    PutBytes(actor, key, EncodeRecord(key, record));
  }
  void PutBytes(ActorId actor, const std::string& key,
                const std::string& value) {
    Batch batch;
    batch.Put(ActorPartition(actor), key, value);
    ASSERT_TRUE(engine_->Commit(batch, Durability::kBuffered).done());
  }
  Status Load(BranchId branch, std::shared_ptr<const Lineage>* lineage) {
    return LoadLineage(engine_->NewReader().get(), ActorId{1}, branch, lineage);
  }

  std::unique_ptr<Engine> engine_ = NewMemoryEngine(UnboundedLimits());
};

TEST_F(LineageTest, GoesFromTheBranchToTheOneWithoutParent) {
  PutBranch({2}, {10}, std::nullopt);
  PutBranch({1}, {11}, BranchPoint{{2}, {10}, {5}});
  PutBranch({1}, {12}, BranchPoint{{1}, {11}, {8}});
  std::shared_ptr<const Lineage> lineage;
  ASSERT_OK(Load({12}, &lineage));
  ASSERT_EQ(lineage->size(), 3u);
  EXPECT_EQ((*lineage)[0].branch.value, 12u);
  EXPECT_EQ((*lineage)[1].branch.value, 11u);
  EXPECT_EQ((*lineage)[1].txid.value, 8u);
  EXPECT_EQ((*lineage)[2].branch.value, 10u);
  EXPECT_EQ((*lineage)[2].txid.value, 5u);
  EXPECT_EQ((*lineage)[2].actor.value, 2u);
  ASSERT_OK(Load({11}, &lineage));
  EXPECT_EQ(lineage->size(), 2u);
}

TEST_F(LineageTest, WhatIsWrongIsNamed) {
  std::shared_ptr<const Lineage> lineage;
  EXPECT_TRUE(IsError(Load({12}, &lineage), Code::kCorruption,
                      "branch record missing: actor_id=1 branch=12"));
  PutBranch({1}, {12}, BranchPoint{{2}, {11}, {8}});
  EXPECT_TRUE(IsError(Load({12}, &lineage), Code::kCorruption,
                      "branch record missing: actor_id=2 branch=11"));
  PutBytes({2}, BranchRecordKey({11}), "rubbish of some length");
  EXPECT_FALSE(Load({12}, &lineage).ok());
  EXPECT_EQ(lineage, nullptr);
}

// Each is damage as soon as it is read, so that none is followed.
TEST_F(LineageTest, AParentIsAnOlderBranch) {
  std::shared_ptr<const Lineage> lineage;
  for (const uint64_t parent : {12, 13, 14}) {
    PutBranch({1}, {12}, BranchPoint{{1}, {parent}, {8}});
    EXPECT_TRUE(IsError(Load({12}, &lineage), Code::kCorruption,
                        "branch record damaged: its key names branch=12 "
                        "txid=9, the record a parent that is not older, "
                        "branch=" +
                            std::to_string(parent) + " txid=8"));
  }
  for (const uint64_t txid : {9, 10}) {
    PutBranch({1}, {12}, BranchPoint{{1}, {11}, {txid}});
    EXPECT_TRUE(IsError(Load({12}, &lineage), Code::kCorruption,
                        "a parent that is not older"));
  }
  EXPECT_EQ(lineage, nullptr);
}

TEST_F(LineageTest, ACommitIsNotOlderThanItsBranch) {
  std::shared_ptr<const Lineage> lineage;
  PutBranch({1}, {12}, std::nullopt);
  const auto reader = engine_->NewReader();
  Snapshot snapshot;
  snapshot.branch = {12};
  snapshot.txid = {9};
  EXPECT_OK(LoadLineageOf(reader.get(), {1}, snapshot, &lineage));
  snapshot.txid = {8};
  EXPECT_TRUE(IsError(
      LoadLineageOf(reader.get(), {1}, snapshot, &lineage), Code::kCorruption,
      "commit older than its branch: branch=12 txid=8 first_txid=9"));
}

}  // namespace
}  // namespace actorkv
