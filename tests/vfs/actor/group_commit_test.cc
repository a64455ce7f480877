// Transactions over several databases: all actors or none on both of SQLite's
// commit paths, and mixes that cannot be atomic are refused before anything is
// written (vfs/actor/commit_group.h).

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/actor_harness.h"
#include "tests/support/sqlite_db.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

class GroupCommitTest : public ActorTest {
 protected:
  // Three actors with a row 0 each, as schemas g1, g2, g3; main is `main`.
  void Open(SqliteDb* db, const std::string& main, int round = 0) {
    ASSERT_EQ(db->Open(main), SQLITE_OK) << db->Error();
    for (int i = 1; i <= 3; ++i) {
      const std::string schema = "g" + std::to_string(i);
      ASSERT_EQ(db->Exec(Attach(schema + "r" + std::to_string(round), schema)),
                SQLITE_OK)
          << db->Error();
      ASSERT_EQ(db->Exec("CREATE TABLE " + schema + ".t" + schema +
                         "(x); INSERT INTO t" + schema + " VALUES(0);"),
                SQLITE_OK)
          << db->Error();
    }
  }

  static constexpr char kWriteAll[] =
      "BEGIN; UPDATE tg1 SET x = x + 1; UPDATE tg2 SET x = x + 1;"
      "UPDATE tg3 SET x = x + 1; COMMIT;";

  static std::string Values(SqliteDb* db) {
    return db->QueryText(
        "SELECT (SELECT max(x) FROM tg1), (SELECT max(x) FROM tg2), "
        "(SELECT max(x) FROM tg3)");
  }

  // What a connection of its own sees.
  std::string Elsewhere(int round = 0) {
    SqliteDb db;
    EXPECT_EQ(db.Open(":memory:"), SQLITE_OK);
    for (int i = 1; i <= 3; ++i) {
      const std::string schema = "g" + std::to_string(i);
      EXPECT_EQ(db.Exec(Attach(schema + "r" + std::to_string(round), schema)),
                SQLITE_OK);
    }
    return Values(&db);
  }

  // Main databases that lead to each of the two commit paths.
  std::vector<std::string> Mains() const { return {":memory:", Uri("main")}; }

  static void ExpectLastError(const std::string& part) {
    EXPECT_NE(LastError().find(part), std::string::npos) << LastError();
  }
};

TEST_F(GroupCommitTest, AllActorsOfATransactionAreOneEngineCommit) {
  int round = 0;
  for (const std::string& main : Mains()) {
    SCOPED_TRACE(main);
    SqliteDb db;
    Open(&db, main, ++round);
    engine_log()->Clear();
    ASSERT_EQ(db.Exec(kWriteAll), SQLITE_OK) << db.Error();
    EXPECT_EQ(engine_log()->commit_count(), 1u);
    EXPECT_EQ(engine_log()->synced_count(), 1u);
    EXPECT_EQ(Elsewhere(round), "1|1|1");
  }
}

// Codes: with a super-journal the publish is at its deletion, where a conflict
// is BUSY_SNAPSHOT; without, at COMMIT_PHASETWO, where only IOERR and FULL let
// the pager forget its cache.
TEST_F(GroupCommitTest, FailedPublishRollsBackAllAndTheConnectionGoesOn) {
  struct Case {
    CommitFault fault;
    Status status;
    int with_super_journal;
    int at_phase_two;
  };
  const Case cases[] = {
      {CommitFault::kFailed, Status::Busy("t"), SQLITE_IOERR_FSYNC,
       SQLITE_IOERR_FSYNC},
      {CommitFault::kFailed, Status::NoSpace("t"), SQLITE_FULL, SQLITE_FULL},
      {CommitFault::kFailed, Status::IOError("t"), SQLITE_IOERR_FSYNC,
       SQLITE_IOERR_FSYNC},
      {CommitFault::kFailed, Status::Fenced("t"), SQLITE_READONLY_DBMOVED,
       SQLITE_IOERR_FSYNC},
      {CommitFault::kConflict, Status::Conflict("t"), SQLITE_BUSY_SNAPSHOT,
       SQLITE_IOERR_FSYNC},
      {CommitFault::kUnknownLost, Status::IOError("t"), SQLITE_IOERR_FSYNC,
       SQLITE_IOERR_FSYNC},
  };
  int round = 10;
  for (const std::string& main : Mains()) {
    for (const char* mode : {"NORMAL", "EXCLUSIVE"}) {
      for (const bool open_statement : {false, true}) {
        for (const Case& c : cases) {
          SCOPED_TRACE(main + " " + mode + " " + c.status.ToString());
          SqliteDb db;
          Open(&db, main, ++round);
          ASSERT_EQ(db.Exec(std::string("PRAGMA locking_mode=") + mode),
                    SQLITE_OK);
          ASSERT_EQ(db.Exec(kWriteAll), SQLITE_OK);
          SqliteStatement open(db.get(), "SELECT x FROM tg2");
          if (open_statement) {
            ASSERT_EQ(open.Step(), SQLITE_ROW);
          }
          plan()->FailCommit(1, c.fault, c.status);
          EXPECT_EQ(db.Exec(kWriteAll),
                    main == ":memory:" ? c.at_phase_two : c.with_super_journal);
          EXPECT_EQ(sqlite3_get_autocommit(db.get()), 1);
          sqlite3_reset(open.get());
          EXPECT_EQ(Values(&db), "1|1|1");
          EXPECT_EQ(db.Exec(kWriteAll), SQLITE_OK) << db.Error();
          EXPECT_EQ(Values(&db), "2|2|2");
        }
      }
    }
  }
}

// The super-journal is gone when its deletion fails to publish, and SQLite
// skips the playback of a journal whose super-journal is gone: the record is
// hidden, so each of the three is played back. A tiny cache makes the pages go
// to the file before the commit.
TEST_F(GroupCommitTest, RollbackPlaysBackThoughTheSuperJournalIsGone) {
  SqliteDb db;
  Open(&db, Uri("main"));
  for (const char* schema : {"g1", "g2", "g3"}) {
    const std::string name(schema);
    ASSERT_EQ(db.Exec("PRAGMA " + name + ".cache_size=3; INSERT INTO t" + name +
                      " SELECT 0 FROM (WITH RECURSIVE c(i) AS (SELECT 1 UNION "
                      "ALL SELECT i+1 FROM c WHERE i<3000) SELECT i FROM c)"),
              SQLITE_OK);
  }
  for (int nth = 1; nth <= 3; ++nth) {
    plan()->FailCommit(1, CommitFault::kFailed, Status::IOError("t"));
    EXPECT_EQ(db.Exec(kWriteAll), SQLITE_IOERR_FSYNC);
    EXPECT_EQ(Values(&db), "0|0|0");
    EXPECT_EQ(Elsewhere(), "0|0|0");
    EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
  }
  EXPECT_EQ(db.Exec(kWriteAll), SQLITE_OK);
  EXPECT_EQ(Elsewhere(), "1|1|1");
}

// An error after some databases have been through FCNTL_SYNC: nothing may be
// visible of those that were ready. The last one has more to write than fits
// into memory, and cannot stage it.
TEST_F(GroupCommitTest, ErrorInPhaseOneOfTheLastPublishesNone) {
  int round = 100;
  for (const std::string& main : Mains()) {
    for (const char* mode : {"NORMAL", "EXCLUSIVE"}) {
      SCOPED_TRACE(main + " " + mode);
      CloseStores();
      SqliteDb db;
      Open(&db, main, ++round);
      ASSERT_EQ(db.Exec(std::string("PRAGMA g3.cache_size=-60000;"
                                    "PRAGMA locking_mode=") +
                        mode + ";" + kWriteAll),
                SQLITE_OK);
      plan()->FailCommit(1, CommitFault::kFailed, Status::IOError("t"));
      EXPECT_EQ(db.Exec("BEGIN; INSERT INTO tg3 VALUES(zeroblob(20000000));"
                        "UPDATE tg1 SET x = 7; UPDATE tg2 SET x = 7; COMMIT;"),
                SQLITE_IOERR_WRITE);
      EXPECT_EQ(Values(&db), "1|1|1");
      EXPECT_EQ(Elsewhere(round), "1|1|1");
      EXPECT_EQ(db.Exec(kWriteAll), SQLITE_OK) << db.Error();
      EXPECT_EQ(Elsewhere(round), "2|2|2");
    }
  }
}

// One mix of an actor and a plain file.
struct Mix {
  const char* name;
  bool actor_is_main;  // else the plain file; the other one is `o`
  const char* pragmas;
  int code;
};

// A commit locks all its databases first, which is where a mix is refused. An
// actor that is locked already is refused later: at xWrite of a super-journal
// of ours, at FCNTL_SYNC when it names another, or none, and writers are
// counted.
constexpr Mix kMixes[] = {
    {"actor", true, "", SQLITE_IOERR_LOCK},
    {"plain", false, "", SQLITE_IOERR_LOCK},
    {"plain_wal", false, "PRAGMA main.journal_mode=WAL;", SQLITE_IOERR_LOCK},
    {"plain_memory", false, "PRAGMA main.journal_mode=MEMORY;",
     SQLITE_IOERR_LOCK},
    {"plain_persist", false, "PRAGMA main.journal_mode=PERSIST;",
     SQLITE_IOERR_LOCK},
    {"actor_wal", true, "PRAGMA o.journal_mode=WAL;", SQLITE_IOERR_LOCK},
    {"actor_locked", true, "PRAGMA main.locking_mode=EXCLUSIVE;",
     SQLITE_IOERR_WRITE},
    {"plain_locked", false, "PRAGMA o.locking_mode=EXCLUSIVE;",
     SQLITE_IOERR_FSYNC},
    {"actor_wal_locked", true,
     "PRAGMA main.locking_mode=EXCLUSIVE; PRAGMA o.journal_mode=WAL;",
     SQLITE_IOERR_FSYNC},
    {"plain_memory_locked", false,
     "PRAGMA o.locking_mode=EXCLUSIVE; PRAGMA main.journal_mode=MEMORY;",
     SQLITE_IOERR_FSYNC},
};

TEST_F(GroupCommitTest, PlainFileAndActorAreRefusedWithNothingWritten) {
  for (const Mix& mix : kMixes) {
    SCOPED_TRACE(mix.name);
    const std::string plain = PlainUri(std::string(mix.name) + ".db");
    const std::string actor = Uri(mix.name);
    SqliteDb db;
    ASSERT_EQ(db.Open(mix.actor_is_main ? actor : plain), SQLITE_OK);
    const std::string other = mix.actor_is_main ? plain : actor;
    ASSERT_EQ(db.Exec("ATTACH '" + other +
                      "' AS o; CREATE TABLE main.t(x);"
                      "CREATE TABLE o.u(x);" +
                      mix.pragmas +
                      "INSERT INTO t VALUES(0); INSERT INTO u VALUES(0);"),
              SQLITE_OK)
        << db.Error();
    engine_log()->Clear();
    EXPECT_EQ(
        db.Exec("BEGIN; UPDATE u SET x = 777; UPDATE t SET x = 777; COMMIT;"),
        mix.code);
    ExpectLastError("would not be atomic");
    EXPECT_EQ(sqlite3_get_autocommit(db.get()), 1);
    EXPECT_EQ(engine_log()->commit_count(), 0u);
    EXPECT_EQ(db.QueryText("SELECT t.x, u.x FROM t, u"), "0|0");
    EXPECT_EQ(db.Exec("UPDATE t SET x = 5"), SQLITE_OK) << db.Error();
    EXPECT_EQ(db.Exec("UPDATE u SET x = 6"), SQLITE_OK) << db.Error();
    db.Close();
    for (const std::string& uri : {plain, actor}) {
      SqliteDb alone;
      ASSERT_EQ(alone.Open(uri), SQLITE_OK);
      const bool is_main = (uri == actor) == mix.actor_is_main;
      EXPECT_EQ(
          alone.QueryText(is_main ? "SELECT x FROM t" : "SELECT x FROM u"),
          is_main ? "5" : "6");
    }
  }
}

// Only a deletion with syncDir = 1 publishes; any other is a rollback's.
TEST_F(GroupCommitTest, DeletionOfASuperJournalByARollbackPublishesNothing) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x)"), SQLITE_OK);
  sqlite3_file* file = nullptr;
  sqlite3_file_control(db.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  sqlite3_vfs* vfs = sqlite3_vfs_find("actorkv");
  std::string super = StorePath() + "/a-mj00000A90B";
  for (const int sync_directory : {0, 1}) {
    engine_log()->Clear();
    std::vector<char> buffer(static_cast<size_t>(vfs->szOsFile));
    auto* journal = reinterpret_cast<sqlite3_file*>(buffer.data());
    ASSERT_EQ(vfs->xOpen(vfs, super.c_str(), journal,
                         SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_CREATE |
                             SQLITE_OPEN_READWRITE,
                         nullptr),
              SQLITE_OK);
    std::string page(4096, 'x');
    for (int level :
         {SQLITE_LOCK_SHARED, SQLITE_LOCK_RESERVED, SQLITE_LOCK_EXCLUSIVE}) {
      ASSERT_EQ(file->pMethods->xLock(file, level), SQLITE_OK);
    }
    ASSERT_EQ(file->pMethods->xRead(file, page.data(), 4096, 0), SQLITE_OK);
    ++page[27];  // both counters
    ++page[95];
    ASSERT_EQ(file->pMethods->xWrite(file, page.data(), 4096, 0), SQLITE_OK);
    ASSERT_EQ(
        file->pMethods->xFileControl(file, SQLITE_FCNTL_SYNC, super.data()),
        SQLITE_OK);
    EXPECT_EQ(engine_log()->commit_count(), 0u);
    journal->pMethods->xClose(journal);
    EXPECT_EQ(vfs->xDelete(vfs, super.c_str(), sync_directory), SQLITE_OK);
    EXPECT_EQ(engine_log()->commit_count(), sync_directory == 1 ? 1u : 0u);
    // What the rollback sends later does not publish either.
    file->pMethods->xFileControl(file, SQLITE_FCNTL_SYNC, nullptr);
    file->pMethods->xUnlock(file, SQLITE_LOCK_NONE);
    EXPECT_EQ(engine_log()->commit_count(), sync_directory == 1 ? 1u : 0u);
  }
}

TEST_F(GroupCommitTest, ActorsOfTwoStoresAreRefused) {
  for (const std::string& main : Mains()) {
    SCOPED_TRACE(main);
    SqliteDb db;
    ASSERT_EQ(db.Open(main), SQLITE_OK);
    ASSERT_EQ(db.Exec(Attach("a", "a") + Attach("b", "b", "second") +
                      "CREATE TABLE IF NOT EXISTS a.t(x);"
                      "CREATE TABLE IF NOT EXISTS b.u(x);"
                      "DELETE FROM t; DELETE FROM u;"
                      "INSERT INTO t VALUES(0); INSERT INTO u VALUES(0);"),
              SQLITE_OK)
        << db.Error();
    engine_log()->Clear();
    EXPECT_NE(db.Exec("BEGIN; UPDATE t SET x = 1; UPDATE u SET x = 1; COMMIT;"),
              SQLITE_OK);
    ExpectLastError("actors of two stores");
    if (sqlite3_get_autocommit(db.get()) == 0) db.Exec("ROLLBACK");
    EXPECT_EQ(engine_log()->commit_count(), 0u);
    EXPECT_EQ(db.QueryText("SELECT t.x, u.x FROM t, u"), "0|0");
    EXPECT_EQ(db.Exec("UPDATE t SET x = 5"), SQLITE_OK) << db.Error();
  }
}

// Temporary and in-memory databases have nothing to lose: they do not make a
// mix, nor a group.
// The first is locked EXCLUSIVE, by a spill or for ever, before the second
// begins to write: who the writers are is known only at the commit.
TEST_F(GroupCommitTest, AWriterThatJoinsLateIsCounted) {
  int round = 300;
  for (const char* pragma :
       {"PRAGMA g1.cache_size=3;", "PRAGMA g1.locking_mode=EXCLUSIVE;"}) {
    SCOPED_TRACE(pragma);
    SqliteDb db;
    Open(&db, ":memory:", ++round);
    ASSERT_EQ(db.Exec(pragma), SQLITE_OK);
    ASSERT_EQ(db.Exec("WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL "
                      "SELECT i + 1 FROM c WHERE i < 100) INSERT INTO tg1 "
                      "SELECT zeroblob(2000) FROM c"),
              SQLITE_OK);
    int level = SQLITE_LOCK_NONE;
    ASSERT_EQ(db.Exec("BEGIN; UPDATE tg1 SET x = 1"), SQLITE_OK);
    sqlite3_file_control(db.get(), "g1", SQLITE_FCNTL_LOCKSTATE, &level);
    ASSERT_EQ(level, SQLITE_LOCK_EXCLUSIVE);
    engine_log()->Clear();
    EXPECT_EQ(db.Exec("UPDATE tg2 SET x = 1; COMMIT"), SQLITE_OK);
    EXPECT_EQ(engine_log()->commit_count(), 1u);
  }
}

// COMMIT_PHASETWO comes first to one that is locked and was not written to:
// the others publish.
TEST_F(GroupCommitTest, TheFirstIsLockedAndNotWritten) {
  SqliteDb db;
  Open(&db, ":memory:");
  const std::string write =
      "BEGIN IMMEDIATE; UPDATE tg2 SET x = x + 1; UPDATE tg3 SET x = x + 1;"
      "COMMIT;";
  engine_log()->Clear();
  EXPECT_EQ(db.Exec(write), SQLITE_OK);
  EXPECT_EQ(engine_log()->commit_count(), 1u);
  EXPECT_EQ(Elsewhere(), "0|1|1");
  plan()->FailCommit(1, CommitFault::kFailed, Status::IOError("t"));
  EXPECT_EQ(db.Exec(write), SQLITE_IOERR_FSYNC);
  EXPECT_EQ(Values(&db), "0|1|1");
  EXPECT_EQ(db.Exec(write), SQLITE_OK);
  EXPECT_EQ(Elsewhere(), "0|2|2");
}

TEST_F(GroupCommitTest, TemporaryDatabasesMayJoin) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("ATTACH ':memory:' AS m; CREATE TABLE t(x);"
                    "CREATE TABLE m.u(x); CREATE TEMP TABLE v(x);"),
            SQLITE_OK);
  engine_log()->Clear();
  EXPECT_EQ(db.Exec("BEGIN; INSERT INTO t VALUES(1); INSERT INTO u VALUES(2);"
                    "INSERT INTO v VALUES(3); COMMIT;"),
            SQLITE_OK)
      << db.Error();
  EXPECT_EQ(engine_log()->commit_count(), 1u);
}

// BEGIN IMMEDIATE makes a writer of every database.
TEST_F(GroupCommitTest, PlainMainOfBeginImmediateIsAWriter) {
  SqliteDb db;
  ASSERT_EQ(db.Open(PlainUri("p.db")), SQLITE_OK);
  ASSERT_EQ(
      db.Exec(Attach("a", "a") + "CREATE TABLE u(x); CREATE TABLE a.t(x);"),
      SQLITE_OK);
  EXPECT_EQ(db.Exec("BEGIN IMMEDIATE; INSERT INTO t VALUES(1); COMMIT;") & 0xff,
            SQLITE_IOERR);
  ExpectLastError("would not be atomic");
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(db.Exec("BEGIN; INSERT INTO t VALUES(1); COMMIT;"), SQLITE_OK);
}

// A plain file that is only read, or only attached, does not matter.
TEST_F(GroupCommitTest, PlainFileMayBeReadInTheTransaction) {
  SqliteDb db;
  ASSERT_EQ(db.Open(PlainUri("p.db")), SQLITE_OK);
  ASSERT_EQ(db.Exec(Attach("a", "a") +
                    "CREATE TABLE u(x); INSERT INTO u VALUES(7);"
                    "CREATE TABLE a.t(x);"
                    "BEGIN; INSERT INTO t SELECT x FROM u; COMMIT;"),
            SQLITE_OK)
      << db.Error();
  EXPECT_EQ(db.QueryText("SELECT x FROM t"), "7");
}

TEST_F(GroupCommitTest, TenActorsInOneCommit) {
  int round = 0;
  for (const std::string& main : Mains()) {
    SCOPED_TRACE(main);
    ++round;
    SqliteDb db;
    ASSERT_EQ(db.Open(main), SQLITE_OK);
    std::string inserts;
    for (int i = 0; i < 10; ++i) {
      const std::string schema = "s" + std::to_string(i);
      ASSERT_EQ(db.Exec(Attach(schema + std::to_string(round), schema) +
                        "CREATE TABLE " + schema + ".t" + schema + "(x)"),
                SQLITE_OK)
          << db.Error();
      inserts += "INSERT INTO t" + schema + " VALUES(1);";
    }
    engine_log()->Clear();
    ASSERT_EQ(db.Exec("BEGIN;" + inserts + "COMMIT;"), SQLITE_OK);
    EXPECT_EQ(engine_log()->commit_count(), 1u);
    plan()->FailCommit(1, CommitFault::kFailed);
    EXPECT_NE(db.Exec("BEGIN;" + inserts + "COMMIT;"), SQLITE_OK);
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(db.QueryText("SELECT count(*) FROM ts" + std::to_string(i)),
                "1");
    }
  }
}

// Different settings of the members change the path, not the promise.
TEST_F(GroupCommitTest, MembersWithDifferentSettings) {
  const char* const settings[] = {
      "PRAGMA g1.synchronous=OFF;",
      "PRAGMA g1.synchronous=OFF; PRAGMA g2.synchronous=OFF;",
      "PRAGMA g1.journal_mode=MEMORY;",
      "PRAGMA g2.journal_mode=MEMORY; PRAGMA g3.journal_mode=PERSIST;",
      "PRAGMA g1.locking_mode=EXCLUSIVE;",
      "PRAGMA g1.journal_mode=OFF;",
  };
  int round = 200;
  for (const std::string& main : Mains()) {
    for (const char* pragmas : settings) {
      SCOPED_TRACE(main + " " + pragmas);
      SqliteDb db;
      Open(&db, main, ++round);
      ASSERT_EQ(db.Exec(pragmas), SQLITE_OK);
      engine_log()->Clear();
      ASSERT_EQ(db.Exec(kWriteAll), SQLITE_OK) << db.Error();
      EXPECT_EQ(engine_log()->commit_count(), 1u);
      plan()->FailCommit(1, CommitFault::kFailed);
      EXPECT_NE(db.Exec(kWriteAll), SQLITE_OK);
      EXPECT_EQ(Values(&db), "1|1|1");
      ASSERT_EQ(db.Exec("PRAGMA g1.locking_mode=NORMAL; SELECT * FROM tg1"),
                SQLITE_OK);
      EXPECT_EQ(Elsewhere(round), "1|1|1");
      EXPECT_EQ(db.Exec(kWriteAll), SQLITE_OK) << db.Error();
      EXPECT_EQ(Elsewhere(round), "2|2|2");
    }
  }
}

}  // namespace
}  // namespace actorkv
