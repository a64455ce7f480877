// With another VFS above ours (here one that logs): its files are not ours, so
// the record of the super-journal in a journal cannot be hidden. Commits over
// several actors are all or nothing all the same.

#include <gtest/gtest.h>

#include <string>

#include "tests/support/actor_harness.h"
#include "tests/support/logging_vfs.h"
#include "tests/support/sqlite_db.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

class StackedVfsTest : public ActorTest {
 protected:
  std::string Stacked(const std::string& actor) const {
    return "file:" + StorePath() + "/" + actor + "?vfs=actorkv-log";
  }

  // What a connection without the other VFS sees.
  std::string Elsewhere(const std::string& actor) {
    SqliteDb db;
    EXPECT_EQ(db.Open(Uri(actor)), SQLITE_OK);
    return db.QueryText("SELECT max(x) FROM t");
  }

 private:
  CallLog calls_;
  LoggingVfs vfs_{&calls_};
};

// The last one has more to write than fits into memory, and cannot stage it.
TEST_F(StackedVfsTest, ErrorInPhaseOneOfTheLastPublishesNone) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Stacked("a")), SQLITE_OK);
  ASSERT_EQ(
      db.Exec("ATTACH '" + Stacked("b") + "' AS b; ATTACH '" + Stacked("c") +
              "' AS c; CREATE TABLE main.t(x); CREATE TABLE b.t(x);"
              "CREATE TABLE c.t(x); INSERT INTO main.t VALUES(0);"
              "INSERT INTO b.t VALUES(0); INSERT INTO c.t VALUES(0);"
              "PRAGMA c.cache_size=-60000;"),
      SQLITE_OK);
  plan()->FailCommit(1, CommitFault::kFailed, Status::IOError("t"));
  EXPECT_EQ(db.Exec("BEGIN; UPDATE main.t SET x = 1; UPDATE b.t SET x = 1;"
                    "INSERT INTO c.t VALUES(zeroblob(20000000)); COMMIT;"),
            SQLITE_IOERR_WRITE);
  EXPECT_EQ(db.QueryText("SELECT (SELECT max(x) FROM main.t), "
                         "(SELECT max(x) FROM b.t), (SELECT max(x) FROM c.t)"),
            "0|0|0");
  for (const char* actor : {"a", "b", "c"}) EXPECT_EQ(Elsewhere(actor), "0");
}

TEST_F(StackedVfsTest, RefusedMixIsNotPublishedByItsRollback) {
  SqliteDb db;
  ASSERT_EQ(db.Open(PlainUri("p.db")), SQLITE_OK);
  ASSERT_EQ(db.Exec("ATTACH '" + Stacked("a") +
                    "' AS a; PRAGMA a.cache_size=3; CREATE TABLE u(x);"
                    "CREATE TABLE a.t(x, y); INSERT INTO u VALUES(0);"
                    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                    "FROM c WHERE i < 200) INSERT INTO t "
                    "SELECT 0, zeroblob(2000) FROM c;"),
            SQLITE_OK);
  // The spill locks the actor before the plain file is written.
  EXPECT_EQ(db.Exec("BEGIN; UPDATE t SET x = 1; UPDATE u SET x = 777; COMMIT;"),
            SQLITE_IOERR_FSYNC);
  EXPECT_NE(LastError().find("would not be atomic"), std::string::npos);
  EXPECT_EQ(db.QueryText("SELECT max(t.x), max(u.x) FROM t, u"), "0|0");
  EXPECT_EQ(Elsewhere("a"), "0");
}

TEST_F(StackedVfsTest, ActorsOfOneStoreAreNotTakenForPlainFiles) {
  SqliteDb db;
  ASSERT_EQ(db.Open(":memory:"), SQLITE_OK);
  ASSERT_EQ(
      db.Exec("ATTACH '" + Stacked("a") + "' AS a; ATTACH '" + Stacked("b") +
              "' AS b; CREATE TABLE a.t(x); CREATE TABLE b.t(x);"),
      SQLITE_OK);
  engine_log()->Clear();
  ASSERT_EQ(db.Exec("BEGIN; INSERT INTO a.t VALUES(1);"
                    "INSERT INTO b.t VALUES(1); COMMIT;"),
            SQLITE_OK)
      << LastError();
  EXPECT_EQ(engine_log()->commit_count(), 1u);
}

}  // namespace
}  // namespace actorkv
