// Import, export and backup on a disk that fills up: an error that says so,
// nothing half done, and the next try works.

#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "kv/format/keys.h"
#include "kv/process/store_registry.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "kv/store/store.h"
#include "tests/support/fault_fs.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

constexpr std::chrono::seconds kHealTime{10};

class TransferFaultTest : public SqlTest {
 protected:
  void SetUp() override {
    SetRocksDbFileSystemForTesting(fs_);
    SqlTest::SetUp();
    MakeActor("alice", 100);
  }
  void TearDown() override {
    SqlTest::TearDown();
    SetRocksDbFileSystemForTesting(nullptr);
  }

  // Repeats the statement until it answers `answer`.
  bool AnswersInTime(const std::string& sql, const std::string& answer) {
    const auto deadline = std::chrono::steady_clock::now() + kHealTime;
    while (std::chrono::steady_clock::now() < deadline) {
      if (Ask(sql) == answer) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }

  // The store appends nothing by itself when this returns: what imports that
  // failed left behind is dropped, and reclaim is off.
  void WaitForMaintenance() {
    std::shared_ptr<Store> store;
    ASSERT_OK(StoreRegistry::Instance()->Acquire(File("store"),
                                                 OpenMode::kExisting, &store));
    const auto deadline = std::chrono::steady_clock::now() + kHealTime;
    while (HasStage(store.get())) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      StoreRegistry::Instance()->Wake();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  FaultFileSystem* fs() { return fs_.get(); }

 private:
  // Its record goes last.
  static bool HasStage(Store* store) {
    std::vector<KeyValue> pairs;
    const Status s = store->engine()->NewReader()->Scan(
        CatalogPartition(), StagePrefix(), 1, &pairs);
    return !s.ok() ||
           (!pairs.empty() &&
            pairs[0].key.compare(0, StagePrefix().size(), StagePrefix()) == 0);
  }

  std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
};

TEST_F(TransferFaultTest, ImportOnAFullDiskIsAllOrNothing) {
  MakeFile("x.db", "", 18000);  // more than a transaction keeps in memory
  Ask("SELECT actorkv_set('reclaim_interval_ms', 0)");
  for (uint64_t nth = 1;; ++nth) {
    SCOPED_TRACE(nth);
    const std::string name = "x" + std::to_string(nth);
    ASSERT_LT(nth, 200u);
    const std::string import =
        "SELECT actorkv_import('" + name + "', '$DIR/x.db') > 0";
    WaitForMaintenance();
    ASSERT_FALSE(HasFailure());
    const uint64_t fired = fs()->fired_count();
    fs()->FailAppend(".log", nth, 1, rocksdb::IOStatus::NoSpace("injected"));
    const std::string answer = Ask(import);
    const int code = db()->ErrorCode();
    fs()->Heal();
    if (fs()->fired_count() == fired) {
      EXPECT_EQ(answer, "1");
      break;
    }
    EXPECT_EQ(code, SQLITE_FULL) << answer;
    EXPECT_NE(answer.find("actor=" + name), std::string::npos) << answer;
    // What else is there can be read at once.
    EXPECT_EQ(Ask("SELECT page_count FROM actorkv_actors WHERE actor = "
                  "'alice'"),
              "15");
    EXPECT_EQ(Ask("SELECT * FROM actorkv_actors WHERE actor = '" + name + "'"),
              "");
    EXPECT_TRUE(AnswersInTime(import, "1"));
    EXPECT_EQ(Ask("SELECT * FROM actorkv_verify('" + name + "')"), "");
  }
}

TEST_F(TransferFaultTest, BackupOnAFullDiskLeavesNothing) {
  fs()->FailAppend("CURRENT", 1, 1, rocksdb::IOStatus::NoSpace("injected"));
  ExpectBad({{"SELECT actorkv_backup('$DIR/copy')", SQLITE_FULL, "injected"}});
  EXPECT_EQ(Listing(), "store");
  fs()->Heal();
  EXPECT_EQ(Ask("SELECT actorkv_backup('$DIR/copy') > 0"), "1");
}

TEST_F(TransferFaultTest, ExportThatCannotBeWrittenLeavesNothing) {
  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  rlimit before = {};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 20000;
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string answer =
      Ask("SELECT actorkv_export('alice', '$DIR/out.db')");
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, old_handler);
  EXPECT_EQ(db()->ErrorCode(), SQLITE_IOERR);
  EXPECT_NE(answer.find("File too large"), std::string::npos) << answer;
  EXPECT_EQ(Listing(), "store");
}

}  // namespace
}  // namespace actorkv
