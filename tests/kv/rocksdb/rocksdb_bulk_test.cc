// Large batches that become table files: what they hold is what any commit
// would hold, and what is left of one that failed is nothing.

#include "kv/rocksdb/rocksdb_bulk.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "kv/files/directory.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "tests/support/fault_fs.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr Partition kBranch{PartitionKind::kBranch, 7};
constexpr size_t kCount = 40;

std::string Key(size_t i) { return {'k', static_cast<char>('A' + i)}; }
std::string Value(size_t i, char version) {
  return std::string(100000 + i, version);
}

Batch LargeBatch(char version) {
  Batch batch;
  for (size_t i = 0; i < kCount; ++i) {
    batch.Put(kBranch, Key(i), Value(i, version));
  }
  return batch;
}

class BulkTest : public testing::Test {
 protected:
  void Open(OpenMode mode = OpenMode::kCreate) {
    engine_.reset();
    ASSERT_OK(OpenRocksDbEngine(directory_, mode, &engine_));
  }
  void ExpectVersion(char version) {
    std::vector<KeyValue> pairs;
    ASSERT_OK(engine_->NewReader()->Scan(kBranch, "", 1000, &pairs));
    ASSERT_EQ(pairs.size(), kCount);
    for (size_t i = 0; i < kCount; ++i) {
      EXPECT_EQ(pairs[i].key, Key(i));
      EXPECT_TRUE(pairs[i].value == Value(i, version)) << i;
    }
  }
  size_t FilesWith(const std::string& prefix, const std::string& suffix) {
    std::vector<std::string> names;
    EXPECT_OK(ListNames(directory_, prefix, &names));
    size_t count = 0;
    for (const std::string& name : names) {
      count += name.size() >= suffix.size() &&
                       name.compare(name.size() - suffix.size(), suffix.size(),
                                    suffix) == 0
                   ? 1
                   : 0;
    }
    return count;
  }

  // RocksDB removes files that an iterator held in a thread of its own.
  void ExpectNoTables() {
    for (int i = 0; i < 1000 && FilesWith("", ".sst") > 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(FilesWith("", ".sst"), 0U);
  }

  TempDir temp_;
  const std::string directory_ = temp_.File("store");
  std::unique_ptr<Engine> engine_;
};

TEST_F(BulkTest, WhatIsBulk) {
  EXPECT_TRUE(IsBulk(LargeBatch('a')));
  Batch small;
  small.Put(kBranch, "k", "v");
  EXPECT_FALSE(IsBulk(small));
  EXPECT_FALSE(IsBulk(Batch()));
  Batch deletes = LargeBatch('a');
  deletes.Delete(kBranch, "z");
  EXPECT_FALSE(IsBulk(deletes));
  Batch unsorted = LargeBatch('a');
  unsorted.Put(kBranch, "a", "v");
  EXPECT_FALSE(IsBulk(unsorted));
  Batch of_two = LargeBatch('a');
  of_two.Put({PartitionKind::kBranch, 8}, "z", "v");
  EXPECT_FALSE(IsBulk(of_two));
  Batch guarded = LargeBatch('a');
  guarded.AddGuard(kBranch, "z", std::nullopt);
  EXPECT_FALSE(IsBulk(guarded));
}

TEST_F(BulkTest, IsReadAtOnceAndAfterAReopen) {
  Open();
  std::unique_ptr<EngineReader> reader = engine_->NewReader();
  std::vector<std::optional<std::string>> values;
  ASSERT_OK(reader->Get(kBranch, {Key(0)}, &values));
  EXPECT_FALSE(values[0].has_value());
  ASSERT_TRUE(engine_->Commit(LargeBatch('a'), Durability::kBulk).done());
  EXPECT_EQ(FilesWith("", ".sst"), 1U) << "it went around the log";
  reader = engine_->NewReader();
  ASSERT_OK(reader->Get(kBranch, {Key(0)}, &values));
  EXPECT_TRUE(values[0].has_value());
  ExpectVersion('a');
  reader.reset();
  // The same keys again: the newer ones count.
  ASSERT_TRUE(engine_->Commit(LargeBatch('b'), Durability::kBulk).done());
  ExpectVersion('b');
  Open(OpenMode::kExisting);
  ExpectVersion('b');
  EXPECT_EQ(FilesWith("actorkv.bulk-", ""), 0U);
}

TEST_F(BulkTest, LeavesNothingWhenItFails) {
  auto fs = std::make_shared<FaultFileSystem>();
  SetRocksDbFileSystemForTesting(fs);
  Open();
  fs->FailAppend("", 1, 1000, rocksdb::IOStatus::NoSpace("full"));
  const CommitResult result =
      engine_->Commit(LargeBatch('a'), Durability::kBulk);
  EXPECT_EQ(result.outcome, CommitOutcome::kFailed);
  EXPECT_EQ(result.status.code(), Code::kNoSpace);
  fs->Heal();
  EXPECT_EQ(FilesWith("actorkv.bulk-", ""), 0U);
  std::vector<KeyValue> pairs;
  ASSERT_OK(engine_->NewReader()->Scan(kBranch, "", 1000, &pairs));
  EXPECT_TRUE(pairs.empty());
  ASSERT_TRUE(engine_->Commit(LargeBatch('b'), Durability::kBulk).done());
  ExpectVersion('b');
  engine_.reset();
  SetRocksDbFileSystemForTesting(nullptr);
}

// A partition that is dropped takes its table files with it, at once.
TEST_F(BulkTest, ADropGivesTheSpaceBack) {
  Open();
  Batch other;
  other.Put({PartitionKind::kBranch, 8}, "k", "v");
  ASSERT_TRUE(engine_->Commit(other, Durability::kSynced).done());
  ASSERT_TRUE(engine_->Commit(LargeBatch('a'), Durability::kBulk).done());
  ExpectVersion('a');  // its iterators are kept for the next reader
  ASSERT_EQ(FilesWith("", ".sst"), 1U);
  ASSERT_OK(engine_->Drop(kBranch));
  ExpectNoTables();
  for (const OpenMode mode : {OpenMode::kExisting, OpenMode::kExisting}) {
    std::vector<KeyValue> pairs;
    ASSERT_OK(engine_->NewReader()->Scan(kBranch, "", 1000, &pairs));
    EXPECT_TRUE(pairs.empty());
    ASSERT_OK(engine_->NewReader()->Scan({PartitionKind::kBranch, 8}, "", 1000,
                                         &pairs));
    EXPECT_EQ(pairs.size(), 1U);
    Open(mode);
  }
  // The keys may come again.
  ASSERT_TRUE(engine_->Commit(LargeBatch('b'), Durability::kBulk).done());
  ExpectVersion('b');
}

// What made the partition unreachable must not come back without its files.
TEST_F(BulkTest, ADropSyncsTheLogFirst) {
  auto fs = std::make_shared<FaultFileSystem>();
  SetRocksDbFileSystemForTesting(fs);
  Open();
  ASSERT_TRUE(engine_->Commit(LargeBatch('a'), Durability::kBulk).done());
  fs->FailSync(".log", 1, 1, rocksdb::IOStatus::IOError("broken"));
  EXPECT_FALSE(engine_->Drop(kBranch).ok());
  EXPECT_EQ(fs->fired_count(), 1U);
  EXPECT_EQ(FilesWith("", ".sst"), 1U) << "removed before the log was synced";
  fs->Heal();
  ASSERT_OK(engine_->Drop(kBranch));
  ExpectNoTables();
  engine_.reset();
  SetRocksDbFileSystemForTesting(nullptr);
}

// What came before it must not be lost where it is kept.
TEST_F(BulkTest, SyncsTheLogFirst) {
  auto fs = std::make_shared<FaultFileSystem>();
  SetRocksDbFileSystemForTesting(fs);
  Open();
  Batch before;
  before.Put(kBranch, "a", "1");
  ASSERT_TRUE(engine_->Commit(before, Durability::kBuffered).done());
  fs->FailSync(".log", 1, 1, rocksdb::IOStatus::IOError("broken"));
  EXPECT_EQ(engine_->Commit(LargeBatch('a'), Durability::kBulk).outcome,
            CommitOutcome::kUnknown);
  EXPECT_EQ(fs->fired_count(), 1U);
  fs->Heal();
  engine_.reset();
  SetRocksDbFileSystemForTesting(nullptr);
}

TEST_F(BulkTest, AnOpenRemovesWhatADeadProcessLeft) {
  Open();
  std::ofstream(directory_ + "/actorkv.bulk-1-1") << "half a table";
  Open(OpenMode::kExisting);
  EXPECT_EQ(FilesWith("actorkv.bulk-", ""), 0U);
}

}  // namespace
}  // namespace actorkv
