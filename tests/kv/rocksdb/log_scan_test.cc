// Logs with a torn end or a decayed middle: what is replayed is a prefix of
// what was written, and what lies behind is kept.

#include "kv/rocksdb/log_scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kv/files/directory.h"
#include "kv/rocksdb/database_files.h"
#include "kv/rocksdb/database_names.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "tests/support/mend_logs.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

constexpr Partition kActor{PartitionKind::kActor, 1};
constexpr int kCommits = 40;

void WriteBytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// A store whose log holds kCommits commits, as a kill leaves it; ends_[i] is
// where the record of commit i ends. Some records span several blocks.
class LogScanTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string live = temp_.File("live");
    std::unique_ptr<Engine> engine;
    ASSERT_OK(OpenRocksDbEngine(live, OpenMode::kCreate, &engine));
    for (int i = 0; i < kCommits; ++i) {
      Batch batch;
      const auto size = static_cast<size_t>(i % 7 == 6 ? 90000 : i * 131);
      batch.Put(kActor, Key(i), std::string(size, 'x') + "end");
      ASSERT_TRUE(engine->Commit(batch, Durability::kBuffered).done());
      const std::string bytes = FileContents(LogOf(live));
      ends_.push_back(bytes.find_last_not_of('\0') + 1);
    }
    fs::copy(live, store_);
    log_ = LogOf(store_);
    bytes_ = FileContents(log_);
  }

  static std::string Key(int i) { return "key" + std::to_string(i); }

  static std::string LogOf(const std::string& store) {
    std::vector<std::string> logs;
    EXPECT_OK(ListLogs(store, &logs));
    return store + "/" + logs.back();
  }

  LogScan Scan() const {
    LogScan scan;
    EXPECT_OK(ScanLog(log_, &scan));
    return scan;
  }

  // How many commits a log that is damaged at `offset` still gives.
  size_t WholeBefore(uint64_t offset) const {
    return static_cast<size_t>(
        std::upper_bound(ends_.begin(), ends_.end(), offset) - ends_.begin());
  }

  std::vector<std::string> Stranded() const {
    std::vector<std::string> names;
    EXPECT_OK(ListNames(store_, kStrandedPrefix, &names));
    return names;
  }

  // The commits that a store opened from the files has: 0 .. result - 1.
  int Replayed() const {
    std::unique_ptr<Engine> engine;
    EXPECT_OK(OpenRocksDbEngine(store_, OpenMode::kExisting, &engine));
    std::vector<std::string> keys;
    keys.reserve(kCommits);
    for (int i = 0; i < kCommits; ++i) keys.push_back(Key(i));
    std::vector<std::optional<std::string>> values;
    EXPECT_OK(engine->NewReader()->Get(
        kActor, std::vector<std::string_view>(keys.begin(), keys.end()),
        &values));
    int count = 0;
    while (count < kCommits && values[static_cast<size_t>(count)]) ++count;
    for (int i = count; i < kCommits; ++i) {
      EXPECT_FALSE(values[static_cast<size_t>(i)]) << "a hole before " << i;
    }
    return count;
  }

  TempDir temp_;
  const std::string store_ = temp_.File("store");
  std::string log_;
  std::string bytes_;
  std::vector<uint64_t> ends_;
};

TEST_F(LogScanTest, ASoundLogIsLeftAlone) {
  const LogScan scan = Scan();
  EXPECT_EQ(scan.end_bytes, ends_.back());
  EXPECT_EQ(scan.used_bytes, ends_.back());
  EXPECT_EQ(scan.stranded_count, 0U);
  ASSERT_OK(ScanAndMendLogs(store_));
  EXPECT_EQ(FileContents(log_), bytes_);
  EXPECT_EQ(Replayed(), kCommits);
}

TEST_F(LogScanTest, FindsTheLastRecordBeforeADamagedByte) {
  for (uint64_t at = 0; at < ends_.back(); at += 997) {
    std::string damaged = bytes_;
    damaged[at] = static_cast<char>(damaged[at] ^ 32);
    WriteBytes(log_, damaged);
    const size_t whole = WholeBefore(at);
    const LogScan scan = Scan();
    ASSERT_EQ(scan.end_bytes, whole == 0 ? 0 : ends_[whole - 1]) << at;
    ASSERT_EQ(scan.used_bytes, ends_.back()) << at;
    // Those of its block may be lost with a damaged length.
    ASSERT_LT(scan.stranded_count, kCommits - whole) << at;
  }
}

// Zeros where a record was, whole blocks behind it: RocksDB alone would skip
// them and replay what follows.
TEST_F(LogScanTest, AHoleOfZerosEndsTheLog) {
  constexpr uint64_t kSector = 512;
  for (const size_t commit : {0U, 3U, 10U, 25U}) {
    RemoveDirectory(store_);
    fs::copy(temp_.File("live"), store_);
    std::string torn = bytes_;
    const uint64_t begin = commit == 0 ? 0 : ends_[commit - 1];
    const uint64_t end = (begin / kSector + 3) * kSector;
    std::fill(torn.begin() + static_cast<ptrdiff_t>(begin),
              torn.begin() + static_cast<ptrdiff_t>(end), '\0');
    WriteBytes(log_, torn);
    EXPECT_EQ(Scan().end_bytes, begin);
    EXPECT_EQ(Replayed(), static_cast<int>(commit));
    ASSERT_EQ(Stranded().size(), 1U) << commit;
    EXPECT_EQ(FileContents(store_ + "/" + Stranded()[0]),
              torn.substr(begin, ends_.back() - begin));
  }
}

// A write that was cut short leaves nothing worth keeping.
TEST_F(LogScanTest, ATornTailIsCut) {
  for (const uint64_t lost : {1U, 100U, 30000U}) {
    RemoveDirectory(store_);
    fs::copy(temp_.File("live"), store_);
    // The last commit but five spans blocks.
    const size_t last = 34;
    std::string torn = bytes_.substr(0, ends_[last] - lost);
    torn.resize(bytes_.size(), '\0');
    WriteBytes(log_, torn);
    EXPECT_EQ(Scan().end_bytes, ends_[last - 1]);
    ASSERT_OK(ScanAndMendLogs(store_));
    EXPECT_EQ(fs::file_size(log_), ends_[last - 1]);
    EXPECT_TRUE(Stranded().empty());
    EXPECT_EQ(Replayed(), static_cast<int>(last));
  }
}

TEST_F(LogScanTest, JunkIsNoRecord) {
  const struct {
    const char* what;
    std::string bytes;
  } cases[] = {
      {"empty", ""},
      {"short", "abc"},
      {"zeros", std::string(100000, '\0')},
      {"ones", std::string(100000, '\xff')},
      {"letters", std::string(40000, 'a')},
  };
  for (const auto& c : cases) {
    WriteBytes(log_, c.bytes);
    const LogScan scan = Scan();
    EXPECT_EQ(scan.end_bytes, 0U) << c.what;
    EXPECT_EQ(scan.stranded_count, 0U) << c.what;
  }
}

// Each life of a store that writes nothing leaves one.
TEST_F(LogScanTest, EmptyLogsGo) {
  std::vector<std::string> logs;
  for (int life = 0; life < 5; ++life) {
    EXPECT_EQ(Replayed(), kCommits);
    ASSERT_OK(ListLogs(store_, &logs));
    EXPECT_LE(logs.size(), 3u) << life;
  }
  for (const char* name : {"000001.log", "1000000.log", "999999.log"}) {
    WriteBytes(store_ + "/" + name, "");
  }
  ASSERT_OK(ScanAndMendLogs(store_));
  ASSERT_OK(ListLogs(store_, &logs));
  EXPECT_EQ(std::count(logs.begin(), logs.end(), "000001.log"), 0);
  EXPECT_EQ(std::count(logs.begin(), logs.end(), "999999.log"), 0);
  EXPECT_EQ(std::count(logs.begin(), logs.end(), "1000000.log"), 1);
}

TEST_F(LogScanTest, AMissingLogIsAnError) {
  LogScan scan;
  EXPECT_TRUE(
      IsError(ScanLog(temp_.File("none"), &scan), Code::kNotFound, "none"));
}

}  // namespace
}  // namespace actorkv
