// CommitAll and TakeOver: conflicts, fences, outcomes that are not known, and
// several actors at once. single_partition_test.cc has the weaker engines.

#include "kv/pages/commit.h"

#include <gtest/gtest.h>

#include <thread>

#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/store/catalog.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

constexpr uint32_t kSize = kMinPageSize;

std::string P(PageNo pgno, uint32_t version) {
  return TestPage(kSize, pgno, version);
}

void Put(const TestStore& store, const std::string& name, uint32_t version) {
  TestTransaction transaction(store, name);
  transaction.Write(1, P(1, version)).Write(2, P(2, version));
  ASSERT_OK(transaction.Commit());
}

void ExpectVersion(const TestStore& store, const std::string& name,
                   uint32_t version) {
  SCOPED_TRACE(name);
  ExpectPages(store, name, {P(1, version), P(2, version)});
}

// A writer that holds no reservation, as another process would be.
class Outsider {
 public:
  Outsider(const TestStore& store, const std::string& name)
      : actor_(std::make_shared<Actor>(name, store->engine(), &epoch_)) {
    std::shared_ptr<const HeadState> base;
    EXPECT_OK(actor_->Current(&base));
    writer_ =
        std::make_unique<BranchWriter>(store.shared(), actor_, base, kSize);
  }
  Status Commit(const TestStore& store, uint32_t version) {
    EXPECT_OK(writer_->WritePage(1, P(1, version).data()));
    EXPECT_OK(writer_->WritePage(2, P(2, version).data()));
    std::vector<PendingCommit> commits(1);
    commits[0].writer = writer_.get();
    commits[0].spec.page_count = writer_->page_count();
    return CommitAll(store.get(), Durability::kSynced, &commits);
  }
  Actor* actor() { return actor_.get(); }

 private:
  std::atomic<uint64_t> epoch_{0};
  std::shared_ptr<Actor> actor_;
  std::unique_ptr<BranchWriter> writer_;
};

class CommitTest : public testing::Test {
 protected:
  uint64_t HeadTxId() { return store_.State("a")->head.snapshot.txid.value; }

  TestStore store_;
};

TEST_F(CommitTest, TheSecondOfTwoWritersIsRefused) {
  Put(store_, "a", 1);
  Outsider first(store_, "a");
  Outsider second(store_, "a");
  EXPECT_OK(first.Commit(store_, 2));
  EXPECT_TRUE(IsError(second.Commit(store_, 3), Code::kConflict,
                      "the actor was changed by another writer: actor=a"));
  store_.Reopen();
  ExpectVersion(store_, "a", 2);
}

TEST_F(CommitTest, TwoCreatorsOfOneName) {
  Outsider first(store_, "a");
  Outsider second(store_, "a");
  EXPECT_OK(first.Commit(store_, 2));
  EXPECT_TRUE(IsError(second.Commit(store_, 3), Code::kConflict, "actor=a"));
  ExpectVersion(store_, "a", 2);
}

TEST_F(CommitTest, ReserveIsForOneOwnerOnTheNewestHead) {
  Put(store_, "a", 1);
  const auto actor = store_.Open("a");
  const auto old_state = store_.State("a");
  Put(store_, "a", 2);
  Writer one(actor->writers());
  Writer two(actor->writers());
  EXPECT_TRUE(
      IsError(actor->Reserve(&one, old_state->head.snapshot, Generation{1}),
              Code::kConflict,
              "has changed since the transaction began: actor=a "
              "snapshot=1 head=2"));
  const auto state = store_.State("a");
  ASSERT_OK(actor->Reserve(&one, state->head.snapshot, Generation{1}));
  EXPECT_TRUE(actor->reserved());
  EXPECT_TRUE(IsError(actor->Reserve(&two, state->head.snapshot, {1}),
                      Code::kBusy, "another connection is writing: actor=a"));
  actor->Release(&two);
  EXPECT_TRUE(actor->reserved()) << "only the owner can release";
  actor->Release(&one);
  EXPECT_OK(actor->Reserve(&two, state->head.snapshot, Generation{1}));
  actor->Release(&two);
}

// A connection that looked before the actor was made has no generation yet.
TEST_F(CommitTest, WhoSawNoActorIsNotFenced) {
  const auto actor = store_.Open("a");
  Put(store_, "a", 1);
  Writer owner(actor->writers());
  EXPECT_TRUE(IsError(actor->Reserve(&owner, Snapshot{}, Generation{}),
                      Code::kConflict, "has changed"));
}

TEST_F(CommitTest, TakeOverFencesWhoWroteBefore) {
  Put(store_, "a", 1);
  const auto actor = store_.Open("a");
  const auto old_state = store_.State("a");
  TestTransaction stale(store_, "a");
  stale.Write(1, P(1, 2));
  Generation generation;
  ASSERT_OK(TakeOver(store_.get(), actor.get(), &generation));
  EXPECT_EQ(generation.value, 2u);
  EXPECT_TRUE(IsError(stale.Commit(), Code::kFenced,
                      "actor=a: expected generation 1, actual 2"));
  // No retry recovers.
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(IsError(actor->Reserve(stale.reservation(),
                                       old_state->head.snapshot, Generation{1}),
                        Code::kFenced, "expected generation 1, actual 2"));
  }
  ExpectVersion(store_, "a", 1);
}

TEST_F(CommitTest, TheTakerGoesOn) {
  Put(store_, "a", 1);
  const auto actor = store_.Open("a");
  Generation generation;
  ASSERT_OK(TakeOver(store_.get(), actor.get(), &generation));
  ASSERT_OK(TakeOver(store_.get(), actor.get(), &generation));
  EXPECT_EQ(generation.value, 3u);
  Put(store_, "a", 2);
  store_.Reopen();
  ExpectVersion(store_, "a", 2);
  EXPECT_EQ(store_.State("a")->head.generation.value, 3u);
}

// A commit that was done but not yet told to the actor when it was taken over.
TEST_F(CommitTest, ALatePublishDoesNotFenceTheTaker) {
  Put(store_, "a", 1);
  const auto actor = store_.Open("a");
  const auto before = store_.State("a");
  Generation generation;
  ASSERT_OK(TakeOver(store_.get(), actor.get(), &generation));
  actor->Publish(before, {});
  Writer owner(actor->writers());
  EXPECT_OK(actor->Reserve(&owner, before->head.snapshot, generation));
  actor->Release(&owner);
}

TEST_F(CommitTest, TakeOverOfNobody) {
  Generation generation{7};
  EXPECT_TRUE(
      IsError(TakeOver(store_.get(), store_.Open("a").get(), &generation),
              Code::kNotFound, "no such actor: actor=a"));
  Put(store_, "a", 1);
  store_.plan()->FailCommit(1, CommitFault::kFailed);
  EXPECT_TRUE(
      IsError(TakeOver(store_.get(), store_.Open("a").get(), &generation),
              Code::kIOError, "injected"));
  EXPECT_EQ(generation.value, 7u);
  Outsider first(store_, "a");
  // One who knows an older head looks again.
  Put(store_, "a", 2);
  EXPECT_OK(TakeOver(store_.get(), first.actor(), &generation));
}

TEST_F(CommitTest, AnUnknownOutcomeThatLandedIsASuccess) {
  Put(store_, "a", 1);
  const uint64_t txid = HeadTxId();
  store_.plan()->FailCommit(1, CommitFault::kUnknownLanded);
  Put(store_, "a", 2);
  EXPECT_EQ(HeadTxId(), txid + 1);
  ExpectVersion(store_, "a", 2);
  Put(store_, "a", 3);
  ExpectVersion(store_, "a", 3);
}

TEST_F(CommitTest, AnUnknownOutcomeThatIsLostIsAnErrorAndItsTxidIsNotUsed) {
  Put(store_, "a", 1);
  const auto keep = store_.Open("a");
  const uint64_t txid = HeadTxId();
  store_.plan()->FailCommit(1, CommitFault::kUnknownLost);
  {
    TestTransaction transaction(store_, "a");
    transaction.Write(1, P(1, 2));
    EXPECT_TRUE(IsError(transaction.Commit(), Code::kIOError,
                        "injected unknown outcome"));
  }
  ExpectVersion(store_, "a", 1);
  Put(store_, "a", 3);
  EXPECT_EQ(HeadTxId(), txid + 2);
  ExpectVersion(store_, "a", 3);
}

TEST_F(CommitTest, AnUnknownOutcomeThatCannotBeLookedUpSaysSo) {
  for (auto fault : {CommitFault::kUnknownLanded, CommitFault::kUnknownLost}) {
    Put(store_, "a", 1);
    {
      TestTransaction transaction(store_, "a");
      transaction.Write(1, P(1, 2)).Write(2, P(2, 2));
      ASSERT_OK(transaction->Stage());
      store_.plan()->Reset();
      store_.plan()->FailCommit(1, fault);
      // The reads of Prepare come first.
      for (uint64_t nth = 3; nth < 40; ++nth) {
        store_.plan()->FailRead(nth, Status::IOError("cable"));
      }
      EXPECT_TRUE(IsError(transaction.Commit(), Code::kIOError,
                          "the outcome of the commit is not known"));
      store_.plan()->Reset();
    }
    store_.Maintain();
    const bool landed = fault == CommitFault::kUnknownLanded;
    ExpectVersion(store_, "a", landed ? 2 : 1);
    store_.Reopen();
    store_.Maintain();
    ExpectVersion(store_, "a", landed ? 2 : 1);
  }
}

TEST_F(CommitTest, AFailedCommitChangesNothingAndCanBeRepeated) {
  Put(store_, "a", 1);
  for (const Status& error :
       {Status::NoSpace("disk full"), Status::IOError("dead")}) {
    TestTransaction transaction(store_, "a");
    transaction.Write(1, P(1, 2));
    store_.plan()->FailCommit(1, CommitFault::kFailed, error);
    EXPECT_TRUE(IsError(transaction.Commit(), error.code(),
                        std::string(error.message())));
    ExpectVersion(store_, "a", 1);
  }
  Put(store_, "a", 3);
  ExpectVersion(store_, "a", 3);
}

TEST_F(CommitTest, AConflictOfTheEngineWithoutACauseIsAConflict) {
  Put(store_, "a", 1);
  TestTransaction transaction(store_, "a");
  transaction.Write(1, P(1, 2));
  store_.plan()->FailCommit(1, CommitFault::kConflict);
  EXPECT_TRUE(IsError(transaction.Commit(), Code::kConflict, "a guard"));
  ExpectVersion(store_, "a", 1);
}

TEST_F(CommitTest, ThreeActorsInOneEngineCommit) {
  for (const char* name : {"a", "b"}) Put(store_, name, 1);
  TestTransaction a(store_, "a");
  TestTransaction b(store_, "b");
  TestTransaction c(store_, "c");
  for (TestTransaction* t : {&a, &b, &c})
    t->Write(1, P(1, 2)).Write(2, P(2, 2));
  std::vector<PendingCommit> commits = {a.Pending(), b.Pending(), c.Pending()};
  store_.plan()->Reset();
  ASSERT_OK(CommitAll(store_.get(), Durability::kSynced, &commits));
  EXPECT_EQ(store_.plan()->commit_count(), 1u);
  for (const char* name : {"a", "b", "c"}) ExpectVersion(store_, name, 2);
  const Head& first = store_.State("a")->head;
  for (const char* name : {"b", "c"}) {
    const Head& head = store_.State(name)->head;
    EXPECT_EQ(head.commit_id, first.commit_id);
    EXPECT_EQ(head.committed_at_us, first.committed_at_us);
  }
}

TEST_F(CommitTest, OneConflictStopsThemAll) {
  for (const char* name : {"a", "b", "c"}) Put(store_, name, 1);
  TestTransaction a(store_, "a");
  TestTransaction b(store_, "b");
  TestTransaction c(store_, "c");
  for (TestTransaction* t : {&a, &b, &c}) t->Write(1, P(1, 2));
  EXPECT_OK(Outsider(store_, "b").Commit(store_, 9));
  std::vector<PendingCommit> commits = {a.Pending(), b.Pending(), c.Pending()};
  EXPECT_TRUE(IsError(CommitAll(store_.get(), Durability::kSynced, &commits),
                      Code::kConflict, "actor=b"));
  ExpectVersion(store_, "a", 1);
  ExpectVersion(store_, "b", 9);
  ExpectVersion(store_, "c", 1);
}

// One look serves both questions: did it land, and why did it not.
TEST_F(CommitTest, AConflictReadsEachHeadOnce) {
  for (const char* name : {"a", "b", "c"}) Put(store_, name, 1);
  std::shared_ptr<const HeadState> unused;
  store_.plan()->Reset();
  ASSERT_OK(LoadHeadState(store_->engine()->NewReader().get(), "a", &unused));
  const uint64_t per_head = store_.plan()->read_count();
  ASSERT_GT(per_head, 0U);
  for (const char* moved : {"a", "b"}) {
    SCOPED_TRACE(moved);
    TestTransaction a(store_, "a");
    TestTransaction b(store_, "b");
    TestTransaction c(store_, "c");
    for (TestTransaction* t : {&a, &b, &c}) t->Write(1, P(1, 2));
    EXPECT_OK(Outsider(store_, moved).Commit(store_, 9));
    std::vector<PendingCommit> commits = {a.Pending(), b.Pending(),
                                          c.Pending()};
    store_.plan()->Reset();
    EXPECT_TRUE(IsError(CommitAll(store_.get(), Durability::kSynced, &commits),
                        Code::kConflict, std::string("actor=") + moved));
    // Where the first head moved, the commit may lie below it.
    const uint64_t own_record = *moved == 'a' ? 1 : 0;
    // The cache has the page as the other one wrote it.
    const uint64_t old_page = 1;
    EXPECT_EQ(store_.plan()->read_count(),
              3 * per_head + own_record + old_page);
  }
}

TEST_F(CommitTest, EachFaultOfACommitOfThree) {
  for (auto fault : {CommitFault::kFailed, CommitFault::kUnknownLost,
                     CommitFault::kConflict, CommitFault::kUnknownLanded}) {
    for (const char* name : {"a", "b", "c"}) Put(store_, name, 1);
    TestTransaction a(store_, "a");
    TestTransaction b(store_, "b");
    TestTransaction c(store_, "c");
    for (TestTransaction* t : {&a, &b, &c})
      t->Write(1, P(1, 2)).Write(2, P(2, 2));
    std::vector<PendingCommit> commits = {a.Pending(), b.Pending(),
                                          c.Pending()};
    store_.plan()->FailCommit(1, fault);
    const Status s = CommitAll(store_.get(), Durability::kSynced, &commits);
    EXPECT_EQ(s.ok(), fault == CommitFault::kUnknownLanded) << s.ToString();
    for (const char* name : {"a", "b", "c"}) {
      ExpectVersion(store_, name, s.ok() ? 2 : 1);
    }
  }
}

TEST(CommitLimitsTest, ManyActorsOnAnEngineWithSmallBatches) {
  constexpr size_t kBatch = size_t{64} * kSize;
  TestStore store(MemorySource(), SmallBatches(kBatch));
  std::vector<std::unique_ptr<TestTransaction>> transactions;
  std::vector<PendingCommit> commits;
  for (int i = 0; i < 8; ++i) {
    transactions.push_back(
        std::make_unique<TestTransaction>(store, "actor" + std::to_string(i)));
    for (PageNo pgno = 1; pgno <= 30; ++pgno) {
      transactions.back()->Write(pgno, P(pgno, 1));
    }
    commits.push_back(transactions.back()->Pending());
  }
  ASSERT_OK(CommitAll(store.get(), Durability::kSynced, &commits));
  const std::vector<std::string> pages = TestPages(kSize, 30, 1);
  for (int i = 0; i < 8; ++i) {
    ExpectPages(store, "actor" + std::to_string(i), pages);
  }
}

TEST_F(CommitTest, AReadOnlyStoreRefuses) {
  const auto source = MemorySource();
  TestStore writer(source);
  Put(writer, "a", 1);
  std::shared_ptr<Store> store;
  ASSERT_OK(Store::Open("dir", source(), /*read_only=*/true, &store));
  std::shared_ptr<Actor> actor;
  ASSERT_OK(store->OpenActor("a", &actor));
  std::shared_ptr<const HeadState> base;
  ASSERT_OK(actor->Current(&base));
  BranchWriter pages(store, actor, base, kSize);
  std::vector<PendingCommit> commits(1);
  commits[0].writer = &pages;
  EXPECT_TRUE(IsError(CommitAll(store.get(), Durability::kSynced, &commits),
                      Code::kNotSupported, "open read-only: dir"));
}

TEST_F(CommitTest, RecreationCarriesTheFloors) {
  {
    TestTransaction transaction(store_, "a");
    transaction.Write(1, P(1, 1));
    ASSERT_OK(transaction.Commit(41));
  }
  const ActorId old_actor = store_.State("a")->entry.actor;
  TxId txid;
  ASSERT_OK(DeleteActor(store_.get(), "a", SchemaCookie(17), &txid));
  EXPECT_FALSE(store_.State("a")->exists);
  Put(store_, "a", 2);
  const auto state = store_.State("a");
  EXPECT_EQ(state->entry.stamp_floor, 41u);
  EXPECT_EQ(state->entry.cookie_floor, 17u);
  EXPECT_NE(state->entry.actor, old_actor);
  ExpectVersion(store_, "a", 2);
  // The entry of the deleted one is kept.
  const std::string key = DeletedEntryKey(old_actor);
  std::optional<ActorEntry> entry;
  ASSERT_OK(GetRecord(store_->engine()->NewReader().get(), CatalogPartition(),
                      key, &entry));
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->actor, old_actor);
  EXPECT_EQ(entry->state, ActorState::kDeleted);
  // And once more: the largest floors of all.
  {
    TestTransaction transaction(store_, "a");
    transaction.Write(1, P(1, 2)).Write(2, P(2, 2));
    ASSERT_OK(transaction.Commit(30));
  }
  ASSERT_OK(DeleteActor(store_.get(), "a", SchemaCookie(3), &txid));
  Put(store_, "a", 3);
  EXPECT_EQ(store_.State("a")->entry.stamp_floor, 41u);
  EXPECT_EQ(store_.State("a")->entry.cookie_floor, 17u);
}

void CommitInThreads(const TestStore& store) {
  constexpr int kThreads = 4;
  constexpr uint32_t kCommits = 50;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (uint32_t i = 1; i <= kCommits; ++i) {
        Put(store, "actor" + std::to_string(t), i);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < kThreads; ++t) {
    ExpectVersion(store, "actor" + std::to_string(t), kCommits);
  }
}

TEST(CommitThreadsTest, DifferentActorsOnMemory) {
  CommitInThreads(TestStore());
}

TEST(CommitThreadsTest, DifferentActorsOnRocksDb) {
  const TempDir dir;
  CommitInThreads(TestStore(RocksDbSource(dir.File("store"))));
}

// Readers of old heads, a writer, and flattening, all at once.
TEST(CommitThreadsTest, ReadersBesideAWriter) {
  const TempDir dir;
  const TestStore store(RocksDbSource(dir.File("store")));
  Put(store, "a", 1);
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  readers.reserve(3);
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto state = store.State("a");
        const auto pages =
            ReadAll(store->engine(), state->head.snapshot, state->lineage);
        ASSERT_TRUE(pages.has_value());
        EXPECT_EQ(DigestOf(*pages), state->head.digest);
      }
    });
  }
  for (uint32_t version = 2; version < 60; ++version) {
    {
      TestTransaction transaction(store, "a");
      transaction.Write(1 + version % 2, P(1, version));
      EXPECT_OK(transaction->Stage());
      EXPECT_OK(transaction.Commit(version));
    }
    store.Maintain();
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace actorkv
