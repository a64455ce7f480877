// Pins, settings and reclaim: what a pin costs, what goes from the disk, and a
// reclaim that is stopped at each write.

#include "kv/reclaim/reclaim.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <ctime>
#include <thread>

#include "kv/files/directory.h"
#include "kv/format/keys.h"
#include "kv/history/history.h"
#include "kv/store/catalog.h"
#include "kv/store/retention.h"
#include "tests/support/read_hook.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

class ReclaimTest : public testing::Test {
 protected:
  static void Commit(const TestStore& store, const std::string& name,
                     uint32_t version, PageNo pages = 8) {
    TestTransaction transaction(store, name);
    for (PageNo pgno = 1; pgno <= pages; ++pgno) {
      transaction.Write(pgno, TestPage(kMinPageSize, pgno, version));
    }
    ASSERT_OK(transaction.Commit(version));
  }

  static void Set(const TestStore& store, const std::string& name,
                  uint64_t value) {
    const SettingInfo* info = nullptr;
    uint64_t previous = 0;
    ASSERT_OK(FindSetting(name, &info));
    ASSERT_OK(store->settings()->Set(ActorId{}, *info, value, &previous));
  }

  static void Retain(const TestStore& store, uint64_t retention_ms) {
    Set(store, "retention_ms", retention_ms);
  }

  // As the registry's thread does it, for a while.
  static bool MaintainUntil(const TestStore& store, size_t chunk_count) {
    for (int i = 0; i < 200; ++i) {
      store.Maintain();
      if (ChunkCount(store, "a") == chunk_count) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }

  static Status Reclaim(const TestStore& store, uint64_t* bytes) {
    return ReclaimAll(
        store.get(), std::nullopt, [] { return Status::Ok(); }, bytes);
  }

  static size_t ChunkCount(const TestStore& store, const std::string& name) {
    const BranchId branch = store.State(name)->head.snapshot.branch;
    return store.Scan(BranchPartition(branch)).size();
  }
};

TEST_F(ReclaimTest, TheRetentionKeepsAndZeroDoesNot) {
  const TestStore store;
  for (uint32_t version = 1; version <= 5; ++version) {
    Commit(store, "a", version);
  }
  uint64_t bytes = 99;
  ASSERT_OK(Reclaim(store, &bytes));
  EXPECT_EQ(bytes, 0u);
  EXPECT_EQ(ChunkCount(store, "a"), 40u);
  Retain(store, 0);
  ASSERT_OK(Reclaim(store, &bytes));
  EXPECT_GT(bytes, 32u * kMinPageSize);
  EXPECT_EQ(ChunkCount(store, "a"), 8u);
  ExpectPages(store, "a", ReadAll(store, "a"));
  ASSERT_OK(Reclaim(store, &bytes));
  EXPECT_EQ(bytes, 0u);
  EXPECT_TRUE(
      IsError(ReclaimAll(
                  store.get(), "b", [] { return Status::Ok(); }, &bytes),
              Code::kNotFound, "no such actor: actor=b"));
}

TEST_F(ReclaimTest, AnExpiredVersionIsAnError) {
  const TestStore store;
  Commit(store, "a", 1);
  const auto old = store.State("a");
  Commit(store, "a", 2);
  Pin pin;
  ASSERT_OK(PinVersion(store.get(), *old, &pin));
  Retain(store, 0);
  uint64_t bytes = 0;
  ASSERT_OK(Reclaim(store, &bytes));
  EXPECT_EQ(bytes, 0u);
  const auto pages = ReadAll(store->engine(), old->head.snapshot, old->lineage);
  ASSERT_TRUE(pages.has_value());
  EXPECT_EQ(DigestOf(*pages), old->head.digest);
  // Nobody else begins to read it.
  Pin late;
  EXPECT_TRUE(IsError(PinVersion(store.get(), *old, &late), Code::kConflict,
                      "the commit has expired: txid=1"));
  EXPECT_FALSE(late.held());
  pin.Release();
  ASSERT_OK(Reclaim(store, &bytes));
  EXPECT_EQ(ChunkCount(store, "a"), 8u);
}

TEST_F(ReclaimTest, PagesPastTheEndGo) {
  const TestStore store;
  Commit(store, "a", 1, 20);
  {
    TestTransaction transaction(store, "a");
    ASSERT_OK(transaction->Truncate(3));
    ASSERT_OK(transaction.Commit(2));
  }
  uint64_t bytes = 0;
  ASSERT_OK(Reclaim(store, &bytes));
  EXPECT_EQ(ChunkCount(store, "a"), 20u);
  Retain(store, 0);
  ASSERT_OK(Reclaim(store, &bytes));
  EXPECT_EQ(ChunkCount(store, "a"), 3u);
}

TEST_F(ReclaimTest, StoppedAtEachWriteItLosesNothing) {
  for (const CommitFault fault :
       {CommitFault::kFailed, CommitFault::kUnknownLanded,
        CommitFault::kUnknownLost}) {
    for (uint64_t nth = 1;; ++nth) {
      TestStore store;
      for (uint32_t version = 1; version <= 4; ++version) {
        Commit(store, "a", version);
        Commit(store, "b", version);
      }
      const auto pages = ReadAll(store, "a");
      TxId txid;
      ASSERT_OK(DeleteActor(store.get(), "b", SchemaCookie(0), &txid));
      Retain(store, 0);
      store.plan()->Reset();
      store.plan()->FailCommit(nth, fault);
      uint64_t bytes = 0;
      const Status s = Reclaim(store, &bytes);
      const bool fired = store.plan()->fired_count() != 0;
      EXPECT_EQ(s.ok(), !fired) << s.ToString();
      store.Reopen();
      ExpectPages(store, "a", pages);
      ASSERT_OK(Reclaim(store, &bytes));
      ExpectPages(store, "a", pages);
      EXPECT_EQ(ChunkCount(store, "a"), 8u);
      for (const KeyValue& pair : store.Scan(CatalogPartition())) {
        EXPECT_NE(pair.key[0], 'D');
        EXPECT_NE(pair.key, ActorEntryKey("b"));
      }
      if (!fired) break;
      ASSERT_LT(nth, 100u);
    }
  }
}

TEST_F(ReclaimTest, TheBackgroundDoesItInSteps) {
  const TestStore store;
  for (uint32_t version = 1; version <= 20; ++version) {
    Commit(store, "a", version);
  }
  Retain(store, 0);
  store.Maintain();
  EXPECT_EQ(ChunkCount(store, "a"), 160u) << "too early";
  store.upkeep()->ReclaimSoonForTesting();
  for (int i = 0; i < 10; ++i) store.Maintain();
  EXPECT_EQ(ChunkCount(store, "a"), 8u);
}

TEST_F(ReclaimTest, TheBackgroundBeginsByItself) {
  const TestStore store;
  Set(store, "reclaim_interval_ms", 0);
  Retain(store, 0);
  for (uint32_t version = 1; version <= 20; ++version) {
    Commit(store, "a", version);
  }
  EXPECT_FALSE(MaintainUntil(store, 8)) << "it is off";
  Set(store, "reclaim_interval_ms", 1);
  EXPECT_TRUE(MaintainUntil(store, 8));
  // What is little is left until it is more.
  {
    TestTransaction transaction(store, "a");
    transaction.Write(1, TestPage(kMinPageSize, 1, 99));
    ASSERT_OK(transaction.Commit(99));
  }
  EXPECT_FALSE(MaintainUntil(store, 8));
  EXPECT_EQ(ChunkCount(store, "a"), 9u);
  for (uint32_t version = 100; version <= 104; ++version) {
    Commit(store, "a", version);
  }
  EXPECT_TRUE(MaintainUntil(store, 8));
  ExpectPages(store, "a", ReadAll(store, "a"));
}

// Between any two reads of it.
TEST_F(ReclaimTest, ATransactionThatStagedCommitsMeanwhile) {
  bool ran = true;
  for (uint64_t n = 1; ran; ++n) {
    SCOPED_TRACE("read " + std::to_string(n));
    const auto hook = std::make_shared<ReadHook>();
    const std::shared_ptr<Engine> kept = NewMemoryEngine(UnboundedLimits());
    TestStore store(
        [&] { return std::make_unique<ReadHookEngine>(kept, hook); });
    Retain(store, 0);
    Commit(store, "a", 1);
    Commit(store, "a", 2);
    {
      TestTransaction staged(store, "a");
      for (PageNo pgno = 1; pgno <= 6; ++pgno) {
        staged.Write(pgno, TestPage(kMinPageSize, pgno, 3));
      }
      ASSERT_OK(staged->Stage());
      hook->Set(n, [&] { ASSERT_OK(staged.Commit(3)); });
      uint64_t bytes = 0;
      ASSERT_OK(Reclaim(store, &bytes));
      ran = hook->ran();
      hook->Set(0, nullptr);
    }
    if (!ran) break;
    store.Reopen();
    const auto state = store.State("a");
    EXPECT_EQ(state->head.snapshot.txid.value, 3u);
    Pin pin;
    EXPECT_OK(PinVersion(store.get(), *state, &pin));
    auto pages = TestPages(kMinPageSize, 6, 3);
    for (PageNo pgno = 7; pgno <= 8; ++pgno) {
      pages.push_back(TestPage(kMinPageSize, pgno, 2));
    }
    ApplyStamp(3, pages[0].data());
    ExpectPages(store, "a", pages);
    if (HasFailure()) return;
  }
}

TEST_F(ReclaimTest, ItGoesFromTheDisk) {
  const TempDir dir;
  const TestStore store(RocksDbSource(dir.File("store")));
  constexpr PageNo kPages = 2000;
  for (uint32_t version = 1; version <= 12; ++version) {
    std::mt19937 bits(version);
    TestTransaction transaction(store, "a", 4096);
    for (PageNo pgno = 1; pgno <= kPages; ++pgno) {
      std::string page(4096, '\0');
      for (char& byte : page) byte = static_cast<char>(bits());
      transaction.Write(pgno, page);
    }
    ASSERT_OK(transaction.Commit(version));
  }
  Retain(store, 0);
  uint64_t bytes = 0;
  ASSERT_OK(Reclaim(store, &bytes));
  EXPECT_GT(bytes, uint64_t{11} * kPages * 4096);
  uint64_t tables = 0;
  std::vector<std::string> names;
  // Files that are not needed any more are removed in the background.
  for (int i = 0; i < 400; ++i) {
    ASSERT_OK(DirectoryBytes(dir.File("store"), &tables));
    if (tables < uint64_t{5} * kPages * 4096) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  RecordProperty("directory_bytes", std::to_string(tables));
  // The log is bounded and not given back before it is written out.
  EXPECT_LT(tables, uint64_t{5} * kPages * 4096);
}

TEST_F(ReclaimTest, UndeleteAndPurge) {
  const TestStore store;
  Commit(store, "a", 1);
  const auto pages = ReadAll(store, "a");
  TxId txid;
  uint64_t bytes = 0;
  EXPECT_TRUE(IsError(UndeleteActor(store.get(), "a", &txid),
                      Code::kAlreadyExists, "is not deleted: actor=a"));
  EXPECT_TRUE(IsError(UndeleteActor(store.get(), "x", &txid), Code::kNotFound,
                      "no such actor: actor=x"));
  ASSERT_OK(DeleteActor(store.get(), "a", SchemaCookie(0), &txid));
  ASSERT_OK(UndeleteActor(store.get(), "a", &txid));
  EXPECT_EQ(txid.value, 1u);
  ExpectPages(store, "a", pages);
  {
    const auto open = store.Open("a");
    EXPECT_TRUE(IsError(PurgeActor(store.get(), "a", &bytes), Code::kBusy,
                        "the actor is open: actor=a"));
  }
  const BranchId branch = store.State("a")->head.snapshot.branch;
  ASSERT_OK(PurgeActor(store.get(), "a", &bytes));
  EXPECT_GT(bytes, 8u * kMinPageSize);
  EXPECT_TRUE(store.Scan(BranchPartition(branch)).empty());
  EXPECT_TRUE(IsError(PurgeActor(store.get(), "a", &bytes), Code::kNotFound,
                      "no such actor: actor=a"));
  Commit(store, "a", 2);
}

TEST_F(ReclaimTest, AQuotaRefusesGrowthOnly) {
  const TestStore store;
  Commit(store, "a", 1, 8);
  const SettingInfo* info = nullptr;
  uint64_t previous = 1;
  ASSERT_OK(FindSetting("quota_hard_bytes", &info));
  const ActorId actor = store.State("a")->entry.actor;
  ASSERT_OK(store->settings()->Set(actor, *info, uint64_t{6} * kMinPageSize,
                                   &previous));
  EXPECT_EQ(previous, 0u);
  Commit(store, "a", 2, 8);
  {
    TestTransaction grows(store, "a");
    grows.Write(9, TestPage(kMinPageSize, 9, 3));
    EXPECT_TRUE(IsError(grows.Commit(3), Code::kNoSpace,
                        "the quota is used up: actor=a would have 4608 bytes, "
                        "the limit is 3072"));
  }
  TestTransaction shrinks(store, "a");
  ASSERT_OK(shrinks->Truncate(7));
  EXPECT_OK(shrinks.Commit(4));
  Commit(store, "b", 1, 8);
}

// Of the processor, so that a busy machine does not count.
int64_t ThreadTimeNs() {
  struct timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

TEST_F(ReclaimTest, APinCostsLittle) {
  const TestStore store;
  Commit(store, "a", 1);
  const auto state = store.State("a");
  constexpr int kPins = 1'000'000;
  const int64_t begin_ns = ThreadTimeNs();
  for (int i = 0; i < kPins; ++i) {
    Pin pin;
    store->pins()->Add(state->head.snapshot, state->lineage, &pin);
  }
  const int64_t each_ns = (ThreadTimeNs() - begin_ns) / kPins;
  RecordProperty("pin_ns", std::to_string(each_ns));
  EXPECT_LT(each_ns, 2000) << "generous: it may be built to be checked";
  EXPECT_TRUE(store->pins()->Snapshots().empty());
}

TEST(SettingsTest, AnUnknownNameGetsThoseThatThereAre) {
  const SettingInfo* info = nullptr;
  EXPECT_TRUE(IsError(FindSetting("x", &info), Code::kInvalidArgument,
                      "there are: cache_bytes, keep_oversized_pairs, "
                      "max_pair_key_bytes, max_pair_value_bytes, "
                      "quota_hard_bytes, quota_soft_bytes, "
                      "reclaim_interval_ms, retention_ms, session_pin_ms, "
                      "share"));
}

}  // namespace
}  // namespace actorkv
