// Legacy actors in the store: who may write them, how a migration's commit
// makes them live, dropping, renaming, deleting, verifying.

#include "kv/legacy/legacy_store.h"

#include <gtest/gtest.h>

#include "kv/base/hex.h"
#include "kv/legacy/legacy_drop.h"
#include "kv/reclaim/reclaim.h"
#include "kv/store/catalog.h"
#include "tests/support/bytes.h"
#include "tests/support/legacy_harness.h"

namespace actorkv {
namespace {

class LegacyStoreTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_OK(Import(store_, "a", pairs_)); }

  const PairMap pairs_ = LoadPairMap("p-half-migrated.jsonl.gz");
  TestStore store_;
};

const auto kKeepOn = [] { return Status::Ok(); };

TEST_F(LegacyStoreTest, NobodyWritesALegacyActor) {
  const PairMap small = {{std::string("\1"), "state"}};
  TestTransaction transaction(store_, "a");
  transaction.Write(1, TestPage(kMinPageSize, 1, 1));
  EXPECT_TRUE(IsError(transaction.Commit(1), Code::kNotSupported,
                      "the actor is legacy: it can be written after its "
                      "migration: actor=a"));
  EXPECT_TRUE(store_.State("a")->is_legacy);
  EXPECT_TRUE(StoredPairs(store_, Loaded(store_, "a").record.legacy) == pairs_);
}

// Somebody began before the import, when there was no actor.
TEST_F(LegacyStoreTest, AWriterThatSawNoActorIsTooLate) {
  TestTransaction transaction(store_, "b");
  transaction.Write(1, TestPage(kMinPageSize, 1, 1));
  ASSERT_OK(Import(store_, "b", {}));
  EXPECT_EQ(transaction.Commit(1).code(), Code::kConflict);
  EXPECT_TRUE(store_.State("b")->is_legacy);
}

TEST_F(LegacyStoreTest, LoadSaysWhatIsMissing) {
  LegacyActor actor;
  EXPECT_TRUE(IsError(Load(store_, "x", &actor), Code::kNotFound,
                      "no such actor: actor=x"));
  {
    TestTransaction transaction(store_, "plain");
    transaction.Write(1, TestPage(kMinPageSize, 1, 1));
    ASSERT_OK(transaction.Commit(1));
  }
  EXPECT_TRUE(IsError(Load(store_, "plain", &actor), Code::kNotFound,
                      "the actor has no legacy pairs: actor=plain"));
  Batch batch;
  batch.Delete(ActorPartition(store_.State("a")->entry.actor),
               LegacyRecordKey());
  ASSERT_TRUE(store_->Commit(batch, Durability::kSynced).done());
  EXPECT_TRUE(IsError(Load(store_, "a", &actor), Code::kCorruption,
                      "legacy record missing: actor=a"));
  EXPECT_EQ(Verified(store_).size(), 1u);
}

TEST_F(LegacyStoreTest, TheMigrationsCommitMakesItLive) {
  const auto before = store_.State("a");
  auto lease = Lease(store_, "a");
  ASSERT_OK(Migrate(store_, lease.get()));
  lease.reset();
  for (int i = 0; i < 2; ++i) {
    const auto after = store_.State("a");
    EXPECT_TRUE(after->exists);
    EXPECT_FALSE(after->is_legacy);
    EXPECT_EQ(after->entry.actor, before->entry.actor);
    EXPECT_EQ(after->entry.created_at_us, before->entry.created_at_us);
    EXPECT_EQ(ReadAll(store_, "a").size(), 2u);
    const LegacyRecord record = Loaded(store_, "a").record;
    EXPECT_EQ(record.state, LegacyState::kLive);
    EXPECT_EQ(record.migrated_txid, after->head.snapshot.txid);
    EXPECT_EQ(record.migrated_at_us, after->head.committed_at_us);
    EXPECT_EQ(record.repairs, std::vector<std::string>{"rolled back"});
    EXPECT_FALSE(record.lease.taken());
    EXPECT_TRUE(StoredPairs(store_, record.legacy) == pairs_);
    EXPECT_EQ(Verified(store_), std::vector<std::string>());
    store_.Reopen();
  }
  // From now on it is as any other.
  TestTransaction transaction(store_, "a");
  transaction.Write(1, TestPage(kMinPageSize, 1, 2));
  ASSERT_OK(transaction.Commit(8));
}

// The commit is refused when the lease went to somebody else.
TEST_F(LegacyStoreTest, WhoLostTheLeaseCommitsNothing) {
  auto lease = Lease(store_, "a");
  LegacyActor now = Loaded(store_, "a");
  LegacyRecord other = now.record;
  other.lease.owner[0] ^= 1;
  ASSERT_OK(UpdateLegacy(store_.get(), other, &now));
  EXPECT_EQ(Migrate(store_, lease.get()).code(), Code::kConflict);
  EXPECT_TRUE(store_.State("a")->is_legacy);
  EXPECT_TRUE(IsError(lease->Update([](LegacyRecord*) {}), Code::kFenced,
                      "the lease was lost to somebody else: actor=a"));
  lease.reset();
  EXPECT_EQ(Loaded(store_, "a").record.lease.owner, other.lease.owner);
}

// Each engine commit of a migration, failed in each way, on engines with and
// without commits over several partitions: legacy or live, nothing between;
// what is not live can be tried again.
void ExpectOldOrNew(CommitFault fault, EngineLimits limits) {
  uint64_t nth = 1;
  for (;; ++nth) {
    TestStore store(MemorySource(), limits);
    const PairMap pairs = {{std::string("\1"), "state"}};
    ASSERT_OK(Import(store, "a", pairs));
    auto lease = Lease(store, "a");
    store.plan()->Reset();
    store.plan()->FailCommit(nth, fault);
    const Status s = Migrate(store, lease.get());
    lease.reset();
    const bool fired = store.plan()->fired_count() > 0;
    store.plan()->Reset();
    if (!fired) {
      EXPECT_OK(s);
      break;
    }
    store.Reopen();
    store.Maintain();
    const LegacyRecord record = Loaded(store, "a").record;
    const bool live = record.state == LegacyState::kLive;
    EXPECT_EQ(store.State("a")->exists, live);
    EXPECT_EQ(store.State("a")->is_legacy, !live);
    if (s.ok()) {
      EXPECT_TRUE(live) << nth;
    }
    EXPECT_EQ(Verified(store), std::vector<std::string>());
    if (live) {
      EXPECT_EQ(record.migrated_txid, store.State("a")->head.snapshot.txid);
    } else {
      auto again = Lease(store, "a");
      ASSERT_OK(Migrate(store, again.get()));
    }
    EXPECT_EQ(ReadAll(store, "a").size(), 2u);
    EXPECT_TRUE(StoredPairs(store, record.legacy) == pairs);
  }
  EXPECT_GT(nth, 1u);
}

TEST(LegacyMigrationFaultTest, EachWriteThatFailsOrIsNotKnown) {
  for (const CommitFault fault :
       {CommitFault::kConflict, CommitFault::kFailed,
        CommitFault::kUnknownLanded, CommitFault::kUnknownLost}) {
    ExpectOldOrNew(fault, UnboundedLimits());
    ExpectOldOrNew(fault, SinglePartition());
  }
}

// A head decides, whatever the record says.
TEST_F(LegacyStoreTest, ARecordThatFellBehindItsHeadIsLive) {
  auto lease = Lease(store_, "a");
  const LegacyRecord old = lease->record();
  ASSERT_OK(Migrate(store_, lease.get()));
  lease.reset();
  const TxId migrated = store_.State("a")->head.snapshot.txid;
  {
    TestTransaction transaction(store_, "a");
    transaction.Write(1, TestPage(kMinPageSize, 1, 2));
    ASSERT_OK(transaction.Commit(8));
  }
  LegacyActor actor = Loaded(store_, "a");
  LegacyRecord behind = old;
  behind.state = LegacyState::kImporting;
  ASSERT_OK(UpdateLegacy(store_.get(), behind, &actor));
  const LegacyRecord healed = Loaded(store_, "a").record;
  EXPECT_EQ(healed.state, LegacyState::kLive);
  EXPECT_EQ(healed.migrated_txid, migrated);
}

TEST_F(LegacyStoreTest, DropRemovesTheSqlitePairsOnly) {
  uint64_t bytes = 99;
  EXPECT_TRUE(IsError(DropLegacy(store_.shared(), "a", kKeepOn, &bytes),
                      Code::kInvalidArgument,
                      "the actor is legacy, its only database is in the legacy "
                      "pairs: migrate it first: actor=a"));
  EXPECT_EQ(bytes, 99u);
  auto lease = Lease(store_, "a");
  ASSERT_OK(Migrate(store_, lease.get()));
  lease.reset();
  EXPECT_TRUE(IsError(
      DropLegacy(
          store_.shared(), "a", [] { return Status::Busy("stop"); }, &bytes),
      Code::kBusy, "stop"));
  ASSERT_OK(DropLegacy(store_.shared(), "a", kKeepOn, &bytes));
  const LegacyRecord record = Loaded(store_, "a").record;
  EXPECT_EQ(bytes, record.sqlite_bytes);
  EXPECT_GT(record.dropped_at_us, 0u);
  PairMap rest;
  for (const auto& [key, value] : pairs_) {
    if (!IsSqliteKey(key)) rest[key] = value;
  }
  EXPECT_LT(rest.size(), pairs_.size());
  EXPECT_TRUE(StoredPairs(store_, record.legacy) == rest);
  EXPECT_EQ(Verified(store_), std::vector<std::string>());
  ASSERT_OK(DropLegacy(store_.shared(), "a", kKeepOn, &bytes));
  EXPECT_EQ(bytes, 0u);
  EXPECT_EQ(Loaded(store_, "a").record.dropped_at_us, record.dropped_at_us);
}

TEST_F(LegacyStoreTest, RenameAndDeleteKeepThePairs) {
  ASSERT_OK(RenameActor(store_.get(), "a", "b"));
  EXPECT_TRUE(store_.State("b")->is_legacy);
  EXPECT_TRUE(StoredPairs(store_, Loaded(store_, "b").record.legacy) == pairs_);
  ASSERT_OK(Import(store_, "c", {}));
  EXPECT_TRUE(IsError(RenameActor(store_.get(), "b", "c"), Code::kAlreadyExists,
                      "the name is taken: actor=c"));
  bool found = false;
  std::string name;
  std::shared_ptr<const HeadState> state;
  ASSERT_OK(NextActor(store_.get(), "", &found, &name, &state));
  EXPECT_EQ(name, "b");
  EXPECT_TRUE(state->is_legacy);
  const LegacyId legacy = Loaded(store_, "b").record.legacy;
  TxId txid{9};
  ASSERT_OK(DeleteActor(store_.get(), "b", SchemaCookie(0), &txid));
  EXPECT_EQ(txid.value, 0u);
  EXPECT_FALSE(store_.State("b")->is_legacy);
  EXPECT_GT(store_.State("b")->entry.stamp_floor, 1u << 20);
  EXPECT_TRUE(StoredPairs(store_, legacy) == pairs_);
  EXPECT_EQ(Verified(store_), std::vector<std::string>());
  uint64_t bytes = 0;
  ASSERT_OK(PurgeActor(store_.get(), "b", &bytes));
  EXPECT_EQ(store_.Scan(LegacyPartition(legacy)).size(), 0u);
}

TEST_F(LegacyStoreTest, DamagedPairsAreFoundAndNeverReturned) {
  const LegacyId legacy = Loaded(store_, "a").record.legacy;
  const std::string key = pairs_.begin()->first;
  std::string stored = EncodePair(legacy, key, pairs_.begin()->second);
  stored[1] = static_cast<char>(stored[1] ^ 4);
  Batch batch;
  batch.Put(LegacyPartition(legacy), PairKey(key), stored);
  ASSERT_TRUE(store_->Commit(batch, Durability::kSynced).done());
  LegacyPairs reader(store_->engine(), legacy);
  std::optional<std::string> value = "kept";
  std::optional<KeyValue> pair;
  const std::string message =
      "key=" + BytesText(key) + ": legacy pair record damaged: checksum";
  EXPECT_TRUE(IsError(reader.Get(key, &value), Code::kCorruption, message));
  EXPECT_TRUE(IsError(reader.Seek("", &pair), Code::kCorruption, message));
  EXPECT_EQ(value, "kept");
  auto findings = Verified(store_);
  // The last one says how to save the rest.
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_NE(findings[0].find("a: corruption: " + message), std::string::npos)
      << findings[0];
  batch.Clear();
  batch.Delete(LegacyPartition(legacy), PairKey(key));
  ASSERT_TRUE(store_->Commit(batch, Durability::kSynced).done());
  findings = Verified(store_);
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_NE(findings[0].find("legacy pairs, imported were"), std::string::npos)
      << findings[0];
}

TEST_F(LegacyStoreTest, AHeadThatIsMissingIsFound) {
  auto lease = Lease(store_, "a");
  ASSERT_OK(Migrate(store_, lease.get()));
  lease.reset();
  const auto state = store_.State("a");
  Batch batch;
  batch.Delete(ActorPartition(state->entry.actor), HeadKey());
  ASSERT_TRUE(store_->Commit(batch, Durability::kSynced).done());
  EXPECT_EQ(Verified(store_),
            std::vector<std::string>{"a: corruption: head record missing"});
  ActorEntry entry = state->entry;
  entry.state = ActorState::kLegacy;
  const std::string key = ActorEntryKey("a");
  batch.Put(CatalogPartition(), key, EncodeRecord(key, entry));
  ASSERT_TRUE(store_->Commit(batch, Durability::kSynced).done());
  EXPECT_EQ(Verified(store_),
            std::vector<std::string>{
                "a: corruption: the legacy record says that the actor is live, "
                "but it has no head"});
}

TEST_F(LegacyStoreTest, TheViewOverStoredPairs) {
  LegacyPairs stored(store_->engine(), Loaded(store_, "a").record.legacy);
  LayoutOneView view(&stored);
  EXPECT_TRUE(AllPairs(&view) ==
              LoadPairMap("p-half-migrated.expected.jsonl.gz"));
  LayoutReport report;
  ASSERT_OK(CheckLayouts(&stored, &report));
  EXPECT_EQ(report.PairCount(), pairs_.size());
}

}  // namespace
}  // namespace actorkv
