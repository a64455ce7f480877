// Store: its record, its actors, commits in runs, and closing.

#include "kv/store/store.h"

#include <gtest/gtest.h>

#include <thread>

#include "kv/base/types.h"
#include "kv/format/keys.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

void PutRaw(Engine* engine, const std::string& key, const std::string& value) {
  Batch batch;
  batch.Put(CatalogPartition(), key, value);
  ASSERT_TRUE(engine->Commit(batch, Durability::kSynced).done());
}

Status OpenOn(const EngineSource& source, bool read_only,
              std::shared_ptr<Store>* store) {
  return Store::Open("dir", source(), read_only, store);
}

TEST(StoreTest, TheFirstOpenMakesTheRecordAndLaterOnesReadIt) {
  const auto source = MemorySource();
  std::shared_ptr<Store> store;
  ASSERT_OK(OpenOn(source, false, &store));
  const StoreRecord made = store->record();
  EXPECT_EQ(made.format, kStoreFormat);
  EXPECT_NE(made.store_id, 0u);
  ASSERT_OK(OpenOn(source, false, &store));
  EXPECT_EQ(store->record().store_id, made.store_id);
  EXPECT_EQ(store->record().created_at_us, made.created_at_us);
  ASSERT_OK(OpenOn(source, true, &store));
  EXPECT_EQ(store->record().store_id, made.store_id);
}

TEST(StoreTest, AFollowerDoesNotMakeAStore) {
  std::shared_ptr<Store> store;
  EXPECT_TRUE(IsError(OpenOn(MemorySource(), true, &store), Code::kNotFound,
                      "store=dir: the store is not set up yet"));
  EXPECT_EQ(store, nullptr);
}

TEST(StoreTest, ANewerFormatIsNamed) {
  const auto source = MemorySource();
  StoreRecord record;
  record.format = kStoreFormat + 1;
  PutRaw(source().get(), StoreRecordKey(),
         EncodeRecord(StoreRecordKey(), record));
  std::shared_ptr<Store> store;
  EXPECT_TRUE(IsError(OpenOn(source, false, &store), Code::kNotSupported,
                      "store format 4 is newer"));
}

TEST(StoreTest, AnOlderFormatIsRaisedByAWriterAlone) {
  const auto source = MemorySource();
  std::shared_ptr<Store> store;
  ASSERT_OK(OpenOn(source, false, &store));
  const StoreRecord made = store->record();
  StoreRecord older = made;
  older.format = 1;
  PutRaw(store->engine(), StoreRecordKey(),
         EncodeRecord(StoreRecordKey(), older));
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK(OpenOn(source, true, &store));
    EXPECT_EQ(store->record().format, 1u) << "nothing is written";
  }
  ASSERT_OK(OpenOn(source, false, &store));
  EXPECT_EQ(store->record().format, kStoreFormat);
  ASSERT_OK(OpenOn(source, true, &store));
  EXPECT_EQ(store->record().format, kStoreFormat);
  EXPECT_EQ(store->record().store_id, made.store_id);
  EXPECT_EQ(store->record().created_at_us, made.created_at_us);
}

TEST(StoreTest, DamagedRecordsStopTheOpen) {
  const struct {
    std::string key;
    std::string message;
  } kCases[] = {
      {StoreRecordKey(), "store=dir: store record damaged"},
      {ClockLimitPrefix() + "x", "not a clock limit"},
  };
  for (const auto& c : kCases) {
    const auto source = MemorySource();
    std::shared_ptr<Store> store;
    ASSERT_OK(OpenOn(source, false, &store));
    PutRaw(store->engine(), c.key, "\1 something else");
    store.reset();
    EXPECT_TRUE(
        IsError(OpenOn(source, false, &store), Code::kCorruption, c.message));
  }
}

TEST(StoreTest, EachReadErrorStopsTheOpen) {
  for (uint64_t nth = 1;; ++nth) {
    auto plan = std::make_shared<HostilePlan>();
    plan->FailRead(nth, Status::IOError("no disk"));
    std::shared_ptr<Store> store;
    const Status s = Store::Open(
        "dir", NewHostileEngine(NewMemoryEngine(UnboundedLimits()), plan),
        false, &store);
    if (plan->fired_count() == 0) {
      EXPECT_OK(s);
      EXPECT_GE(nth, 3u);
      return;
    }
    EXPECT_TRUE(IsError(s, Code::kIOError, "no disk"));
  }
}

TEST(StoreTest, OneActorObjectForEachNameWhileItIsUsed) {
  const TestStore store;
  EXPECT_FALSE(store->actors()->IsOpen("a"));
  auto first = store.Open("a");
  EXPECT_EQ(store.Open("a"), first);
  EXPECT_NE(store.Open("b"), first);
  EXPECT_TRUE(store->actors()->IsOpen("a"));
  EXPECT_FALSE(store->actors()->IsOpen("b"));
  first.reset();
  EXPECT_FALSE(store->actors()->IsOpen("a"));
}

TEST(StoreTest, ManyActorsComeAndGo) {
  const TestStore store;
  const auto kept = store.Open("kept");
  for (int i = 0; i < 5000; ++i) store.Open("actor" + std::to_string(i));
  EXPECT_EQ(store.Open("kept"), kept);
  EXPECT_FALSE(store->actors()->IsOpen("actor17"));
}

// The limits of an engine whose data no other process changes.
EngineLimits OneProcess() {
  EngineLimits limits = UnboundedLimits();
  limits.one_process = true;
  return limits;
}

TEST(StoreTest, AnActorThatWasClosedIsOpenedAgainWithoutReading) {
  const TestStore store(MemorySource(), OneProcess());
  auto actor = store.Open("a");
  std::shared_ptr<const HeadState> state;
  ASSERT_OK(actor->Current(&state));
  const Actor* const first = actor.get();
  const uint64_t opened_at_us = store->actors()->OpenedAtUs("a");
  ASSERT_OK(store->CloseActor(std::move(actor)));
  EXPECT_FALSE(store->actors()->IsOpen("a"));
  EXPECT_EQ(store->actors()->OpenedAtUs("a"), 0u);
  const uint64_t read_count = store.plan()->read_count();
  actor = store.Open("a");
  EXPECT_EQ(actor.get(), first);
  EXPECT_TRUE(store->actors()->IsOpen("a"));
  EXPECT_GE(store->actors()->OpenedAtUs("a"), opened_at_us);
  ASSERT_OK(actor->Current(&state));
  EXPECT_EQ(store.plan()->read_count(), read_count);
}

TEST(StoreTest, AnActorIsOpenUntilItsLastUserIsGone) {
  const TestStore store(MemorySource(), OneProcess());
  auto first = store.Open("a");
  auto second = store.Open("a");
  std::shared_ptr<const HeadState> state;
  ASSERT_OK(first->Current(&state));
  ASSERT_OK(store->CloseActor(std::move(first)));
  EXPECT_TRUE(store->actors()->IsOpen("a"));
  EXPECT_TRUE(
      IsError(store->actors()->WhileClosed({"a"}, [] { return Status::Ok(); }),
              Code::kBusy, "the actor is open: actor=a"));
  ASSERT_OK(store->CloseActor(std::move(second)));
  EXPECT_FALSE(store->actors()->IsOpen("a"));
}

// What happens in WhileClosed() happens behind the back of an Actor.
TEST(StoreTest, WhileClosedForgetsWhatIsKnownOfAnActor) {
  const TestStore store(MemorySource(), OneProcess());
  for (const bool then_fails : {false, true}) {
    auto actor = store.Open("a");
    std::shared_ptr<const HeadState> state;
    ASSERT_OK(actor->Current(&state));
    EXPECT_FALSE(state->exists);
    ASSERT_OK(store->CloseActor(std::move(actor)));
    const Status s = store->actors()->WhileClosed({"a"}, [&] {
      return then_fails ? Status::NoSpace("full") : Status::Ok();
    });
    EXPECT_EQ(s.ok(), !then_fails);
    EXPECT_FALSE(store->actors()->IsOpen("a"));
    const uint64_t read_count = store.plan()->read_count();
    ASSERT_OK(store.Open("a")->Current(&state));
    EXPECT_GT(store.plan()->read_count(), read_count);
  }
}

TEST(StoreTest, AsManyIdleActorsAsTheLimitSays) {
  const TestStore store(MemorySource(), OneProcess());
  const auto read_count_of = [&](size_t i) {
    const uint64_t before = store.plan()->read_count();
    auto actor = store.Open("actor" + std::to_string(i));
    std::shared_ptr<const HeadState> state;
    EXPECT_OK(actor->Current(&state));
    EXPECT_OK(store->CloseActor(std::move(actor)));
    return store.plan()->read_count() - before;
  };
  for (size_t i = 0; i <= kMaxIdleActors; ++i) EXPECT_GT(read_count_of(i), 0u);
  EXPECT_EQ(read_count_of(1), 0u);
  EXPECT_EQ(read_count_of(kMaxIdleActors), 0u);
  EXPECT_GT(read_count_of(0), 0u) << "the oldest had to go";
  EXPECT_EQ(read_count_of(1), 0u) << "used after the second oldest";
  EXPECT_GT(read_count_of(2), 0u);
}

// There another process may have raised the generation, deleted it, committed.
TEST(StoreTest, NothingIsKnownOfAClosedActorThatOthersMayChange) {
  const TestStore store;
  auto actor = store.Open("a");
  std::shared_ptr<const HeadState> state;
  ASSERT_OK(actor->Current(&state));
  ASSERT_OK(store->CloseActor(std::move(actor)));
  const uint64_t read_count = store.plan()->read_count();
  ASSERT_OK(store.Open("a")->Current(&state));
  EXPECT_GT(store.plan()->read_count(), read_count);
}

TEST(StoreTest, WhileClosedKeepsOthersOut) {
  const TestStore store;
  EXPECT_OK(store->actors()->WhileClosed({"a", "b"}, [&]() -> Status {
    std::shared_ptr<Actor> actor;
    EXPECT_TRUE(IsError(store->OpenActor("a", &actor), Code::kBusy,
                        "being renamed or deleted: actor=a"));
    EXPECT_TRUE(IsError(
        store->actors()->WhileClosed({"b"}, [] { return Status::Ok(); }),
        Code::kBusy, "actor=b"));
    EXPECT_OK(store->OpenActor("c", &actor));
    return Status::Ok();
  }));
  EXPECT_NE(store.Open("a"), nullptr);
  EXPECT_TRUE(IsError(store->actors()->WhileClosed(
                          {"a"}, [] { return Status::NoSpace("inside"); }),
                      Code::kNoSpace, "inside"));
  EXPECT_NE(store.Open("a"), nullptr) << "open to all after a failure";
}

TEST(StoreTest, CommitIdsAndIdsDiffer) {
  const TestStore store;
  const TestStore other;
  EXPECT_NE(store->commit_ids()->Next(), store->commit_ids()->Next());
  EXPECT_NE(store->commit_ids()->Next(), other->commit_ids()->Next());
  Batch batch;
  const uint64_t first = store->NewId(&batch);
  EXPECT_LT(first, store->NewId(&batch));
}

// Without multi_partition_commit: runs in order, guards with their keys.
TEST(StoreTest, CommitInRunsStopsAtAGuardThatDoesNotHold) {
  TestStore store(MemorySource(), SinglePartition());
  const Partition actor = ActorPartition(ActorId{5});
  const Partition branch = BranchPartition(BranchId{6});
  Batch batch;
  batch.Put(branch, "chunk", "1");
  batch.Put(actor, "head", "2");
  batch.AddGuard(actor, "head", std::nullopt);
  batch.Put(CatalogPartition(), "X", "3");
  store.plan()->Reset();
  ASSERT_TRUE(store->Commit(batch, Durability::kSynced).done());
  EXPECT_EQ(store.plan()->commit_count(), 3u);
  Batch again;
  again.Put(branch, "chunk2", "1");
  again.Put(actor, "head", "other");
  again.AddGuard(actor, "head", std::nullopt);
  again.Put(CatalogPartition(), "Y", "3");
  EXPECT_EQ(store->Commit(again, Durability::kSynced).outcome,
            CommitOutcome::kConflict);
  EXPECT_EQ(store.Scan(branch).size(), 2u) << "what went before is there";
  EXPECT_EQ(store.Scan(actor)[0].value, "2");
  for (const KeyValue& pair : store.Scan(CatalogPartition())) {
    EXPECT_NE(pair.key, "Y");
  }
}

TEST(StoreTest, RunsFitTheEngine) {
  EngineLimits limits = SinglePartition();
  limits.max_batch_bytes = 100;
  TestStore store(MemorySource(), limits);
  Batch batch;
  for (int i = 0; i < 10; ++i) {
    batch.Put(BranchPartition(BranchId{6}), std::to_string(i),
              std::string(45, 'x'));
  }
  ASSERT_TRUE(store->Commit(batch, Durability::kSynced).done());
  EXPECT_EQ(store.Scan(BranchPartition(BranchId{6})).size(), 10u);
}

TEST(StoreTest, TimesGoOnAfterCloseAndRestart) {
  TestStore store;
  Batch batch;
  const uint64_t first_us = store->clock()->Next(&batch);
  store->Close();
  Batch after;
  // Beyond what the limit was rounded up by.
  const uint64_t second_us =
      store->clock()->NextId(first_us + 2 * kHostSlots, &after);
  EXPECT_GT(second_us, first_us);
  EXPECT_FALSE(after.empty()) << "used after Close(), so a limit is due";
  ASSERT_TRUE(store->Commit(after, Durability::kSynced).done());
  store.Reopen();
  EXPECT_GT(store->clock()->Next(&batch), second_us);
}

// Whether a commit of the next time would carry a limit of the clock.
bool OwesALimit(const TestStore& store) {
  Batch batch;
  store->clock()->Next(&batch);
  return !batch.empty();
}

// A batch with a time for which a limit is due, and something of an actor.
Batch BatchWithALimit(const TestStore& store) {
  Batch batch;
  // Past the limit that there is.
  store->clock()->NextId(store->clock()->newest_us() + 10'000'000, &batch);
  EXPECT_FALSE(batch.empty());
  batch.Put(BranchPartition(BranchId{6}), "k", "v");
  return batch;
}

TEST(StoreTest, TheClockHearsOfWhatIsDoneOnEveryWay) {
  for (const bool in_runs : {false, true}) {
    TestStore store(MemorySource(),
                    in_runs ? SinglePartition() : UnboundedLimits());
    for (const Durability durability :
         {Durability::kBuffered, Durability::kBulk, Durability::kSynced}) {
      const Batch batch = BatchWithALimit(store);
      EXPECT_TRUE(OwesALimit(store)) << "it is in no batch that is done";
      ASSERT_TRUE(store->Commit(batch, durability).done());
      EXPECT_FALSE(OwesALimit(store));
    }
  }
}

TEST(StoreTest, TheClockHearsNothingOfWhatMayNotBeThere) {
  for (const bool in_runs : {false, true}) {
    for (const CommitFault fault :
         {CommitFault::kConflict, CommitFault::kFailed,
          CommitFault::kUnknownLanded, CommitFault::kUnknownLost}) {
      TestStore store(MemorySource(),
                      in_runs ? SinglePartition() : UnboundedLimits());
      const Batch batch = BatchWithALimit(store);
      // Of runs the last, so that the limit has landed.
      store.plan()->FailCommit(in_runs ? 2 : 1, fault);
      ASSERT_FALSE(store->Commit(batch, Durability::kSynced).done());
      EXPECT_TRUE(OwesALimit(store)) << "it is written once more";
      Batch again;
      const uint64_t time_us = store->clock()->Next(&again);
      ASSERT_TRUE(store->Commit(again, Durability::kSynced).done());
      EXPECT_FALSE(OwesALimit(store));
      store.Reopen();
      EXPECT_GT(store->clock()->newest_us(), time_us);
    }
  }
}

TEST(StoreTest, CloseForgivesAFullDisk) {
  TestStore store;
  store.plan()->FailCommit(1, CommitFault::kFailed, Status::NoSpace("full"));
  store->Close();
  store.Reopen();
  EXPECT_FALSE(store.State("a")->exists);
}

TEST(StoreTest, ActorsAreOpenedFromManyThreads) {
  const TestStore store;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        const auto actor = store.Open("actor" + std::to_string((i * t) % 7));
        std::shared_ptr<const HeadState> state;
        EXPECT_OK(actor->Current(&state));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace actorkv
