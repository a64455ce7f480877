// The log in prepared blocks: what its readers see at every moment, and what
// becomes of it when the disk has no room for zeros.

#include "kv/rocksdb/rocksdb_log_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "kv/rocksdb/rocksdb_engine.h"
#include "kv/rocksdb/rocksdb_log_tail.h"
#include "kv/rocksdb/rocksdb_log_zeros.h"
#include "tests/support/fault_fs.h"
#include "tests/support/no_threads.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

const rocksdb::FileOptions kOptions;
const rocksdb::IOOptions kIo;

class LogFileTest : public testing::Test {
 protected:
  std::unique_ptr<rocksdb::FSWritableFile> New(const std::string& name) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    EXPECT_TRUE(
        fs_->NewWritableFile(temp_.File(name), kOptions, &file, nullptr).ok());
    return file;
  }
  std::string Read(const std::string& name) {
    return FileContents(temp_.File(name));
  }

  TempDir temp_;
  std::shared_ptr<FaultFileSystem> base_ = std::make_shared<FaultFileSystem>();
  std::shared_ptr<rocksdb::FileSystem> fs_ = NewLogFileSystem(base_, nullptr);
};

TEST_F(LogFileTest, RecordsLieBeforeZeros) {
  auto log = New("1.log");
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string record(static_cast<size_t>(i * 379 + 1), 'a');
    ASSERT_TRUE(log->Append(record, kIo, nullptr).ok());
    expected += record;
    // Another process reads it at once, synced or not.
    const std::string bytes = Read("1.log");
    ASSERT_GT(bytes.size(), expected.size());
    ASSERT_EQ(bytes.substr(0, expected.size()), expected);
    ASSERT_EQ(bytes.find_first_not_of('\0', expected.size()),
              std::string::npos);
    ASSERT_EQ(log->GetFileSize(kIo, nullptr), expected.size());
  }
  ASSERT_TRUE(log->Sync(kIo, nullptr).ok());
  ASSERT_TRUE(log->Close(kIo, nullptr).ok());
  EXPECT_EQ(Read("1.log"), expected);
}

// Whole records up to the end, and nothing but zeros behind it.
void ExpectRecords(const std::string& bytes, const std::string& expected) {
  ASSERT_GE(bytes.size(), expected.size());
  ASSERT_EQ(bytes.substr(0, expected.size()), expected);
  ASSERT_EQ(bytes.find_first_not_of('\0', expected.size()), std::string::npos);
}

// Records that are synced go past the cache of the operating system, others
// through it; whoever reads the file sees both, in their order.
class MixedLogTest : public LogFileTest,
                     public testing::WithParamInterface<bool> {};

TEST_P(MixedLogTest, SyncedAndOthers) {
  base_->RefuseDirect(GetParam());
  auto log = New("1.log");
  std::mt19937_64 rng(TestSeed());
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    const bool large = rng() % 50 == 0;
    const std::string record(rng() % (large ? 3 * kBulkAppendBytes : 6000) + 1,
                             static_cast<char>('a' + i % 26));
    expected += record;
    if (rng() % 2 == 0) {
      ASSERT_TRUE(log->Append(record, kIo, nullptr).ok());
    } else {
      const SyncedWrite synced;
      const size_t part = rng() % record.size();
      const rocksdb::Slice bytes(record);
      ASSERT_TRUE(log->Append({bytes.data(), part}, kIo, nullptr).ok());
      ASSERT_TRUE(
          log->Append({bytes.data() + part, bytes.size() - part}, kIo, nullptr)
              .ok());
      ASSERT_TRUE(log->Sync(kIo, nullptr).ok());
    }
    ASSERT_EQ(log->GetFileSize(kIo, nullptr), expected.size());
    if (i % 20 == 0) ExpectRecords(Read("1.log"), expected);
  }
  ASSERT_TRUE(log->Close(kIo, nullptr).ok());
  EXPECT_EQ(Read("1.log"), expected);
}

INSTANTIATE_TEST_SUITE_P(DirectIo, MixedLogTest, testing::Bool(),
                         [](const auto& param) {
                           return param.param ? "Refused" : "Used";
                         });

// The cache of the operating system has nothing of it before the sync; a
// file system without direct I/O has all of it.
TEST_F(LogFileTest, ASyncedRecordIsWrittenByItsSync) {
  for (const bool refused : {false, true}) {
    base_->RefuseDirect(refused);
    const std::string name = refused ? "2.log" : "1.log";
    auto log = New(name);
    const SyncedWrite synced;
    ASSERT_TRUE(log->Append("123", kIo, nullptr).ok());
    EXPECT_EQ(Read(name).substr(0, 3), refused ? "123" : std::string(3, '\0'));
    ASSERT_TRUE(log->Sync(kIo, nullptr).ok());
    EXPECT_EQ(Read(name).substr(0, 3), "123");
  }
}

TEST_F(LogFileTest, TellsOfAFailedWriteWithItsSync) {
  auto log = New("1.log");
  ASSERT_TRUE(log->Append("123", kIo, nullptr).ok());
  base_->FailAppend(".log", 1, 1, rocksdb::IOStatus::IOError("broken"));
  const SyncedWrite synced;
  ASSERT_TRUE(log->Append("456", kIo, nullptr).ok());
  EXPECT_TRUE(log->Sync(kIo, nullptr).IsIOError());
  ExpectRecords(Read("1.log"), "123");
}

// Some file systems refuse direct I/O at the first write and not before.
TEST_F(LogFileTest, DirectIoMayBeRefusedLate) {
  base_->FailAppend(".log", 1, 1, rocksdb::IOStatus::IOError("refused"));
  auto log = New("1.log");
  EXPECT_EQ(base_->fired_count(), 1U);
  const SyncedWrite synced;
  ASSERT_TRUE(log->Append("123", kIo, nullptr).ok());
  EXPECT_EQ(Read("1.log").substr(0, 3), "123");
  ASSERT_TRUE(log->Sync(kIo, nullptr).ok());
}

// The zeros come in time: records are not held up by them, and none is
// written where they still will be. Without a thread they come as well.
TEST_F(LogFileTest, ZerosAreWrittenBesideRecords) {
  for (const bool has_threads : {true, false}) {
    SCOPED_TRACE(has_threads);
    std::optional<NoThreads> none;
    if (!has_threads) none.emplace();
    const std::string name = has_threads ? "1.log" : "2.log";
    auto log = New(name);
    std::string expected;
    for (int i = 0; i < 3000; ++i) {
      const std::string record(5000, static_cast<char>('a' + i % 26));
      ASSERT_TRUE(log->Append(record, kIo, nullptr).ok());
      expected += record;
      ASSERT_GE(std::filesystem::file_size(temp_.File(name)), expected.size());
    }
    ExpectRecords(Read(name), expected);
    EXPECT_GT(Read(name).size(), expected.size()) << "no zeros";
  }
}

TEST(LogTailTest, KeepsTheLastBlock) {
  LogTail tail;
  std::mt19937_64 rng(TestSeed());
  std::string all;
  for (int i = 0; i < 1000; ++i) {
    const std::string data(rng() % 9000, static_cast<char>('a' + i % 26));
    if (rng() % 3 == 0 || !tail.Fits(data.size())) {
      tail.Settle();
      tail.Skip(data);
      all += data;
      EXPECT_FALSE(tail.has_pending());
    } else {
      EXPECT_EQ(tail.pending_begin() + tail.pending().size(), all.size());
      tail.Append(data);
      all += data;
    }
    ASSERT_EQ(tail.end(), all.size());
    const std::string blocks = tail.Blocks().ToString();
    ASSERT_EQ(blocks.size() % kLogBlockBytes, 0U);
    ASSERT_EQ(tail.begin() % kLogBlockBytes, 0U);
    const std::string rest = all.substr(tail.begin());
    ASSERT_EQ(blocks.substr(0, rest.size()), rest);
    ASSERT_EQ(blocks.find_first_not_of('\0', rest.size()), std::string::npos);
  }
}

TEST_F(LogFileTest, IsExtendedByAsMuchAsItHas) {
  auto log = New("1.log");
  const std::string record(kBulkAppendBytes / 2, 'a');
  uint64_t appended = 0;
  while (appended < (32 << 20)) {
    ASSERT_TRUE(log->Append(record, kIo, nullptr).ok());
    appended += record.size();
    const uint64_t now = std::filesystem::file_size(temp_.File("1.log"));
    ASSERT_LE(now, appended * 2 + kMinPreparedLogBytes);
    ASSERT_LE(now, appended + kMaxPreparedLogBytes);
  }
  EXPECT_LT(base_->sync_count(), 20U) << "each extension is synced";
}

TEST_F(LogFileTest, IsNotPreparedForBulk) {
  auto log = New("1.log");
  const std::string bulk(kBulkAppendBytes, 'b');
  ASSERT_TRUE(log->Append(bulk, kIo, nullptr).ok());
  ASSERT_TRUE(log->Append(bulk, kIo, nullptr).ok());
  EXPECT_EQ(Read("1.log"), bulk + bulk);
  // A small record behind it has zeros ahead again, and nothing is lost.
  ASSERT_TRUE(log->Append("123", kIo, nullptr).ok());
  const std::string expected = bulk + bulk + "123";
  const std::string bytes = Read("1.log");
  ASSERT_GT(bytes.size(), expected.size());
  EXPECT_EQ(bytes.substr(0, expected.size()), expected);
  EXPECT_EQ(bytes.find_first_not_of('\0', expected.size()), std::string::npos);
  // The zeros are used up before the log grows.
  ASSERT_TRUE(log->Append(bulk, kIo, nullptr).ok());
  EXPECT_EQ(Read("1.log").size(), bytes.size());
  EXPECT_EQ(log->GetFileSize(kIo, nullptr), expected.size() + bulk.size());
}

// A disk of which the test says how much is free.
class CrampedFileSystem : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "CrampedFileSystem"; }
  rocksdb::IOStatus GetFreeSpace(const std::string& /*path*/,
                                 const rocksdb::IOOptions& /*options*/,
                                 uint64_t* free_bytes,
                                 rocksdb::IODebugContext* /*debug*/) override {
    *free_bytes = free;
    return rocksdb::IOStatus::OK();
  }
  uint64_t free = 0;
};

TEST_F(LogFileTest, TakesASmallPartOfWhatIsFree) {
  auto cramped = std::make_shared<CrampedFileSystem>(base_);
  fs_ = NewLogFileSystem(cramped, nullptr);
  auto log = New("1.log");
  const std::string record(kBulkAppendBytes - 1, 'a');
  const auto append = [&](int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(log->Append(record, kIo, nullptr).ok());
    }
  };
  const auto zero_bytes = [&] {
    return std::filesystem::file_size(temp_.File("1.log")) -
           log->GetFileSize(kIo, nullptr);
  };
  cramped->free = kFreeBytesForOnePrepared * kMinPreparedLogBytes - 1;
  append(20);
  EXPECT_EQ(zero_bytes(), 0U) << "not worth a sync";
  for (const uint64_t part : {uint64_t{300} << 10, uint64_t{1} << 20}) {
    cramped->free = kFreeBytesForOnePrepared * part;
    for (int i = 0; i < 20; ++i) {
      append(1);
      EXPECT_GT(zero_bytes(), 0U);
      EXPECT_LE(zero_bytes(), part);
    }
  }
  cramped->free = ~uint64_t{0};
  append(100);
  EXPECT_GT(zero_bytes(), uint64_t{1} << 20);
}

TEST_F(LogFileTest, OtherFilesAreAsEver) {
  auto table = New("1.sst");
  ASSERT_TRUE(table->Append("123", kIo, nullptr).ok());
  ASSERT_TRUE(table->Flush(kIo, nullptr).ok());
  EXPECT_EQ(Read("1.sst"), "123");
}

TEST_F(LogFileTest, GrowsWhereThereIsNoRoomForZeros) {
  base_->FailPrepare(".log", 1, 1, rocksdb::IOStatus::NoSpace("full"));
  auto log = New("1.log");
  ASSERT_TRUE(log->Append("123", kIo, nullptr).ok());
  ASSERT_TRUE(log->Append("456", kIo, nullptr).ok());
  EXPECT_EQ(base_->fired_count(), 1U);
  EXPECT_EQ(Read("1.log"), "123456");
}

// What an earlier append wrote may be lost with a failed sync, so it must not
// be taken for a matter of zeros alone.
TEST_F(LogFileTest, TellsOfAFailedSyncOfZeros) {
  base_->FailSync(".log", 1, 1, rocksdb::IOStatus::IOError("broken"));
  auto log = New("1.log");
  EXPECT_TRUE(log->Append("123", kIo, nullptr).IsIOError());
}

// One that dies leaves zeros behind the last record; so does one that is
// killed between the zeros and the record.
TEST_F(LogFileTest, ADatabaseOpensFromALogWithZeros) {
  constexpr Partition kActor{PartitionKind::kActor, 1};
  const std::string directory = temp_.File("store");
  const std::string copy = temp_.File("copy");
  std::unique_ptr<Engine> engine;
  ASSERT_OK(OpenRocksDbEngine(directory, OpenMode::kCreate, &engine));
  for (int i = 0; i < 1000; ++i) {
    Batch batch;
    batch.Put(kActor, "key" + std::to_string(i), std::string(500, 'x'));
    ASSERT_TRUE(engine->Commit(batch, Durability::kBuffered).done());
  }
  // As a kill would leave it.
  std::filesystem::copy(directory, copy);
  engine.reset();
  ASSERT_OK(OpenRocksDbEngine(copy, OpenMode::kExisting, &engine));
  std::vector<std::optional<std::string>> values;
  ASSERT_OK(engine->NewReader()->Get(kActor, {"key0", "key999"}, &values));
  EXPECT_TRUE(values[0].has_value());
  EXPECT_TRUE(values[1].has_value());
}

}  // namespace
}  // namespace actorkv
