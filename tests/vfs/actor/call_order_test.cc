// The order of the pager's calls that vfs/actor/actor_file.h builds on (its KEY
// ASSUMPTIONS), and the moment of the engine commit among them: one for each
// transaction, with at most one sync.

#include <gtest/gtest.h>

#include <string>

#include "tests/support/actor_harness.h"
#include "tests/support/logging_vfs.h"
#include "tests/support/sqlite_db.h"

namespace actorkv {
namespace {

class CallOrderTest : public ActorTest {
 protected:
  void SetUp() override {
    ActorTest::SetUp();
    engine_log()->SetCallLog(&calls_);
  }

  std::string LoggedUri(const std::string& actor) const {
    return "file:" + StorePath() + "/" + actor + "?vfs=actorkv-log";
  }

  // Runs `sql` and returns the calls it made.
  std::string CallsOf(SqliteDb* db, const std::string& sql) {
    calls_.Take();
    engine_log()->Clear();
    EXPECT_EQ(db->Exec(sql), SQLITE_OK) << sql << ": " << db->Error();
    return calls_.Take();
  }

  CallLog* calls() { return &calls_; }

 private:
  CallLog calls_;
  LoggingVfs vfs_{&calls_};
};

constexpr char kBegin[] =
    "xLock(SHARED) xLock(RESERVED) xLock(EXCLUSIVE) xWrite* SYNC(NULL)";
constexpr char kEnd[] = " PHASETWO xUnlock(SHARED) xUnlock(NONE)";

constexpr char kManyRows[] =
    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c "
    "WHERE i < 500) INSERT INTO t SELECT randomblob(500) FROM c;";

TEST_F(CallOrderTest, EveryJournalModeAndLevelOfSynchronous) {
  for (const std::string mode :
       {"delete", "truncate", "persist", "memory", "off"}) {
    for (int level = 0; level <= 3; ++level) {
      SCOPED_TRACE(mode + " synchronous=" + std::to_string(level));
      SqliteDb db;
      ASSERT_EQ(db.Open(LoggedUri(mode + std::to_string(level))), SQLITE_OK);
      EXPECT_EQ(db.QueryText("PRAGMA journal_mode=" + mode), mode);
      ASSERT_EQ(db.Exec("PRAGMA synchronous=" + std::to_string(level) +
                        "; CREATE TABLE t(x); INSERT INTO t VALUES(1);"),
                SQLITE_OK);
      const std::string got = CallsOf(&db, "UPDATE t SET x = 2");
      EXPECT_EQ(got, std::string(kBegin) +
                         (level >= 2 ? " commit+sync" : " commit") +
                         (level >= 1 ? " xSync" : "") +
                         (mode == "delete" ? " xDelete(journal)" : "") + kEnd);
      EXPECT_EQ(engine_log()->commit_count(), 1u);
      EXPECT_EQ(engine_log()->synced_count(), level >= 2 ? 1u : 0u);
    }
  }
}

// SQLite truncates after the commit point, and only a file that is longer than
// it should be: the published size is right, so there is nothing to truncate.
TEST_F(CallOrderTest, ShrunkDatabaseHasItsSizeAtTheCommitPoint) {
  SqliteDb db;
  ASSERT_EQ(db.Open(LoggedUri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x);"), SQLITE_OK);
  ASSERT_EQ(db.Exec(kManyRows), SQLITE_OK);
  ASSERT_EQ(db.Exec("DELETE FROM t"), SQLITE_OK);
  const std::string got = CallsOf(&db, "VACUUM");
  EXPECT_EQ(got,
            std::string(kBegin) + " commit+sync xSync xDelete(journal)" + kEnd);
  EXPECT_EQ(engine_log()->commit_count(), 1u);
}

TEST_F(CallOrderTest, RollbackAfterSpillSyncsAndHasNoPhaseTwo) {
  SqliteDb db;
  ASSERT_EQ(db.Open(LoggedUri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA cache_size=5; CREATE TABLE t(x);"), SQLITE_OK);
  ASSERT_EQ(db.Exec(kManyRows), SQLITE_OK);
  const std::string got =
      CallsOf(&db, "BEGIN; UPDATE t SET x = zeroblob(500); ROLLBACK;");
  EXPECT_NE(got.find("SYNC(NULL)"), std::string::npos) << got;
  EXPECT_EQ(got.find("PHASETWO"), std::string::npos) << got;
  EXPECT_EQ(got.find("commit"), std::string::npos) << got;
  EXPECT_EQ(engine_log()->commit_count(), 0u);
}

TEST_F(CallOrderTest, ExclusiveModeKeepsTheLock) {
  SqliteDb db;
  ASSERT_EQ(db.Open(LoggedUri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA locking_mode=EXCLUSIVE; CREATE TABLE t(x);"),
            SQLITE_OK);
  const std::string got = CallsOf(&db, "INSERT INTO t VALUES(1)");
  EXPECT_EQ(got, "xWrite SYNC(NULL) commit+sync xSync PHASETWO");
}

// A single writer publishes at its FCNTL_SYNC also where another database of
// the connection is locked and idle: locks do not make a writer.
TEST_F(CallOrderTest, IdleExclusiveDatabaseIsNoWriter) {
  SqliteDb db;
  ASSERT_EQ(db.Open(":memory:"), SQLITE_OK);
  ASSERT_EQ(db.Exec("ATTACH '" + LoggedUri("a") + "' AS a;" + "ATTACH '" +
                    LoggedUri("b") + "' AS b;" +
                    "CREATE TABLE a.t(x); CREATE TABLE b.t(x);"
                    "PRAGMA a.locking_mode=EXCLUSIVE;"
                    "INSERT INTO a.t VALUES(1);"),
            SQLITE_OK);
  EXPECT_EQ(CallsOf(&db, "INSERT INTO b.t VALUES(1)"),
            std::string(kBegin) + " commit+sync xSync xDelete(journal)" + kEnd);
}

TEST_F(CallOrderTest, SuperJournalPublishesAtItsDeletion) {
  SqliteDb db;
  ASSERT_EQ(db.Open(LoggedUri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("ATTACH '" + LoggedUri("b") + "' AS b;" +
                    "CREATE TABLE t(x); CREATE TABLE b.u(x);"),
            SQLITE_OK);
  const std::string got = CallsOf(
      &db, "BEGIN; INSERT INTO t VALUES(1); INSERT INTO u VALUES(1); COMMIT;");
  EXPECT_NE(got.find("SYNC(super) xSync xWrite* SYNC(super) xSync "
                     "xDelete(super,1) commit+sync xDelete(journal) PHASETWO"),
            std::string::npos)
      << got;
  EXPECT_EQ(engine_log()->commit_count(), 1u);
  EXPECT_EQ(engine_log()->synced_count(), 1u);
}

TEST_F(CallOrderTest, BatchAtomicWritesAreNeverAsked) {
  SqliteDb db;
  ASSERT_EQ(db.Open(LoggedUri("a")), SQLITE_OK);
  EXPECT_EQ(sqlite3_compileoption_used("ENABLE_BATCH_ATOMIC_WRITE"), 0);
  sqlite3_file* file = nullptr;
  sqlite3_file_control(db.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  EXPECT_EQ(file->pMethods->xDeviceCharacteristics(file) &
                (SQLITE_IOCAP_BATCH_ATOMIC | SQLITE_IOCAP_ATOMIC),
            0);
}

TEST_F(CallOrderTest, ReadingCommitsNothing) {
  SqliteDb db;
  ASSERT_EQ(db.Open(LoggedUri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x)"), SQLITE_OK);
  EXPECT_EQ(CallsOf(&db, "SELECT * FROM t"), "xLock(SHARED) xUnlock(NONE)");
  EXPECT_EQ(
      CallsOf(&db, "BEGIN IMMEDIATE; COMMIT;"),
      "xLock(SHARED) xLock(RESERVED) xLock(EXCLUSIVE)" + std::string(kEnd));
  EXPECT_EQ(engine_log()->commit_count(), 0u);
}

}  // namespace
}  // namespace actorkv
