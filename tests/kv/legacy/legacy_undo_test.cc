// Undoing a migration: back to the pairs as they were, or to new ones, and
// forward again.

#include "kv/legacy/legacy_undo.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kv/legacy/legacy_drop.h"
#include "kv/legacy/pair_export.h"
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

const PairMap kNewPairs = {{std::string("\1"), "later"},
                           {std::string("\4key"), "value"}};

// Makes the actor, as it was loaded, a legacy one of these pairs.
Status UndoToPairsOf(const TestStore& store, const LegacyActor& actor,
                     const PairMap& pairs) {
  ImportSpec read = SpecOf("a");
  read.form = LegacyForm::kOwnTables;
  read.replaced = &actor.record;
  LegacyImport import(store.shared());
  VectorSource source(pairs);
  if (Status s = import.ReadAll(read, &source); !s.ok()) return s;
  UndoSpec spec;
  spec.name = "a";
  spec.pairs = &import;
  spec.read_from = actor.head->head.snapshot.txid;
  spec.schema_cookie = SchemaCookie(5);
  return UndoMigration(store.get(), spec);
}

Status UndoToPairs(const TestStore& store, const PairMap& pairs) {
  return UndoToPairsOf(store, Loaded(store, "a"), pairs);
}

// As many user's pairs as take a reader several looks.
PairMap ManyPairs(size_t count) {
  PairMap pairs = kPairs;
  for (size_t i = 0; i < count; ++i) {
    pairs["\4" + std::to_string(i)] = "value";
  }
  return pairs;
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

// ---- New pairs in the place of the old --------------------------------------

TEST_F(LegacyUndoTest, NewPairsTakeThePlaceOfTheOld) {
  ASSERT_OK(Write(store_, 9));
  const LegacyId old = Loaded(store_, "a").record.legacy;
  ASSERT_OK(UndoToPairs(store_, kNewPairs));
  const LegacyRecord record = Loaded(store_, "a").record;
  EXPECT_TRUE(store_.State("a")->is_legacy);
  EXPECT_EQ(record.form, LegacyForm::kOwnTables);
  EXPECT_EQ(record.pair_count, kNewPairs.size());
  EXPECT_TRUE(StoredPairs(store_, old) == kPairs) << "until the background";
  store_.Maintain();
  EXPECT_TRUE(StoredPairs(store_, old).empty());
  EXPECT_TRUE(StoredPairs(store_, record.legacy) == kNewPairs);
  EXPECT_EQ(ImportRecordCount(store_), 0u);
  EXPECT_EQ(Verified(store_), std::vector<std::string>());
}

TEST_F(LegacyUndoTest, NewPairsOfAnOlderVersionAreRefused) {
  const LegacyActor actor = Loaded(store_, "a");
  ASSERT_OK(Write(store_, 9));
  EXPECT_TRUE(IsError(UndoToPairsOf(store_, actor, kNewPairs), Code::kBusy,
                      "the actor was written while its pairs were read"));
  store_.Maintain();
  EXPECT_TRUE(store_.State("a")->exists);
  EXPECT_TRUE(StoredPairs(store_, Loaded(store_, "a").record.legacy) == kPairs);
  EXPECT_EQ(ImportRecordCount(store_), 0u);
}

// Who read the old pairs when they went has not read them all.
TEST(LegacyUndoReadersTest, AnExportOfTheOldPairsIsNoFile) {
  class CountingSink : public PairSink {
   public:
    Status Add(std::string_view, std::string_view) override {
      ++added;
      return Status::Ok();
    }
    Status Finish() override {
      finished = true;
      return Status::Ok();
    }
    size_t added = 0;
    bool finished = false;
  };
  const TestStore store;
  ASSERT_OK(Import(store, "a", ManyPairs(2000)));
  auto lease = Lease(store, "a");
  ASSERT_OK(Migrate(store, lease.get()));
  lease.reset();
  PairExportSource source;
  source.engine = store->engine();
  source.legacy = Loaded(store, "a");
  source.state = source.legacy->head;
  int calls = 0;
  const auto keep_on = [&]() -> Status {
    if (++calls != 2) return Status::Ok();
    if (Status s = UndoToPairs(store, kNewPairs); !s.ok()) return s;
    store.Maintain();
    return Status::Ok();
  };
  CountingSink sink;
  uint64_t bytes = 0;
  EXPECT_TRUE(IsError(ExportPairs(source, keep_on, &sink, &bytes), Code::kBusy,
                      "other pairs took the place of the actor's while they "
                      "were read, repeat it: actor=a"));
  EXPECT_FALSE(sink.finished) << sink.added;
  EXPECT_GE(calls, 2);
}

TEST(LegacyUndoReadersTest, VerifyDoesNotMissTheOldPairs) {
  bool was_in_between = false;
  for (int steps = 1; steps < 12; ++steps) {
    const TestStore store;
    ASSERT_OK(Import(store, "a", ManyPairs(2000)));
    auto lease = Lease(store, "a");
    ASSERT_OK(Migrate(store, lease.get()));
    lease.reset();
    std::vector<Finding> findings;
    Verifier verifier(store.get());
    bool done = false;
    for (int i = 0; i < steps && !done; ++i) verifier.Step(&findings, &done);
    was_in_between = was_in_between || (steps > 4 && !done);
    ASSERT_OK(UndoToPairs(store, kNewPairs));
    store.Maintain();
    while (!done) verifier.Step(&findings, &done);
    for (const Finding& finding : findings) {
      EXPECT_EQ(finding.detail.find("legacy pairs, imported were"),
                std::string::npos)
          << finding.detail << " after " << steps;
    }
  }
  EXPECT_TRUE(was_in_between);
}

// Each commit fails in each way, also where the process ends then: the actor is
// live with its old pairs, or legacy with its new ones, and nobody drops these.
TEST(LegacyUndoFaultTest, OldPairsOrNewOnes) {
  EngineLimits engines[] = {UnboundedLimits(), SinglePartition()};
  uint64_t most = 0;
  for (const EngineLimits& limits : engines) {
    for (const CommitFault fault :
         {CommitFault::kConflict, CommitFault::kFailed,
          CommitFault::kUnknownLanded, CommitFault::kUnknownLost}) {
      bool fired = true;
      for (uint64_t nth = 1; fired; ++nth) {
        SCOPED_TRACE(nth);
        TestStore store(MemorySource(), limits);
        ASSERT_OK(Import(store, "a", kPairs));
        auto lease = Lease(store, "a");
        ASSERT_OK(Migrate(store, lease.get()));
        lease.reset();
        store.plan()->Reset();
        store.plan()->FailCommit(nth, fault);
        const Status s = UndoToPairs(store, kNewPairs);
        fired = store.plan()->fired_count() > 0;
        store.plan()->Reset();
        if (nth % 2 == 0) store.Reopen();
        store.Maintain();
        const auto state = store.State("a");
        EXPECT_NE(state->exists, state->is_legacy);
        EXPECT_TRUE(!s.ok() || state->is_legacy);
        EXPECT_TRUE(StoredPairs(store, Loaded(store, "a").record.legacy) ==
                    (state->is_legacy ? kNewPairs : kPairs))
            << s.ToString();
        store.Reopen();
        store.Maintain();
        EXPECT_EQ(ImportRecordCount(store), 0u);
        EXPECT_EQ(Verified(store), std::vector<std::string>());
        if (state->exists) {
          ASSERT_OK(UndoToPairs(store, kNewPairs));
          store.Maintain();
          EXPECT_TRUE(StoredPairs(store, Loaded(store, "a").record.legacy) ==
                      kNewPairs);
        }
        ASSERT_FALSE(testing::Test::HasFailure());
        most = std::max(most, nth);
      }
    }
  }
  EXPECT_GT(most, 3u);
}

// A commit whose outcome is not known, and cannot be looked up: what it may
// have given the actor stays until the next open knows.
TEST(LegacyUndoFaultTest, AnUnknownOutcomeThatCannotBeLookedUp) {
  EngineLimits engines[] = {UnboundedLimits(), SinglePartition()};
  uint64_t most = 0;
  for (const EngineLimits& limits : engines) {
    for (const CommitFault fault :
         {CommitFault::kUnknownLanded, CommitFault::kUnknownLost}) {
      bool has_commit = true;
      for (uint64_t nth = 1; has_commit; ++nth) {
        bool has_read = true;
        for (uint64_t read = 1; has_read; ++read) {
          SCOPED_TRACE(std::to_string(nth) + " " + std::to_string(read));
          TestStore store(MemorySource(), limits);
          ASSERT_OK(Import(store, "a", kPairs));
          auto lease = Lease(store, "a");
          ASSERT_OK(Migrate(store, lease.get()));
          lease.reset();
          const LegacyActor actor = Loaded(store, "a");
          store.plan()->Reset();
          store.plan()->FailCommit(nth, fault);
          store.plan()->FailRead(read, Status::IOError("injected"));
          (void)UndoToPairsOf(store, actor, kNewPairs);
          has_commit = store.plan()->commit_count() >= nth;
          has_read = store.plan()->read_count() >= read;
          store.plan()->Reset();
          store.Maintain();
          store.Reopen();
          store.Maintain();
          const auto state = store.State("a");
          EXPECT_NE(state->exists, state->is_legacy);
          EXPECT_TRUE(StoredPairs(store, Loaded(store, "a").record.legacy) ==
                      (state->is_legacy ? kNewPairs : kPairs));
          EXPECT_EQ(ImportRecordCount(store), 0u);
          EXPECT_EQ(Verified(store), std::vector<std::string>());
          ASSERT_FALSE(testing::Test::HasFailure());
          most = std::max(most, read);
        }
      }
    }
  }
  EXPECT_GT(most, 3u);
}

}  // namespace
}  // namespace actorkv
