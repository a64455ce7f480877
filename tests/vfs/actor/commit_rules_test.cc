// When a transaction on one actor is published, and what SQLite makes of a
// publish that fails: the rules of vfs/actor/commit_group.h and
// vfs/sqlite/sqlite_error.h, each broken by the wrong choice. What is
// published: commit_content_test.cc. Several actors: group_commit_test.cc.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kv/pages/commit.h"
#include "kv/store/store.h"
#include "tests/support/actor_harness.h"
#include "tests/support/sqlite_db.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

constexpr char kFill[] =
    "CREATE TABLE t(k INTEGER PRIMARY KEY, v);"
    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c "
    "WHERE i < 300) INSERT INTO t SELECT i, hex(i) || zeroblob(900) FROM c;";

// One way in which the pager may be set up when a commit fails.
struct Setting {
  const char* name;
  const char* pragmas;
  bool other_statement;  // a SELECT of the same connection is under way
};

constexpr Setting kSettings[] = {
    {"plain", "", false},
    {"another statement open", "", true},
    {"exclusive", "PRAGMA locking_mode=EXCLUSIVE;", false},
    {"exclusive and open", "PRAGMA locking_mode=EXCLUSIVE;", true},
    {"tiny cache", "PRAGMA cache_size=5;", false},
    {"journal in pager", "PRAGMA journal_mode=MEMORY;", true},
    {"persistent journal", "PRAGMA journal_mode=PERSIST;", false},
    {"synchronous off", "PRAGMA synchronous=OFF;", false},
};

struct Fault {
  CommitFault fault;
  Status status;
  int code;
};

std::vector<Fault> FaultsAtSync() {
  return {
      {CommitFault::kFailed, Status::Busy("t"), SQLITE_IOERR_FSYNC},
      {CommitFault::kFailed, Status::IOError("t"), SQLITE_IOERR_FSYNC},
      {CommitFault::kFailed, Status::NoSpace("t"), SQLITE_FULL},
      {CommitFault::kFailed, Status::Corruption("t"), SQLITE_IOERR_FSYNC},
      {CommitFault::kFailed, Status::NotSupported("t"), SQLITE_IOERR_FSYNC},
      {CommitFault::kFailed, Status::Fenced("t"), SQLITE_READONLY_DBMOVED},
      {CommitFault::kConflict, Status::Conflict("t"), SQLITE_BUSY_SNAPSHOT},
      {CommitFault::kUnknownLost, Status::IOError("t"), SQLITE_IOERR_FSYNC},
  };
}

class CommitRulesTest : public ActorTest {
 protected:
  // An actor of a fresh store, with 300 rows, and no other store open: what an
  // old one still has to do in the background, such as dropping a dead stage
  // or flattening, would meet the fault of the test.
  void Prepare(SqliteDb* db, const Setting& setting) {
    CloseStores();
    store_ = "store" + std::to_string(++store_count_);
    ASSERT_EQ(db->Open(Uri("a", "", store_)), SQLITE_OK);
    ASSERT_EQ(db->Exec(std::string(setting.pragmas) + kFill), SQLITE_OK)
        << db->Error();
  }

  // What another connection sees.
  std::string Elsewhere(const std::string& sql) {
    SqliteDb db;
    EXPECT_EQ(db.Open(Uri("a", "", store_)), SQLITE_OK);
    return db.QueryText(sql);
  }

  const std::string& store() const { return store_; }

 private:
  int store_count_ = 0;
  std::string store_;
};

// A commit that fails at FCNTL_SYNC with any status ends the transaction, and
// the connection and all others see the old rows; the next commit holds.
TEST_F(CommitRulesTest, FailureAtSyncRollsBackAndTheConnectionGoesOn) {
  for (const Setting& setting : kSettings) {
    for (const Fault& fault : FaultsAtSync()) {
      SCOPED_TRACE(std::string(setting.name) + ", " + fault.status.ToString());
      SqliteDb db;
      Prepare(&db, setting);
      SqliteStatement open(db.get(), "SELECT k FROM t");
      if (setting.other_statement) {
        ASSERT_EQ(open.Step(), SQLITE_ROW);
      }
      ASSERT_EQ(db.Exec("BEGIN; UPDATE t SET v = 'new';"), SQLITE_OK);
      plan()->FailCommit(1, fault.fault, fault.status);
      EXPECT_EQ(db.Exec("COMMIT"), fault.code) << db.Error();
      EXPECT_EQ(sqlite3_get_autocommit(db.get()), 1)
          << "the transaction is still open";
      sqlite3_reset(open.get());
      EXPECT_EQ(db.QueryText("SELECT count(*) FROM t WHERE v = 'new'"), "0");
      EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
      EXPECT_EQ(db.Exec("UPDATE t SET v = 'next' WHERE k = 7"), SQLITE_OK)
          << db.Error();
      EXPECT_EQ(db.Exec("PRAGMA locking_mode=NORMAL; SELECT 1 FROM t"),
                SQLITE_OK);
      EXPECT_EQ(Elsewhere("SELECT group_concat(v) FROM t "
                          "WHERE v IN ('new', 'next')"),
                "next");
    }
  }
}

// The retried COMMIT of a transaction that plain SQLITE_BUSY left open would
// write nothing and say ok.
TEST_F(CommitRulesTest, BusyEngineNeverLosesAnAcknowledgedCommit) {
  SqliteDb db;
  Prepare(&db, kSettings[0]);
  sqlite3_busy_timeout(db.get(), 100);
  ASSERT_EQ(db.Exec("BEGIN; UPDATE t SET v = 'new';"), SQLITE_OK);
  plan()->FailCommit(1, CommitFault::kFailed, Status::Busy("try later"));
  const int first = db.Exec("COMMIT");
  EXPECT_NE(first & 0xff, SQLITE_BUSY);
  EXPECT_NE(db.Exec("COMMIT"), SQLITE_OK) << "there is nothing to commit";
  EXPECT_EQ(Elsewhere("SELECT count(*) FROM t WHERE v = 'new'"), "0");
}

// An outcome that was not known at first and turns out as done is a commit.
TEST_F(CommitRulesTest, UnknownOutcomeThatLandedIsACommit) {
  SqliteDb db;
  Prepare(&db, kSettings[0]);
  plan()->FailCommit(1, CommitFault::kUnknownLanded);
  EXPECT_EQ(db.Exec("UPDATE t SET v = 'new'"), SQLITE_OK) << db.Error();
  EXPECT_EQ(Elsewhere("SELECT count(*) FROM t WHERE v = 'new'"), "300");
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM t WHERE v = 'new'"), "300");
}

// The commit of a single writer is there at FCNTL_SYNC: an engine that
// conflicts there says so with the code of that place. At COMMIT_PHASETWO it
// would be IOERR_FSYNC.
TEST_F(CommitRulesTest, ExclusiveIdleActorDoesNotMakeAGroup) {
  SqliteDb db;
  ASSERT_EQ(db.Open(":memory:"), SQLITE_OK);
  ASSERT_EQ(db.Exec(Attach("a", "a") + Attach("b", "b") +
                    "CREATE TABLE a.t(x); CREATE TABLE b.u(x);"
                    "PRAGMA a.locking_mode=EXCLUSIVE;"
                    "INSERT INTO a.t VALUES(1);"),
            SQLITE_OK);
  plan()->FailCommit(1, CommitFault::kConflict);
  EXPECT_EQ(db.Exec("INSERT INTO b.u VALUES(1)"), SQLITE_BUSY_SNAPSHOT);
}

TEST_F(CommitRulesTest, IdleActorOfBeginImmediateIsNotPublished) {
  SqliteDb db;
  ASSERT_EQ(db.Open(":memory:"), SQLITE_OK);
  ASSERT_EQ(db.Exec(Attach("a", "a") + Attach("b", "b") +
                    "CREATE TABLE a.t(x); CREATE TABLE b.u(x);"),
            SQLITE_OK);
  engine_log()->Clear();
  ASSERT_EQ(db.Exec("BEGIN IMMEDIATE; INSERT INTO b.u VALUES(1); COMMIT;"),
            SQLITE_OK);
  EXPECT_EQ(engine_log()->commit_count(), 1u);
  SqliteDb other;
  ASSERT_EQ(other.Open(Uri("b")), SQLITE_OK);
  EXPECT_EQ(other.QueryText("SELECT x FROM u"), "1");
}

// A rollback after a spill rewrites pages and sends FCNTL_SYNC; the pages of
// the free list are not journaled, so they differ from the base.
TEST_F(CommitRulesTest, RollbackAfterSpillPublishesNothing) {
  for (const char* mode : {"delete", "truncate", "persist", "memory"}) {
    SCOPED_TRACE(mode);
    SqliteDb db;
    Prepare(&db, kSettings[0]);
    ASSERT_EQ(db.Exec("PRAGMA secure_delete=OFF; PRAGMA cache_size=5;"
                      "PRAGMA journal_mode=" +
                      std::string(mode) +
                      "; CREATE TABLE keep(x);"
                      "INSERT INTO keep VALUES(1); DELETE FROM t;"),
              SQLITE_OK);
    engine_log()->Clear();
    ASSERT_EQ(db.Exec("BEGIN; WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL "
                      "SELECT i + 1 FROM c WHERE i < 200) INSERT INTO t "
                      "SELECT i, randomblob(900) FROM c;"
                      "UPDATE keep SET x = 2; ROLLBACK;"),
              SQLITE_OK);
    EXPECT_EQ(engine_log()->commit_count(), 0u);
    EXPECT_EQ(db.QueryText("SELECT x FROM keep"), "1");
    EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
  }
}

// In exclusive mode the pager does not count, so such a rollback may be
// published; what it publishes is the old content.
TEST_F(CommitRulesTest, RollbackInExclusiveModeKeepsTheOldContent) {
  SqliteDb db;
  Prepare(&db, kSettings[2]);
  ASSERT_EQ(db.Exec("PRAGMA secure_delete=OFF; PRAGMA cache_size=5;"
                    "CREATE TABLE keep(x); INSERT INTO keep VALUES(1);"
                    "DELETE FROM t WHERE k > 10;"),
            SQLITE_OK);
  ASSERT_EQ(db.Exec("BEGIN; WITH RECURSIVE c(i) AS (SELECT 11 UNION ALL "
                    "SELECT i + 1 FROM c WHERE i < 200) INSERT INTO t "
                    "SELECT i, randomblob(900) FROM c;"
                    "UPDATE keep SET x = 2; ROLLBACK;"
                    "PRAGMA locking_mode=NORMAL; SELECT 1 FROM keep;"),
            SQLITE_OK);
  EXPECT_EQ(Elsewhere("SELECT x, count(k) FROM keep, t"), "1|10");
  EXPECT_EQ(Elsewhere("PRAGMA integrity_check"), "ok");
}

// A stale writer is refused with both generations in the text, at the lock or
// at the commit, and does not recover by trying again.
TEST_F(CommitRulesTest, FencedWriterIsRefusedAndStaysRefused) {
  SqliteDb db;
  Prepare(&db, kSettings[0]);
  ASSERT_EQ(db.Exec("BEGIN; UPDATE t SET v = 'new' WHERE k = 1;"), SQLITE_OK);
  std::shared_ptr<Store> shared;
  ASSERT_OK(StoreRegistry::Instance()->Acquire(StorePath(store()),
                                               OpenMode::kExisting, &shared));
  std::shared_ptr<Actor> actor_state;
  ASSERT_OK(shared->OpenActor("a", &actor_state));
  Generation generation;
  ASSERT_OK(TakeOver(shared.get(), actor_state.get(), &generation));
  EXPECT_EQ(db.Exec("COMMIT"), SQLITE_READONLY_DBMOVED);
  EXPECT_NE(LastError().find("expected generation 1, actual 2"),
            std::string::npos)
      << LastError();
  EXPECT_EQ(db.Exec("UPDATE t SET v = 'new' WHERE k = 1"),
            SQLITE_READONLY_DBMOVED);
  EXPECT_NE(LastError().find("expected generation 1, actual 2"),
            std::string::npos)
      << LastError();
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM t WHERE v = 'new'"), "0");
  ASSERT_EQ(db.Open(Uri("a", "", store())), SQLITE_OK);
  EXPECT_EQ(db.Exec("UPDATE t SET v = 'new' WHERE k = 1"), SQLITE_OK);
}

// Also what was staged before the takeover: it never becomes visible.
TEST_F(CommitRulesTest, FencedAfterItWasStaged) {
  SqliteDb db;
  Prepare(&db, kSettings[0]);
  ASSERT_EQ(db.Exec("PRAGMA cache_size=100; BEGIN; INSERT INTO t"
                    " SELECT k + 1000, randomblob(90000) FROM t;"),
            SQLITE_OK);
  EXPECT_GT(engine_log()->PutCount(PartitionKind::kBranch), 1000u);
  ASSERT_EQ(Elsewhere("SELECT actorkv_takeover('a')"), "2");
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM t"), "600");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(db.Exec(i == 0 ? "COMMIT" : "DELETE FROM t"),
              SQLITE_READONLY_DBMOVED);
    EXPECT_NE(LastError().find("expected generation 1, actual 2"),
              std::string::npos)
        << LastError();
    if (i == 0) db.Exec("ROLLBACK");
  }
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM t"), "300");
  ASSERT_EQ(db.Open(Uri("a", "", store())), SQLITE_OK);
  EXPECT_EQ(db.Exec("DELETE FROM t WHERE k = 1"), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM t"), "299");
}

// A transaction that outgrew its memory and cannot be staged fails in xWrite;
// the connection goes on, also where it never gives up its lock.
TEST_F(CommitRulesTest, FailureOfStagingRollsBackAndTheConnectionGoesOn) {
  for (const Setting& setting : kSettings) {
    for (const Status& status : {Status::NoSpace("t"), Status::IOError("t")}) {
      SCOPED_TRACE(std::string(setting.name) + ", " + status.ToString());
      CloseStores();
      SqliteDb db;
      Prepare(&db, setting);
      ASSERT_EQ(db.Exec("PRAGMA cache_size=100"), SQLITE_OK);
      plan()->FailCommit(1, CommitFault::kFailed, status);
      const int code = db.Exec(
          "BEGIN; INSERT INTO t SELECT k + 1000, randomblob(90000) FROM t;"
          "COMMIT;");
      EXPECT_EQ(code, status.code() == Code::kNoSpace ? SQLITE_FULL
                                                      : SQLITE_IOERR_WRITE);
      db.Exec("ROLLBACK");
      EXPECT_EQ(db.QueryText("SELECT count(*) FROM t"), "300");
      EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
      EXPECT_EQ(db.Exec("UPDATE t SET v = 'next' WHERE k = 7"), SQLITE_OK)
          << db.Error() << " " << LastError();
      EXPECT_EQ(db.Exec("PRAGMA locking_mode=NORMAL; SELECT 1 FROM t"),
                SQLITE_OK);
      EXPECT_EQ(Elsewhere("SELECT count(*), sum(v = 'next') FROM t"), "300|1");
    }
  }
}

// Failing to read the base while a commit is made must not half-publish. A
// store that was just opened has nothing in its cache.
TEST_F(CommitRulesTest, FailedReadsDuringACommitRollBack) {
  uint64_t nth = 0;
  for (bool fired = true; fired;) {
    SCOPED_TRACE("read " + std::to_string(++nth));
    SqliteDb db;
    Prepare(&db, kSettings[0]);
    db.Close();
    CloseStores();
    ASSERT_EQ(db.Open(Uri("a", "", store())), SQLITE_OK);
    plan()->Reset();
    // The store's own thread reads as well.
    plan()->FailReadHere(nth, Status::IOError("bad sector"));
    const int code =
        db.Exec("PRAGMA cache_size=5; UPDATE t SET v = 'new' WHERE k % 10 = 0");
    fired = plan()->fired_count() > 0;
    plan()->Reset();
    EXPECT_EQ(code == SQLITE_OK, !fired) << code;
    const std::string wanted = fired ? "0" : "30";
    EXPECT_EQ(db.QueryText("SELECT sum(v = 'new') FROM t"), wanted);
    EXPECT_EQ(Elsewhere("SELECT sum(v = 'new') FROM t"), wanted);
  }
  EXPECT_GT(nth, 20u) << "there were no reads to fail";
}

}  // namespace
}  // namespace actorkv
