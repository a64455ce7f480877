// Memory that runs out inside RocksDB: the outcome is known or looked up, the
// database that was left in the middle is given up, and another goes on with
// its files.

#include "kv/rocksdb/rocksdb_fence.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "kv/rocksdb/rocksdb_engine.h"
#include "tests/support/failing_memory.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr Partition kActor{PartitionKind::kActor, 1};

TEST(FenceTest, NothingIsChangedBehindIt) {
  const TempDir temp;
  const auto fence = std::make_shared<Fence>();
  const auto files = NewFencedFileSystem(rocksdb::FileSystem::Default(), fence);
  const rocksdb::FileOptions options;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  ASSERT_TRUE(
      files->NewWritableFile(temp.File("f"), options, &file, nullptr).ok());
  ASSERT_TRUE(file->Append("before", {}, nullptr).ok());
  ASSERT_TRUE(file->Flush({}, nullptr).ok());
  rocksdb::FileLock* lock = nullptr;
  ASSERT_TRUE(files->LockFile(temp.File("LOCK"), {}, &lock, nullptr).ok());
  fence->Close();
  EXPECT_FALSE(file->Append("after", {}, nullptr).ok());
  EXPECT_FALSE(file->Sync({}, nullptr).ok());
  EXPECT_FALSE(file->Truncate(0, {}, nullptr).ok());
  EXPECT_FALSE(files->DeleteFile(temp.File("f"), {}, nullptr).ok());
  EXPECT_FALSE(
      files->RenameFile(temp.File("f"), temp.File("g"), {}, nullptr).ok());
  std::unique_ptr<rocksdb::FSWritableFile> other;
  EXPECT_FALSE(
      files->NewWritableFile(temp.File("h"), options, &other, nullptr).ok());
  // The lock is free for the next, and the old holder may still give it back.
  const auto next = NewFencedFileSystem(rocksdb::FileSystem::Default(),
                                        std::make_shared<Fence>());
  rocksdb::FileLock* taken = nullptr;
  ASSERT_TRUE(next->LockFile(temp.File("LOCK"), {}, &taken, nullptr).ok());
  EXPECT_TRUE(files->UnlockFile(lock, {}, nullptr).ok());
  EXPECT_TRUE(next->UnlockFile(taken, {}, nullptr).ok());
  std::string content;
  ASSERT_TRUE(
      rocksdb::ReadFileToString(files.get(), temp.File("f"), &content).ok());
  EXPECT_EQ(content, "before");
}

class EngineWithoutMemoryTest : public testing::Test {
 protected:
  void SetUp() override { Open(); }

  void Open() {
    engine_.reset();
    ASSERT_OK(
        OpenRocksDbEngine(temp_.File("store"), OpenMode::kCreate, &engine_));
  }

  std::optional<std::string> Get(const std::string& key) {
    std::vector<std::optional<std::string>> values;
    EXPECT_OK(engine_->NewReader()->Get(kActor, {key}, &values));
    return values.empty() ? std::nullopt : values[0];
  }

  // Calls `step`, the nth allocation of which fails, for n = 1, 2, ... until
  // none does.
  template <typename Step, typename Check>
  static void FailEach(const Step& step, const Check& check) {
    uint64_t failed = 1;
    for (uint64_t n = 1; failed > 0; ++n) {
      FailingMemory::Plan plan;
      plan.nth = n;
      FailingMemory::Begin(plan);
      try {
        step(n);
      } catch (const std::bad_alloc&) {
      }
      failed = FailingMemory::End();
      check(n);
      ASSERT_LT(n, 5000u);
    }
  }

  TempDir temp_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineWithoutMemoryTest, ACommitIsThereOrNot) {
  for (const Durability durability :
       {Durability::kSynced, Durability::kBuffered}) {
    std::optional<std::string> value = Get("k");
    CommitResult result;
    FailEach(
        [&](uint64_t n) {
          result = {CommitOutcome::kFailed, Status()};
          Batch batch;
          batch.Put(kActor, "k", "value " + std::to_string(n));
          batch.AddGuard(kActor, "k", value);
          result = engine_->Commit(batch, durability);
        },
        [&](uint64_t n) {
          const std::string wanted = "value " + std::to_string(n);
          const std::optional<std::string> now = Get("k");
          if (result.outcome == CommitOutcome::kDone) {
            EXPECT_EQ(now, wanted) << n;
          } else if (result.outcome == CommitOutcome::kUnknown) {
            EXPECT_TRUE(now == wanted || now == value) << n;
          } else {
            EXPECT_EQ(result.outcome, CommitOutcome::kFailed);
            EXPECT_EQ(now, value) << n;
          }
          // What it showed it shows for ever, and its guards know it.
          Batch next;
          next.Put(kActor, "k", "next");
          next.AddGuard(kActor, "k", now);
          EXPECT_TRUE(engine_->Commit(next, Durability::kSynced).done()) << n;
          value = "next";
          if (n % 16 == 0) Open();
          EXPECT_EQ(Get("k"), value);
        });
  }
}

TEST_F(EngineWithoutMemoryTest, AReadIsRightOrAnError) {
  const IgnoredLeaks ignored;
  Batch batch;
  for (int i = 0; i < 100; ++i) {
    batch.Put(kActor, "k" + std::to_string(i), std::string(1000, 'v'));
  }
  ASSERT_TRUE(engine_->Commit(batch, Durability::kSynced).done());
  Open();  // into a table
  for (const bool scans : {false, true}) {
    std::vector<KeyValue> pairs;
    std::vector<std::optional<std::string>> values;
    FailEach(
        [&](uint64_t /*n*/) {
          pairs.clear();
          values.clear();
          const auto reader = engine_->NewReader();
          const Status s = scans ? reader->Scan(kActor, "", 1000, &pairs)
                                 : reader->Get(kActor, {"k7"}, &values);
          if (!s.ok()) return;
          EXPECT_EQ(pairs.size() + values.size(), scans ? 100U : 1U);
        },
        [&](uint64_t n) {
          EXPECT_EQ(Get("k7"), std::string(1000, 'v')) << n;
          Open();  // nothing is cached
        });
  }
}

}  // namespace
}  // namespace actorkv
