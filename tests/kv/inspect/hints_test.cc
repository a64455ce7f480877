// Preload hints through a store: learned, written, read, fenced, and never more
// than advice.

#include "kv/store/hints.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/cache/actor_hints.h"
#include "kv/format/keys.h"
#include "kv/inspect/verify.h"
#include "kv/pages/preload.h"
#include "kv/reclaim/reclaim.h"
#include "kv/store/catalog.h"
#include "tests/support/hints_harness.h"

namespace actorkv {
namespace {

TEST_F(HintsTest, TheNextWakeReadsThemTogether) {
  Restart();
  Visit first(store_, "a");
  first.Read(kUsed);
  EXPECT_EQ(first.missed(), 6);
  ASSERT_OK(first.Close());
  Restart();
  Visit second(store_, "a");
  second.Read(kUsed);
  EXPECT_EQ(second.missed(), 0);
  EXPECT_EQ(second.preloaded(), kUsed);
  Visit third(store_, "a");
  third.Read(kUsed);
  EXPECT_EQ(third.preloaded(), Pages()) << "they are in the cache";
}

TEST_F(HintsTest, ACloseWritesNothingAndWhatWaitsIsFound) {
  Restart();
  ASSERT_OK(Visit(store_, "a").Read(kUsed).Close());
  EXPECT_TRUE(Stored().ranges.empty());
  HintsRecord waiting;
  ASSERT_OK(store_->hints()->Load(Owner(), &waiting));
  EXPECT_EQ(waiting.page_count(), kUsed.size());
  store_.Maintain();
  EXPECT_EQ(EncodeRecord("k", Stored()), EncodeRecord("k", waiting));
}

TEST_F(HintsTest, AnActorThatStaysOpenIsNotForgotten) {
  Restart();
  Visit visit(store_, "a");
  visit.Read(kUsed);
  store_.Maintain();
  EXPECT_TRUE(Stored().ranges.empty()) << "it is early";
  store_->hints()->EndLearningForTesting();
  store_.Maintain();
  EXPECT_EQ(Stored().page_count(), kUsed.size());
  // It goes on learning, and what it has learned at the end counts.
  visit.Read({11, 12});
  ASSERT_OK(visit.Close());
  store_.Maintain();
  EXPECT_EQ(Stored().page_count(), kUsed.size() + 2);
}

TEST_F(HintsTest, TheLastOfSeveralWhoCloseIsTheOneWhoCounts) {
  Restart();
  Visit first(store_, "a");
  Visit second(store_, "a");
  first.Read({1, 7, 8});
  ASSERT_OK(first.Close());
  second.Read({9, 21, 30});
  ASSERT_OK(second.Close());
  store_.Maintain();
  EXPECT_EQ(Stored().page_count(), 6U);
}

// Tells of each commit before it happens.
using CommitVisitor = std::function<void(Durability)>;
class VisitedEngine : public ForwardingEngine {
 public:
  VisitedEngine(std::shared_ptr<Engine> base, const CommitVisitor* visitor)
      : ForwardingEngine(std::move(base)), visitor_(visitor) {}
  CommitResult Commit(const Batch& batch, Durability durability) override {
    if (*visitor_ != nullptr) (*visitor_)(durability);
    return ForwardingEngine::Commit(batch, durability);
  }

 private:
  const CommitVisitor* const visitor_;
};

EngineSource VisitedSource(const CommitVisitor* visitor) {
  const std::shared_ptr<Engine> kept = NewMemoryEngine(UnboundedLimits());
  return [kept, visitor]() -> std::unique_ptr<Engine> {
    return std::make_unique<VisitedEngine>(kept, visitor);
  };
}

TEST_F(HintsTest, TheyAreWrittenWithoutASyncAndOnlyWhenTheyChange) {
  CommitVisitor visitor;
  TestStore store(VisitedSource(&visitor));
  Commit(store, kPages, 1);
  std::vector<Durability> log;
  visitor = [&log](Durability durability) { log.push_back(durability); };
  size_t writes = 0;
  for (int i = 0; i < 20; ++i) {
    log.clear();
    store.Reopen();
    ASSERT_OK(Visit(store, "a").Read(kUsed).Close());
    store.Maintain();
    writes += log.size();
    for (const Durability durability : log) {
      EXPECT_EQ(durability, Durability::kBuffered);
    }
  }
  EXPECT_GT(writes, 0U);
  EXPECT_LT(writes, 16U) << "what is always the same comes to rest";
  EXPECT_TRUE(log.empty());
}

// --- Whose they are ----------------------------------------------------------

TEST_F(HintsTest, AStaleOwnersHintsAreRefused) {
  Learn();
  const HintsRecord before = Stored();
  Visit stale(store_, "a");
  stale.Read({1, 2, 3, 4, 5, 6});
  Generation raised;
  ASSERT_OK(TakeOver(store_.get(), store_.Open("a").get(), &raised));
  EXPECT_TRUE(
      IsError(stale.Close(), Code::kFenced, "expected generation 1, actual 2"));
  store_.Maintain();
  // What was there is the new owner's.
  EXPECT_EQ(Stored().generation, raised);
  EXPECT_EQ(Stored().page_count(), before.page_count());
  // And once more where the head is read: in another process, say.
  EXPECT_TRUE(IsError(store_->hints()->Write({"a", Owner().actor, before}),
                      Code::kFenced, "expected generation 1, actual 2"));
}

TEST_F(HintsTest, ALateWriteOfAStaleOwnerIsNotRead) {
  Learn();
  Generation raised;
  HintsRecord stale = Stored();
  ASSERT_OK(TakeOver(store_.get(), store_.Open("a").get(), &raised));
  Put(EncodeRecord(HintsKey(), stale));
  HintsRecord read;
  EXPECT_TRUE(IsError(store_->hints()->Load(Owner(), &read), Code::kFenced,
                      "expected generation 1, actual 2"));
  Visit visit(store_, "a");
  visit.Read(kUsed);
  EXPECT_EQ(visit.woken().code(), Code::kFenced);
  EXPECT_EQ(visit.preloaded(), Pages());
  ASSERT_OK(visit.Close());
  store_.Maintain();
  EXPECT_EQ(Stored().generation, raised) << "learned anew";
}

TEST_F(HintsTest, AWriteThatATakeOverOvertakesIsRefused) {
  CommitVisitor visitor;
  TestStore store(VisitedSource(&visitor));
  Commit(store, kPages, 1);
  store.Reopen();
  ASSERT_OK(Visit(store, "a").Read(kUsed).Close());
  store.Maintain();
  store.Reopen();
  ASSERT_OK(Visit(store, "a").Read(kUsed).Close());
  store.Maintain();
  const HintsRecord before = Stored(store);
  ASSERT_FALSE(before.ranges.empty());
  LearnedHints learned{"a", Owner(store).actor, before};
  learned.record.ranges.pop_back();
  // Between its look at the head and its commit.
  bool taken_over = false;
  visitor = [&](Durability) {
    if (std::exchange(taken_over, true)) return;
    Generation raised;
    EXPECT_OK(TakeOver(store.get(), store.Open("a").get(), &raised));
  };
  EXPECT_TRUE(IsError(store->hints()->Write(learned), Code::kFenced,
                      "expected generation 1, actual 2"));
  EXPECT_EQ(Stored(store).page_count(), before.page_count());
}

TEST_F(HintsTest, TheyGoWithTheActor) {
  Learn();
  const Partition partition = ActorPartition(Owner().actor);
  LearnedHints late{"a", Owner().actor, Stored()};
  late.record.ranges.pop_back();
  TxId txid;
  uint64_t bytes = 0;
  ASSERT_OK(DeleteActor(store_.get(), "a", SchemaCookie(1), &txid));
  ASSERT_OK(PurgeActor(store_.get(), "a", &bytes));
  EXPECT_TRUE(store_.Scan(partition).empty());
  EXPECT_EQ(store_->hints()->Write(late).code(), Code::kNotFound);
  EXPECT_TRUE(store_.Scan(partition).empty());
}

TEST_F(HintsTest, TheyStayWithARenamedActor) {
  Learn();
  ASSERT_OK(RenameActor(store_.get(), "a", "b"));
  Visit visit(store_, "b");
  visit.Read(kUsed);
  EXPECT_EQ(visit.preloaded(), kUsed);
}

TEST_F(HintsTest, AFollowerPreloadsAndWritesNothing) {
  CommitVisitor visitor;
  const EngineSource source = VisitedSource(&visitor);
  {
    TestStore store(source);
    Commit(store, kPages, 1);
    store.Close();
    store.Reopen();
    ASSERT_OK(Visit(store, "a").Read(kUsed).Close());
    store.Close();
  }
  visitor = [](Durability) { ADD_FAILURE() << "a follower writes"; };
  std::shared_ptr<Store> follower;
  ASSERT_OK(Store::Open("test", source(), /*read_only=*/true, &follower));
  Visit visit(follower, "a");
  visit.Read(kUsed).Read({2, 3, 4, 5});
  EXPECT_EQ(visit.preloaded(), kUsed);
  EXPECT_EQ(visit.missed(), 4);
  ASSERT_OK(visit.Close());
  bool more = false;
  Upkeep upkeep(follower.get());
  ASSERT_OK(upkeep.Maintain(&more));
  EXPECT_FALSE(more);
  upkeep.Close();
}

// --- Never more than advice --------------------------------------------------

// Invariant 1 of kv/pages/preload.h: what is read is what the snapshot sees,
// whatever became of the actor since it learned.
TEST_F(HintsTest, WhatIsPreloadedIsWhatTheSnapshotSees) {
  Learn();
  Commit(store_, kPages, 2);  // all pages are others
  Commit(store_, 25, 3);      // page 30 is gone
  Restart();
  Visit visit(store_, "a");
  for (PageNo pgno = 1; pgno <= 25; ++pgno) {
    EXPECT_EQ(visit.Read(pgno), TestPage(kMinPageSize, pgno, 3)) << pgno;
  }
  EXPECT_EQ(visit.preloaded(), Pages({1, 7, 8, 9, 21}));
  Commit(store_, 25, 4);
  Visit later(store_, "a");
  for (PageNo pgno = 1; pgno <= 25; ++pgno) {
    EXPECT_EQ(later.Read(pgno), TestPage(kMinPageSize, pgno, 4)) << pgno;
  }
}

TEST_F(HintsTest, HintsOfPagesThatWereNeverThereDoNoHarm) {
  HintsRecord wild;
  wild.generation = Owner().generation;
  wild.ranges = {{LockPage(kMinPageSize), 1, kAlwaysHit, true},
                 {0xfffffff0, 0x10, kAlwaysHit, true}};
  Put(EncodeRecord(HintsKey(), wild));
  Restart();
  Visit visit(store_, "a");
  EXPECT_EQ(visit.Read(5), TestPage(kMinPageSize, 5, 1));
  EXPECT_OK(visit.woken());
}

TEST_F(HintsTest, ADamagedPageIsLeftToWhoReadsIt) {
  Learn();
  const Snapshot snapshot = store_.State("a")->head.snapshot;
  Batch batch;
  batch.Put(BranchPartition(snapshot.branch), ChunkKey(8, snapshot.txid),
            "not a chunk");
  ASSERT_TRUE(store_->Commit(batch, Durability::kBuffered).done());
  Visit visit(store_, "a");
  for (const PageNo pgno : {1U, 30U, 7U, 9U, 21U}) {
    EXPECT_EQ(visit.Read(pgno), TestPage(kMinPageSize, pgno, 1)) << pgno;
  }
  EXPECT_EQ(visit.missed(), 0);
  EXPECT_NE(visit.Read(8).find("page chunk damaged"), std::string::npos)
      << visit.Read(8);
}

TEST_F(HintsTest, ARecordThatCannotBeReadIsIgnoredAndReplaced) {
  std::string newer = EncodeRecord(HintsKey(), Stored());
  newer[0] = 9;
  for (const std::string& bytes : {newer, std::string("rubbish")}) {
    Put(bytes);
    Restart();
    Visit visit(store_, "a");
    for (const PageNo pgno : kUsed) {
      EXPECT_EQ(visit.Read(pgno), TestPage(kMinPageSize, pgno, 1));
    }
    EXPECT_EQ(visit.woken().code(),
              bytes == newer ? Code::kNotSupported : Code::kCorruption);
    ASSERT_OK(visit.Close());
    Restart();
    EXPECT_EQ(Stored().page_count(), kUsed.size());
  }
}

TEST_F(HintsTest, NothingIsReadOrLearnedForASmallActor) {
  Transaction transaction(store_, "small");
  for (PageNo pgno = 1; pgno < kMinHintedActorPages; ++pgno) {
    transaction.Write(pgno, TestPage(kMinPageSize, pgno, 1));
  }
  ASSERT_OK(transaction.Commit());
  Restart();
  Visit visit(store_, "small");
  const uint64_t read_count = store_.plan()->read_count();
  visit.Read({1, 2, 3, 4, 5, 6, 7});
  EXPECT_EQ(store_.plan()->read_count(), read_count + 7);
  ASSERT_OK(visit.Close());
  store_.Maintain();
  HintsRecord record;
  const auto state = store_.State("small");
  ASSERT_OK(store_->hints()->Load({state->entry.actor, state->head.generation},
                                  &record));
  EXPECT_TRUE(record.ranges.empty());
}

TEST_F(HintsTest, VerifyKnowsThem) {
  Learn();
  const auto verify = [this] {
    Verifier verifier(store_.get());
    std::vector<Finding> findings;
    for (bool done = false; !done;) verifier.Step(&findings, &done);
    return findings;
  };
  EXPECT_TRUE(verify().empty());
  Put("rubbish");
  ASSERT_EQ(verify().size(), 1U);
  EXPECT_NE(verify()[0].detail.find("hints record"), std::string::npos);
  EXPECT_NE(verify()[0].mend.find("nothing"), std::string::npos);
}

}  // namespace
}  // namespace actorkv
