// SQL on a full disk: SQLITE_FULL, a clean rollback, reads go on, and the
// store works again soon after space returns, with nothing done by the user.
// Needs root, to mount a small file system.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

#include "kv/rocksdb/ballast.h"
#include "tests/support/child_process.h"
#include "tests/support/crash_life.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"
#include "tests/support/tiny_disk.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

constexpr std::chrono::seconds kHealTime{10};        // promised
constexpr std::chrono::milliseconds kLookTime{300};  // more than kMaxAgeMs
constexpr int kRowBytes = 100000;
constexpr int kMaxRows = 2000;  // far more than any disk here holds

std::string Insert(int rows = 1) {
  return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
         "LIMIT " +
         std::to_string(rows) + ") INSERT INTO t(body) SELECT randomblob(" +
         std::to_string(kRowBytes) + ") FROM n";
}

// Writes for ever; says whether each commit was done. Slowly, so that it is
// others who fill the disk.
TEST(DiskFull, DISABLED_Writer) {
  const LifePlan plan = BeginLife();
  SqliteDb db;
  if (db.Open(ActorUri(plan.store, "a")) != SQLITE_OK) {
    MustRun(&db, "SELECT 'open'");
  }
  for (;;) {
    ChildSay(db.Exec(Insert()) == SQLITE_OK ? kSaysCommitted : kSaysDone);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

class DiskFullSqlTest : public testing::Test {
 protected:
  explicit DiskFullSqlTest(const char* options = "size=48m") : disk_(options) {}

  void SetUp() override {
    if (!disk_.mounted()) GTEST_SKIP() << "needs root, to mount a tmpfs";
    Open();
    ASSERT_EQ(db_.Exec("CREATE TABLE t(id INTEGER PRIMARY KEY, body BLOB)"),
              SQLITE_OK);
  }
  void TearDown() override {
    db_.Close();
    if (disk_.mounted()) CloseStore(store_);
  }

  void Open() {
    ASSERT_EQ(db_.Open(ActorUri(store_, "a")), SQLITE_OK) << LastError();
  }

  // Inserts until an error, which it returns; counts rows_.
  int InsertUntilFull() {
    for (int i = 0; i < kMaxRows; ++i) {
      const int code = db_.Exec(Insert());
      if (code != SQLITE_OK) return code;
      ++rows_;
    }
    return SQLITE_OK;
  }

  // All that was acknowledged is there, and nothing else; by this connection
  // and by a new one.
  void CheckRows() {
    SqliteDb fresh;
    ASSERT_EQ(fresh.Open(ActorUri(store_, "a")), SQLITE_OK) << LastError();
    for (SqliteDb* db : {&db_, &fresh}) {
      EXPECT_NE(sqlite3_get_autocommit(db->get()), 0);
      EXPECT_EQ(db->QueryInt("SELECT count(*) FROM t"), rows_) << LastError();
      EXPECT_EQ(db->QueryText("SELECT count(*) FROM t WHERE length(body) <> " +
                              std::to_string(kRowBytes)),
                "0")
          << LastError();
      EXPECT_EQ(db->QueryText("PRAGMA integrity_check"), "ok") << LastError();
    }
  }

  void ExpectWorksAgain() {
    const auto deadline = std::chrono::steady_clock::now() + kHealTime;
    int code = SQLITE_FULL;
    while (code != SQLITE_OK && std::chrono::steady_clock::now() < deadline) {
      code = db_.Exec(Insert());
      if (code == SQLITE_OK) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    ASSERT_EQ(code, SQLITE_OK) << db_.Error() << ": " << LastError();
    ++rows_;
    CheckRows();
  }

  TinyDisk disk_;
  const std::string store_ = disk_.File("store");
  SqliteDb db_;
  int64_t rows_ = 0;
};

TEST_F(DiskFullSqlTest, FullIsACleanRollbackAndHeals) {
  disk_.Fill(24 << 20);
  EXPECT_EQ(InsertUntilFull(), SQLITE_FULL) << LastError();
  EXPECT_GT(rows_, 10);
  CheckRows();
  disk_.Free();
  ExpectWorksAgain();
}

TEST_F(DiskFullSqlTest, AFailedCommitLeavesNoTransactionOpen) {
  disk_.Fill(24 << 20);
  EXPECT_EQ(InsertUntilFull(), SQLITE_FULL) << LastError();
  // A commit may find what a flush just gave back, but not for long.
  int failed = 0;
  for (int i = 0; i < 100 && failed < 3; ++i) {
    ASSERT_EQ(db_.Exec("BEGIN"), SQLITE_OK);
    ASSERT_EQ(db_.Exec("DELETE FROM t WHERE id = (SELECT min(id) FROM t);" +
                       Insert(20)),
              SQLITE_OK);
    const int code = db_.Exec("COMMIT");
    if (code == SQLITE_OK) {
      rows_ = db_.QueryInt("SELECT count(*) FROM t");
      continue;
    }
    ++failed;
    EXPECT_EQ(code, SQLITE_FULL) << LastError();
    CheckRows();
  }
  EXPECT_EQ(failed, 3);
  disk_.Free();
  ExpectWorksAgain();
}

// A transaction larger than the disk, again and again: what it staged goes.
TEST_F(DiskFullSqlTest, LargeTransactionsThatFailGiveTheirSpaceBack) {
  ASSERT_EQ(db_.Exec(Insert()), SQLITE_OK);
  ++rows_;
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(db_.Exec(Insert(600)), SQLITE_FULL) << LastError();
    CheckRows();
    ExpectWorksAgain();
  }
  // There is room for one of 8 MB, as there was before.
  const auto deadline = std::chrono::steady_clock::now() + kHealTime;
  int code = db_.Exec(Insert(80));
  while (code != SQLITE_OK && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    code = db_.Exec(Insert(80));
  }
  EXPECT_EQ(code, SQLITE_OK) << LastError();
}

class SmallDiskSqlTest : public DiskFullSqlTest {
 protected:
  SmallDiskSqlTest() : DiskFullSqlTest("size=16m") {}
};

// Logs, write buffers and reserves leave most of a small disk to the rows.
// They are such that the log is prepared for them
// (kv/rocksdb/rocksdb_log_file.h).
TEST_F(SmallDiskSqlTest, IsFullWhenItIsFull) {
  constexpr int64_t kSmallRowBytes = 50000;
  int64_t rows = 0;
  int code = SQLITE_OK;
  // A flush may be on its way; who tries again finds what it gave back.
  for (int failed = 0; failed < 40 && rows < kMaxRows;) {
    code = db_.Exec("INSERT INTO t(body) VALUES (randomblob(50000))");
    if (code == SQLITE_OK) {
      ++rows;
      continue;
    }
    ASSERT_EQ(code, SQLITE_FULL) << LastError();
    ++failed;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_EQ(code, SQLITE_FULL);
  EXPECT_GT(rows * kSmallRowBytes, 9 << 20) << LastError();
  EXPECT_EQ(db_.QueryInt("SELECT count(*) FROM t"), rows);
  EXPECT_EQ(db_.QueryText("PRAGMA integrity_check"), "ok");
}

// A store that is full of its own history is emptied by its own means.
TEST_F(SmallDiskSqlTest, HistoryGoesWhenTheDiskIsFull) {
  ASSERT_EQ(db_.Exec(Insert(5)), SQLITE_OK);
  int code = SQLITE_OK;
  for (int i = 0; i < kMaxRows && code == SQLITE_OK; ++i) {
    code = db_.Exec("UPDATE t SET body = randomblob(" +
                    std::to_string(kRowBytes) + ")");
  }
  ASSERT_EQ(code, SQLITE_FULL) << LastError();
  EXPECT_EQ(db_.QueryText("SELECT actorkv_retention(NULL, '0')"), "24 hours")
      << LastError();
  EXPECT_GT(db_.QueryInt("SELECT actorkv_reclaim()"), 0) << LastError();
  rows_ = 5;
  ExpectWorksAgain();
}

TEST_F(DiskFullSqlTest, FillsAndHealsAgainAndAgain) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(db_.Exec(Insert()), SQLITE_OK) << LastError();
    ++rows_;
    // Under RocksDB's feet: less than the module keeps in reserve.
    disk_.Fill(i % 2 == 0 ? 150000 : 4096);
    EXPECT_EQ(InsertUntilFull(), SQLITE_FULL) << LastError();
    CheckRows();
    disk_.Free();
    ExpectWorksAgain();
  }
  db_.Close();
  CloseStore(store_);
  Open();
  CheckRows();
}

TEST_F(DiskFullSqlTest, AFullDiskCanBeOpenedAndRead) {
  ASSERT_EQ(db_.Exec(Insert(20)), SQLITE_OK) << LastError();
  rows_ += 20;
  db_.Close();
  CloseStore(store_);
  disk_.Fill(4096);
  Open();
  CheckRows();
  EXPECT_EQ(db_.Exec(Insert()), SQLITE_FULL) << LastError();
  CheckRows();
  disk_.Free();
  ExpectWorksAgain();
}

TEST_F(DiskFullSqlTest, AKillOnAFullDiskLosesNothing) {
  for (int i = 0; i < 5; ++i) {
    db_.Close();
    CloseStore(store_);
    ChildProcess child("DiskFull.DISABLED_Writer", store_ + "\n\n\n\n");
    for (int n = 0; n < 3; ++n) {
      ASSERT_EQ(child.Hear(), kSaysCommitted);
      ++rows_;
    }
    disk_.Fill(i % 2 == 0 ? 1 << 20 : 100000);
    char report = child.Hear();
    for (; report == kSaysCommitted; report = child.Hear()) ++rows_;
    EXPECT_EQ(report, kSaysDone);
    std::this_thread::sleep_for(std::chrono::milliseconds(20 * i));
    child.Kill();
    while ((report = child.Hear()) != '\0') {
      if (report == kSaysCommitted) ++rows_;
    }
    Open();
    const int64_t rows = db_.QueryInt("SELECT count(*) FROM t");
    EXPECT_GE(rows, rows_) << "acknowledged and lost";
    EXPECT_LE(rows, rows_ + 1);
    rows_ = rows;
    CheckRows();
    disk_.Free();
    ExpectWorksAgain();
  }
}

// Of a compaction, as a kill leaves it.
TEST_F(DiskFullSqlTest, AnUnfinishedTableGivesItsRoomToAnOpen) {
  ASSERT_EQ(db_.Exec(Insert(20)), SQLITE_OK) << LastError();
  rows_ += 20;
  db_.Close();
  CloseStore(store_);
  disk_.Fill(0);
  std::filesystem::rename(disk_.File("filler"), store_ + "/900000.sst");
  Open();
  ExpectWorksAgain();
  EXPECT_FALSE(std::filesystem::exists(store_ + "/900000.sst"));
}

// A disk that others fill to its last byte, under a store that is large enough
// to have set space aside: what gives space back works, at once and after an
// open, and rows are refused until there is room.
class CrowdedDiskSqlTest : public DiskFullSqlTest {
 protected:
  CrowdedDiskSqlTest() : DiskFullSqlTest("size=256m") {}

  // Rows of about 90 MB, of which two thirds are history and a deleted actor.
  void SetUp() override {
    DiskFullSqlTest::SetUp();
    if (IsSkipped()) return;
    SqliteDb other;
    ASSERT_EQ(other.Open(ActorUri(store_, "gone")), SQLITE_OK);
    ASSERT_EQ(other.Exec("CREATE TABLE t(body);" + Insert(300)), SQLITE_OK)
        << LastError();
    other.Close();
    ASSERT_EQ(db_.Exec(Insert(300)), SQLITE_OK) << LastError();
    ASSERT_EQ(db_.Exec("UPDATE t SET body = randomblob(100000)"), SQLITE_OK)
        << LastError();
    rows_ = 300;
    // Small commits, until the store has looked at its size.
    const auto deadline = std::chrono::steady_clock::now() + kHealTime;
    while (BallastBytes() == 0 && std::chrono::steady_clock::now() < deadline) {
      ASSERT_EQ(db_.Exec(Insert()), SQLITE_OK) << LastError();
      ++rows_;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    ASSERT_GT(BallastBytes(), 0U);
    // Nobody is refused for what was free a moment ago.
    std::this_thread::sleep_for(kLookTime);
  }

  uint64_t BallastBytes() const {
    std::error_code missing;
    const auto size =
        std::filesystem::file_size(store_ + "/" + kBallastFileName, missing);
    return missing ? 0 : size;
  }

  uint64_t TableBytes() const {
    uint64_t sum = 0;
    for (const auto& file : std::filesystem::directory_iterator(store_)) {
      std::error_code gone;
      const uint64_t size = file.file_size(gone);
      if (!gone && file.path().extension() == ".sst") sum += size;
    }
    return sum;
  }

  // While there is no byte free, and then, of what was removed, the space.
  void ExpectRemovalsWork() {
    auto deadline = std::chrono::steady_clock::now() + kHealTime;
    int code = db_.Exec(Insert());
    // What RocksDB removes meanwhile gives room, and is filled up again.
    for (; code == SQLITE_OK && std::chrono::steady_clock::now() < deadline;
         code = db_.Exec(Insert())) {
      ++rows_;
      disk_.Fill(0);
    }
    EXPECT_EQ(code, SQLITE_FULL) << LastError();
    EXPECT_EQ(db_.QueryInt("SELECT count(*) FROM t"), rows_);
    EXPECT_EQ(db_.QueryText("SELECT actorkv_retention(NULL, '0')"), "24 hours")
        << LastError();
    EXPECT_GT(db_.QueryInt("SELECT actorkv_delete('gone')"), 0) << LastError();
    EXPECT_GT(db_.QueryInt("SELECT actorkv_purge('gone')"), 0) << LastError();
    EXPECT_GT(db_.QueryInt("SELECT actorkv_reclaim()"), 0) << LastError();
    CheckRows();
    disk_.Free();
    ExpectWorksAgain();
    EXPECT_EQ(db_.QueryText("SELECT count(*) FROM actorkv_verify"), "0");
    deadline = std::chrono::steady_clock::now() + kHealTime;
    const auto expected = static_cast<uint64_t>(rows_) * kRowBytes * 3 / 2;
    while (TableBytes() > expected &&
           std::chrono::steady_clock::now() < deadline) {
      EXPECT_GE(db_.QueryInt("SELECT actorkv_reclaim()"), 0) << LastError();
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    EXPECT_LE(TableBytes(), expected);
  }
};

TEST_F(CrowdedDiskSqlTest, RemovalsWork) {
  disk_.Fill(0);
  ExpectRemovalsWork();
}

TEST_F(CrowdedDiskSqlTest, RemovalsWorkAfterAnOpen) {
  db_.Close();
  CloseStore(store_);
  ASSERT_GT(BallastBytes(), 0U);
  disk_.Fill(0);
  Open();
  ExpectRemovalsWork();
}

// What was given up is set aside again when there is room.
TEST_F(CrowdedDiskSqlTest, TheSpaceIsSetAsideAgain) {
  auto deadline = std::chrono::steady_clock::now() + kHealTime;
  // What RocksDB removes meanwhile gives room as well, and is filled up again.
  do {
    disk_.Fill(0);
    EXPECT_EQ(db_.Exec("SELECT actorkv_retention(NULL, '0')"), SQLITE_OK)
        << LastError();
  } while (BallastBytes() > 0 && std::chrono::steady_clock::now() < deadline);
  EXPECT_EQ(BallastBytes(), 0U);
  disk_.Free();
  ExpectWorksAgain();
  deadline = std::chrono::steady_clock::now() + kHealTime;
  while (BallastBytes() == 0 && std::chrono::steady_clock::now() < deadline) {
    ASSERT_EQ(db_.Exec(Insert()), SQLITE_OK) << LastError();
    ++rows_;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_GT(BallastBytes(), 0U);
  CheckRows();
}

}  // namespace
}  // namespace actorkv
