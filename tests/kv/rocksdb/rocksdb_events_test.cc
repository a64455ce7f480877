// Which events the RocksDB engine notes: that it was opened again, and that a
// commit waited long.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kv/base/affix.h"
#include "kv/base/events.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "tests/support/fault_fs.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

class SlowFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  SlowFile(std::unique_ptr<rocksdb::FSWritableFile> base,
           const std::atomic<int>* wait_ms)
      : FSWritableFileOwnerWrapper(std::move(base)), wait_ms_(wait_ms) {}

  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms_->load()));
    return FSWritableFileOwnerWrapper::Sync(options, debug);
  }

 private:
  const std::atomic<int>* const wait_ms_;
};

// Its logs are as slow to sync as it is told.
class SlowFileSystem : public FaultFileSystem {
 public:
  rocksdb::IOStatus NewWritableFile(
      const std::string& name, const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* file,
      rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus s =
        FaultFileSystem::NewWritableFile(name, options, file, debug);
    if (s.ok() && EndsWith(name, ".log")) {
      *file = std::make_unique<SlowFile>(std::move(*file), &wait_ms_);
    }
    return s;
  }

  void set_wait_ms(int wait_ms) { wait_ms_ = wait_ms; }

 private:
  std::atomic<int> wait_ms_{0};
};

class RocksDbEventsTest : public testing::Test {
 protected:
  void SetUp() override {
    SetRocksDbFileSystemForTesting(fs_);
    ASSERT_OK(OpenRocksDbEngine(Path(), OpenMode::kCreate, &engine_));
    ASSERT_EQ(Put("a"), CommitOutcome::kDone);
  }
  void TearDown() override {
    engine_.reset();
    SetRocksDbFileSystemForTesting(nullptr);
  }

  std::string Path() const { return temp_.File("store"); }

  CommitOutcome Put(const std::string& key) {
    Batch batch;
    batch.Put({PartitionKind::kActor, 1}, key, "1");
    return engine_->Commit(batch, Durability::kSynced).outcome;
  }

  std::vector<Event> Events(EventKind kind) const {
    std::vector<Event> found;
    for (Event& event : ReadEvents()) {
      if (event.store != Path() || event.kind != kind) continue;
      found.push_back(std::move(event));
    }
    return found;
  }

  const TempDir temp_;
  const std::shared_ptr<SlowFileSystem> fs_ =
      std::make_shared<SlowFileSystem>();
  std::unique_ptr<Engine> engine_;
};

TEST_F(RocksDbEventsTest, AReopenAfterAFailedSync) {
  fs_->FailSync(".log", 1, 1, rocksdb::IOStatus::IOError("injected"));
  EXPECT_EQ(Put("b"), CommitOutcome::kUnknown);
  EXPECT_EQ(Put("c"), CommitOutcome::kDone);
  const std::vector<Event> events = Events(EventKind::kReopen);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].detail, "it can be written");
  EXPECT_TRUE(events[0].duration_us.has_value());
}

TEST_F(RocksDbEventsTest, ReopensThatFailAreOneAndTheOneThatDoesNot) {
  constexpr uint64_t kForever = 1'000'000;
  const auto error = rocksdb::IOStatus::IOError("injected");
  fs_->FailSync("", 1, kForever, error);
  fs_->FailAppend("", 1, kForever, error);
  EXPECT_NE(Put("b"), CommitOutcome::kDone);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Put("c"), CommitOutcome::kFailed);
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
  }
  EXPECT_EQ(Events(EventKind::kReopen).size(), 1U);
  EXPECT_NE(Events(EventKind::kReopen)[0].detail.find("injected"),
            std::string::npos);
  fs_->Heal();
  CommitOutcome outcome = CommitOutcome::kFailed;
  for (int i = 0; i < 100 && outcome != CommitOutcome::kDone; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    outcome = Put("d");
  }
  EXPECT_EQ(outcome, CommitOutcome::kDone);
  const std::vector<Event> events = Events(EventKind::kReopen);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].detail, "it can be written");
}

TEST_F(RocksDbEventsTest, ACommitThatWaitsIsAStall) {
  EXPECT_TRUE(Events(EventKind::kStall).empty());
  std::this_thread::sleep_for(std::chrono::seconds(1));  // one a second
  fs_->set_wait_ms(150);
  EXPECT_EQ(Put("b"), CommitOutcome::kDone);
  fs_->set_wait_ms(0);
  const std::vector<Event> events = Events(EventKind::kStall);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_GE(events[0].duration_us, 150'000U);
}

}  // namespace
}  // namespace actorkv
