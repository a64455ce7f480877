// An engine whose directory is moved, removed or replaced while it is open.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "kv/files/store_marker.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

constexpr Partition kPages = {PartitionKind::kBranch, 7};

class MovedStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    engine_ = MakeStore("store");
    Put("before");
    ASSERT_OK(put_);
  }

  std::unique_ptr<Engine> Open(const std::string& name) {
    std::unique_ptr<Engine> engine;
    EXPECT_OK(OpenRocksDbEngine(dir_.File(name), OpenMode::kExisting, &engine));
    return engine;
  }

  std::unique_ptr<Engine> MakeStore(const std::string& name) {
    fs::create_directory(dir_.File(name));
    EXPECT_OK(WriteMarker(dir_.File(name)));
    std::unique_ptr<Engine> engine;
    EXPECT_OK(OpenRocksDbEngine(dir_.File(name), OpenMode::kCreate, &engine));
    return engine;
  }

  void Put(const std::string& key, size_t size_bytes = 1) {
    Batch batch;
    batch.Put(kPages, key, std::string(size_bytes, 'x'));
    const CommitResult result = engine_->Commit(batch, Durability::kSynced);
    EXPECT_EQ(result.done(), result.status.ok());
    put_ = result.status;
  }

  static bool Has(Engine* engine, const std::string& key) {
    std::vector<std::optional<std::string>> values;
    EXPECT_OK(engine->NewReader()->Get(kPages, {key}, &values));
    return !values.empty() && values[0].has_value();
  }

  std::map<std::string, uintmax_t> Files(const std::string& name) {
    std::map<std::string, uintmax_t> files;
    for (const auto& entry : fs::directory_iterator(dir_.File(name))) {
      files[entry.path().filename().string()] = entry.file_size();
    }
    return files;
  }

  // Once RocksDB has removed what its creation left behind.
  std::map<std::string, uintmax_t> SettledFiles(const std::string& name) {
    for (int i = 0; i < 1000 && Files(name).count("MANIFEST-000001") > 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return Files(name);
  }

  // Everything that writes says so; what reads goes on.
  void ExpectRefused() {
    Put("refused");
    EXPECT_TRUE(IsError(put_, Code::kFenced, "is not the one that was opened"));
    EXPECT_EQ(engine_->Drop(kPages).code(), Code::kFenced);
    EXPECT_EQ(engine_->Compact(kPages, "", "").code(), Code::kFenced);
    uint64_t bytes = 0;
    EXPECT_EQ(engine_->Checkpoint(dir_.File("backup"), &bytes).code(),
              Code::kFenced);
    EXPECT_FALSE(fs::exists(dir_.File("backup")));
    EXPECT_OK(engine_->Sync());
    EXPECT_TRUE(Has(engine_.get(), "before"));
    EXPECT_FALSE(Has(engine_.get(), "refused"));
  }

  const TempDir dir_;
  const std::string path_ = dir_.File("store");
  const std::string aside_ = dir_.File("aside");
  std::unique_ptr<Engine> engine_;
  Status put_;
};

TEST_F(MovedStoreTest, MovedAndPutBack) {
  fs::rename(path_, aside_);
  ExpectRefused();
  fs::rename(aside_, path_);
  Put("after");
  ASSERT_OK(put_);
  engine_.reset();
  EXPECT_TRUE(Has(Open("store").get(), "after"));
}

TEST_F(MovedStoreTest, SwappedForABackup) {
  // Tables, logs and a manifest that bear the same names in both.
  uint64_t bytes = 0;
  ASSERT_OK(engine_->Checkpoint(dir_.File("backup"), &bytes));
  ASSERT_OK(WriteMarker(dir_.File("backup")));
  for (int i = 0; i < 8; ++i) Put("large" + std::to_string(i), 1 << 20);
  const auto backup = Files("backup");
  fs::rename(path_, aside_);
  fs::rename(dir_.File("backup"), path_);
  ExpectRefused();
  engine_.reset();
  EXPECT_EQ(Files("store"), backup) << "nothing was made or removed in it";
  EXPECT_TRUE(Has(Open("store").get(), "before"));
  EXPECT_FALSE(Has(Open("store").get(), "large7"));
  EXPECT_TRUE(Has(Open("aside").get(), "large7"));
}

TEST_F(MovedStoreTest, Removed) {
  RemoveDirectory(path_);
  Put("refused");
  EXPECT_TRUE(IsError(put_, Code::kFenced, "nothing of that name"));
  EXPECT_TRUE(Has(engine_.get(), "before")) << "out of memory";
  // Another one of that name, in the same process, before this one is closed.
  const std::unique_ptr<Engine> second = MakeStore("store");
  EXPECT_FALSE(Has(second.get(), "before"));
  Put("refused");
  EXPECT_TRUE(IsError(put_, Code::kFenced, "another directory"));
  const auto files = SettledFiles("store");
  engine_.reset();
  EXPECT_EQ(Files("store"), files);
}

// The files of another store in the same directory, while this one is open:
// none of them is replaced or removed by it.
TEST_F(MovedStoreTest, ReplacedFileByFile) {
  for (int i = 0; i < 4; ++i) {
    Put("large" + std::to_string(i), 1 << 20);
    engine_.reset();
    engine_ = Open("store");
  }
  uint64_t bytes = 0;
  ASSERT_OK(engine_->Checkpoint(dir_.File("backup"), &bytes));
  ASSERT_OK(WriteMarker(dir_.File("backup")));
  for (const auto& entry : fs::directory_iterator(path_)) fs::remove(entry);
  for (const auto& entry : fs::directory_iterator(dir_.File("backup"))) {
    fs::copy_file(entry, path_ + "/" + entry.path().filename().string());
  }
  const auto files = SettledFiles("store");
  Put("refused");
  EXPECT_TRUE(IsError(put_, Code::kFenced, "files of another store"));
  EXPECT_EQ(engine_->Compact(kPages, "", "").code(), Code::kFenced);
  engine_.reset();
  EXPECT_EQ(Files("store"), files);
  EXPECT_TRUE(Has(Open("store").get(), "large3"));
}

TEST_F(MovedStoreTest, AFollowerSaysSoAndShowsNothingOld) {
  std::unique_ptr<Engine> follower;
  ASSERT_OK(OpenRocksDbEngine(path_, OpenMode::kFollow, &follower));
  std::atomic<uint64_t> epoch{0};
  EXPECT_OK(follower->CatchUp(&epoch));
  fs::rename(path_, aside_);
  EXPECT_TRUE(
      IsError(follower->CatchUp(&epoch), Code::kFenced, "nothing of that"));
  MakeStore("store").reset();
  EXPECT_TRUE(
      IsError(follower->CatchUp(&epoch), Code::kFenced, "another directory"));
  RemoveDirectory(path_);
  fs::rename(aside_, path_);
  EXPECT_OK(follower->CatchUp(&epoch));
}

// Names through a descriptor are for system calls alone.
TEST_F(MovedStoreTest, ErrorsAndFilesNameThePath) {
  std::unique_ptr<Engine> second;
  const Status busy = OpenRocksDbEngine(path_, OpenMode::kExisting, &second);
  EXPECT_TRUE(IsError(busy, Code::kBusy, path_));
  EXPECT_EQ(busy.message().find("/proc"), std::string_view::npos);
  engine_.reset();
  for (const auto& entry : fs::directory_iterator(path_)) {
    const std::string bytes = FileContents(entry.path());
    EXPECT_EQ(bytes.find("/proc/self"), std::string::npos) << entry.path();
  }
  std::ofstream(path_ + "/CURRENT") << "MANIFEST-999999\n";
  const Status damaged = OpenRocksDbEngine(path_, OpenMode::kExisting, &second);
  EXPECT_TRUE(IsError(damaged, Code::kIOError, path_ + "/MANIFEST-999999"))
      << damaged.ToString();
  EXPECT_EQ(damaged.message().find("/proc"), std::string_view::npos)
      << damaged.ToString();
}

}  // namespace
}  // namespace actorkv
