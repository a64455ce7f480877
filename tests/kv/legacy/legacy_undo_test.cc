// Undoing a migration: back to the pairs as they were, and forward again.

#include "kv/legacy/legacy_undo.h"

#include <gtest/gtest.h>

#include "kv/legacy/legacy_drop.h"
#include "kv/pages/commit.h"
#include "tests/support/legacy_harness.h"

namespace actorkv {
namespace {

const PairMap kPairs = {{std::string("\1"), "state"},
                        {Unhex("08010000"), "meta"}};

Status Undo(const TestStore& store, bool discard = false) {
  UndoSpec spec;
  spec.name = "a";
  spec.discard = discard;
  spec.schema_cookie = SchemaCookie(5);
  return UndoMigration(store.get(), spec);
}

Status Write(const TestStore& store, uint32_t version) {
  TestTransaction transaction(store, "a");
  transaction.Write(1, TestPage(kMinPageSize, 1, version));
  return transaction.Commit(version);
}

class LegacyUndoTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(Import(store_, "a", kPairs));
    ASSERT_OK(MigrateOnce());
  }
  Status MigrateOnce() {
    auto lease = Lease(store_, "a");
    return Migrate(store_, lease.get());
  }

  TestStore store_;
};

TEST_F(LegacyUndoTest, ThereAndBackAndThere) {
  const auto first = store_.State("a");
  ASSERT_OK(Undo(store_));
  ASSERT_OK(Undo(store_)) << "legacy already";
  store_.Reopen();
  const auto undone = store_.State("a");
  EXPECT_TRUE(undone->is_legacy);
  EXPECT_FALSE(undone->exists);
  EXPECT_EQ(undone->entry.actor, first->entry.actor);
  EXPECT_EQ(undone->entry.stamp_floor, 7u);
  EXPECT_EQ(undone->entry.cookie_floor, 5u);
  const LegacyRecord record = Loaded(store_, "a").record;
  EXPECT_EQ(record.state, LegacyState::kLegacy);
  EXPECT_EQ(record.migrated_txid.value, 0u);
  EXPECT_TRUE(StoredPairs(store_, record.legacy) == kPairs);
  EXPECT_EQ(Verified(store_), std::vector<std::string>());

  ASSERT_OK(MigrateOnce());
  store_.Reopen();
  const auto second = store_.State("a");
  EXPECT_TRUE(second->exists);
  EXPECT_LT(first->head.snapshot.txid, second->head.snapshot.txid);
  EXPECT_LT(first->head.generation, second->head.generation);
  EXPECT_NE(first->head.snapshot.branch, second->head.snapshot.branch);
  EXPECT_EQ(Loaded(store_, "a").record.migrated_txid,
            second->head.snapshot.txid);
  EXPECT_EQ(ReadAll(store_, "a").size(), 2u);
  EXPECT_EQ(Verified(store_), std::vector<std::string>());
  // A record that fell behind is not taken for that of the first migration.
  LegacyActor actor = Loaded(store_, "a");
  LegacyRecord behind = record;
  ASSERT_OK(UpdateLegacy(store_.get(), behind, &actor));
  EXPECT_EQ(Loaded(store_, "a").record.migrated_txid,
            second->head.snapshot.txid);
}

TEST_F(LegacyUndoTest, CommitsAreDiscardedOnlyWhenToldSo) {
  ASSERT_OK(Write(store_, 9));
  EXPECT_TRUE(IsError(Undo(store_), Code::kInvalidArgument,
                      "the actor was written after its migration, and undoing "
                      "it would discard that: actorkv_unmigrate(actor, "
                      "'tables') makes pairs of it as it is now"));
  EXPECT_TRUE(IsError(Undo(store_), Code::kInvalidArgument,
                      "actorkv_unmigrate(actor, 'discard') if it may go: "
                      "actor=a migrated_txid=1 head_txid=2"));
  const auto before = store_.State("a");
  EXPECT_TRUE(before->exists);
  ASSERT_OK(Undo(store_, /*discard=*/true));
  EXPECT_TRUE(store_.State("a")->is_legacy);
  EXPECT_EQ(ReadAll(store_->engine(), before->head.snapshot, before->lineage)
                .value_or(std::vector<std::string>())
                .size(),
            2u)
      << "the pages are still there";
  ASSERT_OK(MigrateOnce());
  EXPECT_EQ(store_.State("a")->head.snapshot.txid.value, 3u);
}

TEST_F(LegacyUndoTest, RefusedWhileItIsOpen) {
  const auto open = store_.Open("a");
  EXPECT_TRUE(IsError(Undo(store_), Code::kBusy, "the actor is open"));
}

TEST_F(LegacyUndoTest, RefusedWithoutTheSqlitePairs) {
  uint64_t bytes = 0;
  ASSERT_OK(DropLegacy(
      store_.shared(), "a", [] { return Status::Ok(); }, &bytes));
  EXPECT_TRUE(IsError(Undo(store_, true), Code::kInvalidArgument,
                      "the legacy pairs of its database were dropped: "
                      "actor=a"));
  EXPECT_TRUE(store_.State("a")->exists);
}

TEST_F(LegacyUndoTest, RefusedWhileSomebodyIsAtWork) {
  auto lease = Lease(store_, "a");
  EXPECT_TRUE(IsError(Undo(store_), Code::kBusy, "somebody is at work"));
  lease.reset();
  EXPECT_OK(Undo(store_));
}

TEST(LegacyUndoOtherTest, RefusedForOtherActors) {
  const TestStore store;
  EXPECT_TRUE(IsError(Undo(store), Code::kNotFound, "no such actor: actor=a"));
  LegacyImport import(store.shared());
  VectorSource source(kPairs);
  ASSERT_OK(import.ReadAll(SpecOf("a"), &source));
  {
    TestTransaction transaction(store, "a");
    transaction.Write(1, TestPage(kMinPageSize, 1, 1));
    std::vector<PendingCommit> commits = {transaction.Pending(1)};
    commits[0].spec.also = [&](const HeadState& made, Batch* batch) {
      import.AddTo(made, batch);
      return Status::Ok();
    };
    ASSERT_OK(CommitAll(store.get(), Durability::kSynced, &commits));
  }
  import.Detach();
  EXPECT_TRUE(IsError(Undo(store, true), Code::kInvalidArgument,
                      "came with a database and was never migrated: actor=a"));
}

// Each way the commit can fail: live or legacy, never neither.
TEST(LegacyUndoFaultTest, OldOrNew) {
  EngineLimits engines[] = {UnboundedLimits(), SinglePartition()};
  for (const EngineLimits& limits : engines) {
    for (const CommitFault fault :
         {CommitFault::kConflict, CommitFault::kFailed,
          CommitFault::kUnknownLanded, CommitFault::kUnknownLost}) {
      for (uint64_t nth = 1; nth <= 3; ++nth) {
        TestStore store(MemorySource(), limits);
        ASSERT_OK(Import(store, "a", kPairs));
        auto lease = Lease(store, "a");
        ASSERT_OK(Migrate(store, lease.get()));
        lease.reset();
        store.plan()->Reset();
        store.plan()->FailCommit(nth, fault);
        const Status s = Undo(store);
        store.Reopen();
        const auto state = store.State("a");
        EXPECT_NE(state->exists, state->is_legacy);
        if (s.ok()) {
          EXPECT_TRUE(state->is_legacy);
        }
        EXPECT_EQ(Verified(store), std::vector<std::string>());
        ASSERT_OK(Undo(store));
        EXPECT_TRUE(store.State("a")->is_legacy);
      }
    }
  }
}

}  // namespace
}  // namespace actorkv
