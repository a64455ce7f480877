// The fault file system itself: its power loss must take what was not synced
// and leave what was, or the crash tests prove nothing.

#include "tests/support/fault_fs.h"

#include <gtest/gtest.h>

#include <string>

#include "kv/rocksdb/rocksdb_engine.h"
#include "tests/support/child_process.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr Partition kActor{PartitionKind::kActor, 1};

bool Put(Engine* engine, const std::string& key, Durability durability) {
  Batch batch;
  batch.Put(kActor, key, std::string(1000, 'x'));
  return engine->Commit(batch, durability).done();
}

// Commits "synced", then "buffered", and waits to be killed.
TEST(FaultFsChild, DISABLED_CommitTwice) {
  const std::string directory = ChildArgument();
  SetRocksDbFileSystemForTesting(std::make_shared<FaultFileSystem>(
      SyncLedger::Create(directory + ".ledger")));
  std::unique_ptr<Engine> engine;
  ASSERT_OK(OpenRocksDbEngine(directory, OpenMode::kCreate, &engine));
  ASSERT_TRUE(Put(engine.get(), "synced", Durability::kSynced));
  ASSERT_TRUE(Put(engine.get(), "buffered", Durability::kBuffered));
  ChildSay('d');
  ChildHear();
}

class FaultFsPowerTest : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(PowerLoss, FaultFsPowerTest, testing::Bool());

TEST_P(FaultFsPowerTest, PowerLossTakesOnlyWhatWasNotSynced) {
  const bool power_loss = GetParam();
  TempDir temp;
  const std::string directory = temp.File("store");
  ChildProcess child("FaultFsChild.DISABLED_CommitTwice", directory);
  ASSERT_EQ(child.Hear(), 'd');
  child.Kill();
  if (power_loss) {
    ASSERT_OK(ApplyPowerLoss(directory + ".ledger"));
  }
  std::unique_ptr<Engine> engine;
  ASSERT_OK(OpenRocksDbEngine(directory, OpenMode::kExisting, &engine));
  std::vector<std::optional<std::string>> values;
  ASSERT_OK(engine->NewReader()->Get(kActor, {"synced", "buffered"}, &values));
  EXPECT_TRUE(values[0].has_value());
  // A process that dies loses nothing; a power loss takes the tail.
  EXPECT_EQ(values[1].has_value(), !power_loss);
}

TEST(FaultFsTest, FailsTheCallItIsToldTo) {
  TempDir temp;
  FaultFileSystem fs;
  fs.FailAppend(".log", 2, 1, rocksdb::IOStatus::NoSpace("full"));
  fs.FailSync(".log", 1, 2, rocksdb::IOStatus::IOError("broken"));
  std::unique_ptr<rocksdb::FSWritableFile> log;
  std::unique_ptr<rocksdb::FSWritableFile> other;
  const rocksdb::FileOptions options;
  const rocksdb::IOOptions io;
  ASSERT_TRUE(
      fs.NewWritableFile(temp.File("1.log"), options, &log, nullptr).ok());
  ASSERT_TRUE(
      fs.NewWritableFile(temp.File("1.sst"), options, &other, nullptr).ok());
  EXPECT_TRUE(other->Append("1234", io, nullptr).ok());
  EXPECT_TRUE(other->Sync(io, nullptr).ok());
  EXPECT_TRUE(log->Append("1234", io, nullptr).ok());
  EXPECT_TRUE(log->Append("5678", io, nullptr).IsNoSpace());
  EXPECT_TRUE(log->Append("9", io, nullptr).ok());
  EXPECT_FALSE(log->Sync(io, nullptr).ok());
  EXPECT_FALSE(log->Fsync(io, nullptr).ok());
  EXPECT_TRUE(log->Sync(io, nullptr).ok());
  EXPECT_EQ(fs.fired_count(), 3u);
  ASSERT_TRUE(log->Close(io, nullptr).ok());
  EXPECT_EQ(std::filesystem::file_size(temp.File("1.log")), 7u);
}

TEST(FaultFsTest, PowerLossFollowsRenamesAndRemovals) {
  TempDir temp;
  const rocksdb::FileOptions options;
  const rocksdb::IOOptions io;
  {
    FaultFileSystem fs(SyncLedger::Create(temp.File("ledger")));
    const auto write = [&](const std::string& name, bool sync) {
      std::unique_ptr<rocksdb::FSWritableFile> file;
      EXPECT_TRUE(
          fs.NewWritableFile(temp.File(name), options, &file, nullptr).ok());
      EXPECT_TRUE(file->Append("1234", io, nullptr).ok());
      if (sync) {
        EXPECT_TRUE(file->Sync(io, nullptr).ok());
      }
      EXPECT_TRUE(file->Append("5678", io, nullptr).ok());
      EXPECT_TRUE(file->Close(io, nullptr).ok());
    };
    write("synced", true);
    write("never", false);
    write("old", true);
    write("gone", true);
    EXPECT_TRUE(
        fs.RenameFile(temp.File("old"), temp.File("new"), io, nullptr).ok());
    EXPECT_TRUE(fs.DeleteFile(temp.File("gone"), io, nullptr).ok());
  }
  ASSERT_OK(ApplyPowerLoss(temp.File("ledger")));
  EXPECT_EQ(std::filesystem::file_size(temp.File("synced")), 4u);
  EXPECT_EQ(std::filesystem::file_size(temp.File("new")), 4u);
  EXPECT_FALSE(std::filesystem::exists(temp.File("never")));
  EXPECT_FALSE(std::filesystem::exists(temp.File("gone")));
}

}  // namespace
}  // namespace actorkv
