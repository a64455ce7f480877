// The RocksDB engine on a failing disk: failed syncs and appends, a disk that
// stays broken for a while, a full disk.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "kv/rocksdb/rocksdb_engine.h"
#include "tests/support/fault_fs.h"
#include "tests/support/testing.h"
#include "tests/support/tiny_disk.h"

namespace actorkv {
namespace {

constexpr Partition kActor{PartitionKind::kActor, 1};
constexpr std::chrono::seconds kHealTime{10};  // promised
constexpr uint64_t kForever = 1000000000;

class RocksDbFaultTest : public testing::Test {
 protected:
  void SetUp() override {
    SetRocksDbFileSystemForTesting(fs_);
    ASSERT_OK(
        OpenRocksDbEngine(temp_.File("store"), OpenMode::kCreate, &engine_));
    ASSERT_EQ(Put("a", "1"), CommitOutcome::kDone);
  }
  void TearDown() override {
    engine_.reset();
    SetRocksDbFileSystemForTesting(nullptr);
  }

  CommitOutcome Put(const std::string& key, const std::string& value,
                    Durability durability = Durability::kSynced) {
    Batch batch;
    batch.Put(kActor, key, value);
    const CommitResult r = engine_->Commit(batch, durability);
    last_status_ = r.status;
    return r.outcome;
  }

  std::optional<std::string> Get(const std::string& key) {
    std::vector<std::optional<std::string>> values;
    EXPECT_OK(engine_->NewReader()->Get(kActor, {key}, &values));
    return values.empty() ? std::nullopt : values[0];
  }

  void Reopen() {
    engine_.reset();
    ASSERT_OK(
        OpenRocksDbEngine(temp_.File("store"), OpenMode::kExisting, &engine_));
  }

  // Commits until one is done.
  bool WorksAgainInTime() {
    const auto deadline = std::chrono::steady_clock::now() + kHealTime;
    while (std::chrono::steady_clock::now() < deadline) {
      if (Put("again", "1") == CommitOutcome::kDone) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }

  TempDir temp_;
  std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  std::unique_ptr<Engine> engine_;
  Status last_status_;
};

TEST_F(RocksDbFaultTest, FailedSyncIsUnknownAndReadsDoNotLieAfterIt) {
  auto reader = engine_->NewReader();
  std::vector<KeyValue> kept;
  ASSERT_OK(reader->Scan(kActor, "", 10, &kept));  // holds an iterator
  fs_->FailSync(".log", 1, 1, rocksdb::IOStatus::IOError("injected"));
  EXPECT_EQ(Put("b", "2"), CommitOutcome::kUnknown);
  EXPECT_EQ(last_status_.code(), Code::kIOError);
  EXPECT_EQ(fs_->fired_count(), 1u);
  const auto seen = Get("b");
  ASSERT_OK(reader->Scan(kActor, "", 10, &kept));
  EXPECT_EQ(kept.size(), seen.has_value() ? 2u : 1u);
  EXPECT_EQ(Put("c", "3"), CommitOutcome::kDone);
  reader.reset();
  Reopen();
  EXPECT_EQ(Get("b"), seen);
  EXPECT_EQ(Get("a"), "1");
  EXPECT_EQ(Get("c"), "3");
}

TEST_F(RocksDbFaultTest, FailedAppendIsUnknownAndHealsAtOnce) {
  const Durability both[] = {Durability::kBuffered, Durability::kSynced};
  for (Durability durability : both) {
    fs_->FailAppend(".log", 1, 1, rocksdb::IOStatus::NoSpace("injected"));
    EXPECT_EQ(Put("b", std::string(50000, 'x'), durability),
              CommitOutcome::kUnknown);
    EXPECT_EQ(last_status_.code(), Code::kNoSpace);
    EXPECT_EQ(Get("b"), std::nullopt);  // half of it is there: a torn tail
    EXPECT_EQ(Put("c", "3", durability), CommitOutcome::kDone);
  }
  Reopen();
  EXPECT_EQ(Get("b"), std::nullopt);
  EXPECT_EQ(Get("c"), "3");
}

TEST_F(RocksDbFaultTest, FailedSyncCallIsAnErrorAndHeals) {
  ASSERT_EQ(Put("b", "2", Durability::kBuffered), CommitOutcome::kDone);
  fs_->FailSync(".log", 1, 1, rocksdb::IOStatus::IOError("injected"));
  EXPECT_EQ(engine_->Sync().code(), Code::kIOError);
  EXPECT_OK(engine_->Sync());
  EXPECT_EQ(Get("b"), "2");
}

// RocksDB asserts that nobody touches a log after a sync of it failed.
TEST_F(RocksDbFaultTest, SyncsBesideFailingCommitsAreErrorsAtWorst) {
  constexpr int kRounds = 150;
  constexpr Partition kOther{PartitionKind::kActor, 2};
  std::atomic<bool> stop{false};
  std::vector<std::thread> others;
  others.reserve(2);
  others.emplace_back([&] {
    while (!stop) static_cast<void>(engine_->Drop(kOther));
  });
  others.emplace_back([&] {
    while (!stop) static_cast<void>(engine_->Sync());
  });
  int done = 0;
  for (uint64_t i = 0; i < kRounds; ++i) {
    fs_->FailSync(".log", 1, 1 + i % 3, rocksdb::IOStatus::IOError("injected"));
    for (int n = 0; n < 3; ++n) {
      done += Put("k", std::to_string(i)) == CommitOutcome::kDone ? 1 : 0;
    }
  }
  fs_->Heal();
  stop = true;
  for (std::thread& thread : others) thread.join();
  EXPECT_GT(done, 0);
  EXPECT_GT(fs_->fired_count(), 0u);
  ASSERT_EQ(Put("last", "1"), CommitOutcome::kDone);
  Reopen();
  EXPECT_EQ(Get("last"), "1");
}

TEST_F(RocksDbFaultTest, ReadsGoOnWhileItCannotBeOpenedForWriting) {
  fs_->FailSync("", 1, kForever, rocksdb::IOStatus::IOError("injected"));
  EXPECT_EQ(Put("b", "2"), CommitOutcome::kUnknown);
  const auto seen = Get("b");
  EXPECT_EQ(Get("a"), "1");
  EXPECT_EQ(Put("c", "3"), CommitOutcome::kFailed);
  EXPECT_EQ(last_status_.code(), Code::kIOError);
  EXPECT_EQ(engine_->Sync().code(), Code::kIOError);
  EXPECT_EQ(Get("b"), seen);
  fs_->Heal();
  EXPECT_TRUE(WorksAgainInTime());
  EXPECT_EQ(Get("b"), seen);  // what was shown stays
  EXPECT_EQ(Get("c"), std::nullopt);
}

// Counters under guards while syncs fail now and then: what was done is
// there, what was unknown is there or not, and nobody's update is lost.
TEST_F(RocksDbFaultTest, CountersSurviveFailingSyncs) {
  constexpr int kThreads = 4;
  constexpr int kPerThread = 60;
  std::atomic<int> wrong{0};
  const auto count = [&](uint64_t id) {
    const Partition own{PartitionKind::kActor, 100 + id};
    const auto reader = engine_->NewReader();
    std::optional<std::string> value;
    for (int i = 0; i < kPerThread; ++i) {
      Batch batch;
      batch.AddGuard(own, "n", value);
      const std::string next = std::to_string(i);
      batch.Put(own, "n", next);
      const CommitResult r = engine_->Commit(batch, Durability::kSynced);
      std::vector<std::optional<std::string>> values;
      reader->Refresh();
      if (!reader->Get(own, {"n"}, &values).ok()) ++wrong;
      const bool landed = values[0] == next;
      if (r.done() && !landed) ++wrong;
      if (r.outcome == CommitOutcome::kConflict) ++wrong;
      if (r.outcome == CommitOutcome::kFailed && landed) ++wrong;
      if (!landed && values[0] != value) ++wrong;
      value = values[0];
    }
  };
  std::atomic<bool> stop{false};
  std::thread saboteur([&] {
    // Now the next, now one of those after it: however slow the disk is, some
    // of them come before the next fault takes their place.
    for (int turn = 0; !stop; ++turn) {
      fs_->FailSync(".log", 1 + turn % 5, 1,
                    rocksdb::IOStatus::IOError("injected"));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < kThreads; ++i) threads.emplace_back(count, i);
  for (std::thread& thread : threads) thread.join();
  stop = true;
  saboteur.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(fs_->fired_count(), 0u);
}

class DiskFullTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!disk_.mounted()) GTEST_SKIP() << "needs root, to mount a tmpfs";
    ASSERT_OK(
        OpenRocksDbEngine(disk_.File("store"), OpenMode::kCreate, &engine_));
    ASSERT_EQ(Put(0), CommitOutcome::kDone);
  }

  CommitOutcome Put(int key) {
    Batch batch;
    batch.Put(kActor, std::to_string(key), std::string(100000, 'x'));
    const CommitResult r = engine_->Commit(batch, Durability::kSynced);
    last_status_ = r.status;
    return r.outcome;
  }

  bool Has(int key) {
    std::vector<std::optional<std::string>> values;
    EXPECT_OK(
        engine_->NewReader()->Get(kActor, {std::to_string(key)}, &values));
    return !values.empty() && values[0].has_value();
  }

  bool WorksAgainInTime(int key) {
    const auto deadline = std::chrono::steady_clock::now() + kHealTime;
    while (std::chrono::steady_clock::now() < deadline) {
      if (Put(key) == CommitOutcome::kDone) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }

  TinyDisk disk_;
  std::unique_ptr<Engine> engine_;
  Status last_status_;
};

TEST_F(DiskFullTest, CommitsAreRefusedBeforeItIsFull) {
  disk_.Fill(20 << 20);
  int n = 1;
  while (n < 1000 && Put(n) == CommitOutcome::kDone) ++n;
  EXPECT_EQ(last_status_.code(), Code::kNoSpace) << last_status_.ToString();
  EXPECT_GT(n, 20);
  for (int i = 0; i < n; ++i) EXPECT_TRUE(Has(i)) << i;
  EXPECT_FALSE(Has(n));
  disk_.Free();
  EXPECT_TRUE(WorksAgainInTime(n)) << last_status_.ToString();
}

// Somebody else takes the last bytes between two looks at the disk.
TEST_F(DiskFullTest, ADiskThatFillsUnderRocksDbComesBack) {
  for (int i = 1; i < 50; ++i) ASSERT_EQ(Put(i), CommitOutcome::kDone);
  disk_.Fill(150000);
  int n = 50;
  for (; n < 60; ++n) {
    const CommitOutcome outcome = Put(n);
    if (outcome != CommitOutcome::kDone) break;
  }
  EXPECT_EQ(last_status_.code(), Code::kNoSpace) << last_status_.ToString();
  const bool landed = Has(n);
  for (int i = 0; i < n; ++i) EXPECT_TRUE(Has(i)) << i;
  EXPECT_EQ(Put(100), CommitOutcome::kFailed);
  EXPECT_EQ(last_status_.code(), Code::kNoSpace) << last_status_.ToString();
  for (int i = 0; i < n; ++i) EXPECT_TRUE(Has(i)) << i;
  disk_.Free();
  EXPECT_TRUE(WorksAgainInTime(200)) << last_status_.ToString();
  EXPECT_EQ(Has(n), landed);
  engine_.reset();
  ASSERT_OK(
      OpenRocksDbEngine(disk_.File("store"), OpenMode::kExisting, &engine_));
  for (int i = 0; i < n; ++i) EXPECT_TRUE(Has(i)) << i;
  EXPECT_FALSE(Has(100));
}

TEST_F(DiskFullTest, AFullDiskCanBeOpenedAndRead) {
  for (int i = 1; i < 50; ++i) ASSERT_EQ(Put(i), CommitOutcome::kDone);
  engine_.reset();
  disk_.Fill(4096);
  ASSERT_OK(
      OpenRocksDbEngine(disk_.File("store"), OpenMode::kExisting, &engine_));
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(Has(i)) << i;
  EXPECT_EQ(Put(100), CommitOutcome::kFailed);
  EXPECT_EQ(last_status_.code(), Code::kNoSpace) << last_status_.ToString();
  disk_.Free();
  EXPECT_TRUE(WorksAgainInTime(100)) << last_status_.ToString();
}

}  // namespace
}  // namespace actorkv
