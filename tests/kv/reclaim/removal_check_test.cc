// Removals that somebody would miss, and what the check says of them.

#include "kv/reclaim/removal_check.h"

#include <gtest/gtest.h>

#include "kv/format/history_records.h"
#include "kv/format/keys.h"
#include "kv/history/restore.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

constexpr uint32_t kSize = kMinDeltaPageSize;
constexpr PageNo kCount = 3;

// Three versions: page 2 is whole in the first and third, and a delta in the
// second; page 3 is whole in the first alone.
class RemovalCheckTest : public testing::Test {
 protected:
  void SetUp() override {
    {
      TestTransaction transaction(store_, "a", kSize);
      for (PageNo pgno = 1; pgno <= kCount; ++pgno) {
        transaction.Write(pgno, TestPage(kSize, pgno, 1));
      }
      ASSERT_OK(transaction.Commit(1));
    }
    states_.push_back(store_.State("a"));
    std::string page = TestPage(kSize, 2, 1);
    page[100] = 'x';
    Commit(page);
    Commit(std::string(kSize, 'y'));
  }

  void Commit(const std::string& page) {
    TestTransaction transaction(store_, "a", kSize);
    transaction.Write(2, page);
    ASSERT_OK(transaction.Commit(static_cast<uint32_t>(states_.size() + 1)));
    states_.push_back(store_.State("a"));
  }

  // The place of a page in version 0, 1 or 2.
  ChunkId At(PageNo pgno, size_t version) const {
    const Snapshot& snapshot = states_[version]->head.snapshot;
    return {snapshot.branch, pgno, snapshot.txid};
  }

  // As reclaim does before it looks at pages.
  void RemoveCommitRecord(size_t version) {
    const Snapshot& snapshot = states_[version]->head.snapshot;
    Batch batch;
    batch.Delete(ActorPartition(actor()),
                 CommitKey(snapshot.branch, snapshot.txid));
    ASSERT_OK(store_->Commit(batch, Durability::kBuffered).status);
  }
  void RemoveOldRecords() {
    RemoveCommitRecord(0);
    RemoveCommitRecord(1);
  }

  ActorId actor() const { return states_[0]->entry.actor; }

  PinnedSnapshot Read(size_t version) const {
    return {states_[version]->head.snapshot, states_[version]->lineage};
  }

  RemovalCheck Check(const std::vector<PinnedSnapshot>& counted = {}) const {
    Engine* const engine = store_->engine();
    return {engine, actor(),
            FindNeededSnapshots(engine, store_->pins(), actor(), counted)};
  }

  static Batch Removing(const std::vector<ChunkId>& ids) {
    Batch batch;
    for (const ChunkId& id : ids) {
      batch.Delete(BranchPartition(id.branch), ChunkKey(id.pgno, id.txid));
    }
    return batch;
  }

  // What is said of the version when it goes.
  std::string Breach(const ChunkId& id,
                     const std::vector<PinnedSnapshot>& counted = {}) const {
    return Check(counted).BreachIn(Removing({id}));
  }

  std::string Text(const std::string& who, const ChunkId& id) const {
    return "reclaim removes what " + who +
           ", needs: actor_id=" + std::to_string(actor().value) + " " +
           ChunkName(id);
  }
  std::string TxIdOf(size_t version) const {
    return "txid=" + std::to_string(states_[version]->head.snapshot.txid.value);
  }

  TestStore store_;
  std::vector<std::shared_ptr<const HeadState>> states_;
};

TEST_F(RemovalCheckTest, WhatTheHeadReads) {
  EXPECT_EQ(Breach(At(2, 2)), Text("the head, " + TxIdOf(2), At(2, 2)));
  EXPECT_EQ(Breach(At(3, 0)), Text("the head, " + TxIdOf(2), At(3, 0)));
}

TEST_F(RemovalCheckTest, WhatNobodyReads) {
  RemoveOldRecords();
  EXPECT_EQ(Check().BreachIn(Removing({At(2, 1), At(2, 0)})), "");
  // A batch with a commit in it is none of its business.
  Batch batch;
  batch.Put(BranchPartition(At(3, 0).branch), ChunkKey(3, At(3, 0).txid), "");
  EXPECT_EQ(Check().BreachIn(batch), "");
}

TEST_F(RemovalCheckTest, ACommitWhoseRecordIsThere) {
  EXPECT_EQ(Breach(At(2, 1)),
            Text("a commit whose record is there, " + TxIdOf(1), At(2, 1)));
  RemoveCommitRecord(1);
  EXPECT_EQ(Breach(At(2, 1)), "");
}

TEST_F(RemovalCheckTest, TheBaseOfADelta) {
  RemoveOldRecords();
  EXPECT_EQ(Breach(At(2, 0)), Text("a delta, " + TxIdOf(1), At(2, 0)));
  EXPECT_EQ(Breach(At(2, 0), {Read(1)}),
            Text("a reader, " + TxIdOf(1), At(2, 0)));
}

TEST_F(RemovalCheckTest, AReaderThatThePlanHasCounted) {
  RemoveOldRecords();
  EXPECT_EQ(Breach(At(2, 1)), "");
  EXPECT_EQ(Breach(At(2, 1), {Read(1)}),
            Text("a reader, " + TxIdOf(1), At(2, 1)));
}

TEST_F(RemovalCheckTest, APinCountsWhereTheRecordIsThereAfterIt) {
  Pin pin;
  store_->pins()->Add(Read(1).snapshot, Read(1).lineage, &pin);
  EXPECT_EQ(Breach(At(2, 1)), Text("a pin, " + TxIdOf(1), At(2, 1)));
  RemoveOldRecords();
  EXPECT_EQ(Breach(At(2, 1)), "");
}

TEST_F(RemovalCheckTest, ARestorePoint) {
  const Snapshot& snapshot = states_[1]->head.snapshot;
  RestorePointRecord point;
  point.branch = snapshot.branch;
  point.txid = snapshot.txid;
  const std::string key = RestorePointKey("p");
  Batch batch;
  batch.Put(ActorPartition(actor()), key, EncodeRecord(key, point));
  ASSERT_OK(store_->Commit(batch, Durability::kBuffered).status);
  EXPECT_EQ(Breach(At(2, 1)), Text("a restore point, " + TxIdOf(1), At(2, 1)));
  EXPECT_EQ(Breach(At(2, 0)), Text("a restore point, " + TxIdOf(1), At(2, 0)));
}

TEST_F(RemovalCheckTest, AForkReadsThroughTheBranch) {
  ForkSpec spec;
  spec.actor = "a";
  spec.fork = "b";
  TxId txid;
  ASSERT_OK(ForkActor(store_.shared(), spec, &txid));
  Commit(std::string(kSize, 'z'));
  RemoveCommitRecord(2);
  EXPECT_EQ(Breach(At(2, 2)), Text("a fork, " + TxIdOf(2), At(2, 2)));
}

TEST_F(RemovalCheckTest, ABranchThatIsRead) {
  const BranchId branch = states_[0]->head.snapshot.branch;
  const std::string head = Check().BreachInDrop(branch);
  EXPECT_NE(head.find("what the head needs"), std::string::npos) << head;
  EXPECT_EQ(Check().BreachInDrop(BranchId{branch.value + 1}), "");
  RemovalCheck unread(store_->engine(), actor(), {});
  const std::string commit = unread.BreachInDrop(branch);
  EXPECT_NE(commit.find("a commit whose record is there, " + TxIdOf(2)),
            std::string::npos)
      << commit;
}

}  // namespace
}  // namespace actorkv
