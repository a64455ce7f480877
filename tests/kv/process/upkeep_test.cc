// Upkeep: what it finds when a store is opened, what it drops and what not, and
// what it does not do beside a reclaim. What it does with flattening and with
// hints is in flatten_test.cc and hints_test.cc.

#include "kv/process/upkeep.h"

#include <gtest/gtest.h>

#include <thread>

#include "kv/format/keys.h"
#include "kv/store/store.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

constexpr uint32_t kSize = 4096;
// A transaction of this engine stages past 8 pages.
constexpr size_t kSmallBatch = size_t{16} * kSize;
constexpr PageNo kStaged = 60;

void PutRaw(Store* store, const std::string& key, const std::string& value) {
  Batch batch;
  batch.Put(CatalogPartition(), key, value);
  ASSERT_TRUE(store->engine()->Commit(batch, Durability::kSynced).done());
}

Status LoadUpkeepOf(Store* store) { return Upkeep(store).Load(); }

// Of a transaction that ended before its commit.
void LeaveStage(const TestStore& store) {
  TestTransaction transaction(store, "a", kSize);
  for (PageNo pgno = 1; pgno <= kStaged; ++pgno) {
    transaction.Write(pgno, TestPage(kSize, pgno, 2));
  }
}

size_t StageCount(const TestStore& store) {
  size_t count = 0;
  BranchId branch;
  for (const KeyValue& pair : store.Scan(CatalogPartition())) {
    if (ParseStageKey(pair.key, &branch).ok()) ++count;
  }
  return count;
}

TEST(UpkeepTest, DamagedRecordsOfWhatIsLeftStopTheOpen) {
  const struct {
    std::string key;
    std::string message;
  } kCases[] = {
      {StageKey(BranchId{5}), "stage record damaged"},
      {StagePrefix() + "x", "not a stage"},
      {ImportPrefix() + "x", "not a import"},
  };
  for (const auto& c : kCases) {
    const auto source = MemorySource();
    std::shared_ptr<Store> store;
    ASSERT_OK(Store::Open("dir", source(), /*read_only=*/false, &store));
    EXPECT_OK(LoadUpkeepOf(store.get()));
    PutRaw(store.get(), c.key, "\1 something else");
    EXPECT_TRUE(
        IsError(LoadUpkeepOf(store.get()), Code::kCorruption, c.message));
    ASSERT_OK(Store::Open("dir", source(), /*read_only=*/true, &store));
    EXPECT_OK(LoadUpkeepOf(store.get())) << "a follower drops nothing";
  }
}

TEST(UpkeepTest, EachReadErrorStopsTheLoad) {
  for (uint64_t nth = 1;; ++nth) {
    const TestStore store;
    store.plan()->FailRead(nth, Status::IOError("no disk"));
    const Status s = LoadUpkeepOf(store.get());
    if (store.plan()->fired_count() == 0) {
      EXPECT_OK(s);
      EXPECT_EQ(nth, 3u) << "of stages, and of imports";
      return;
    }
    EXPECT_TRUE(IsError(s, Code::kIOError, "no disk"));
  }
}

TEST(UpkeepTest, WhatADeadProcessLeftWaitsAfterTheOpen) {
  TestStore store(MemorySource(), SmallBatches(kSmallBatch));
  LeaveStage(store);
  EXPECT_EQ(StageCount(store), 1u);
  store.Reopen();
  EXPECT_TRUE(store->work()->is_waiting());
  store.Maintain();
  EXPECT_FALSE(store->work()->is_waiting());
  EXPECT_EQ(StageCount(store), 0u);
}

TEST(UpkeepTest, DroppingIsTriedAgain) {
  const TestStore store(MemorySource(), SmallBatches(kSmallBatch));
  LeaveStage(store);
  store.plan()->FailRead(1, Status::IOError("bad day"));
  bool more = false;
  EXPECT_TRUE(
      IsError(store.upkeep()->Maintain(&more), Code::kIOError, "bad day"));
  EXPECT_EQ(StageCount(store), 1u);
  EXPECT_TRUE(store->work()->is_waiting());
  store.Maintain();
  EXPECT_EQ(StageCount(store), 0u);
}

TEST(UpkeepTest, NothingIsFlattenedBesideAReclaim) {
  const TestStore store;
  const std::shared_ptr<Actor> actor = store.Open("a");
  store->work()->SuggestFlatten(actor);
  bool more = false;
  {
    const ReclaimTurns::Turn turn = store->reclaim_turns()->Begin();
    std::thread([&] {
      EXPECT_TRUE(IsError(store.upkeep()->Maintain(&more), Code::kBusy,
                          "reclaim is running: actor=a"));
    }).join();
  }
  EXPECT_TRUE(store->work()->is_waiting());
  EXPECT_OK(store.upkeep()->Maintain(&more));
  EXPECT_FALSE(store->work()->is_waiting());
}

TEST(UpkeepTest, AStoreOutlivesItsUpkeep) {
  std::shared_ptr<Store> store;
  ASSERT_OK(Store::Open("dir", MemorySource()(), /*read_only=*/false, &store));
  {
    Upkeep upkeep(store.get());
    ASSERT_OK(upkeep.Load());
    upkeep.ReclaimSoonForTesting();
    bool more = false;
    ASSERT_OK(upkeep.Maintain(&more));
  }
  EXPECT_TRUE(store->reclaim_turns()->Begin().owns_lock());
}

}  // namespace
}  // namespace actorkv
