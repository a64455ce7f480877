// Schema cookies only go up (vfs/actor/transaction.h, invariant 4), also where
// the pager of a connection keeps its page 1, and a connection agrees with
// itself about them (vfs/actor/pager_view.h).

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "kv/format/database_header.h"
#include "tests/support/actor_harness.h"
#include "tests/support/sqlite_db.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

class SchemaCookieTest : public ActorTest {
 protected:
  std::string Ask(const std::string& sql) {
    SqliteDb db;
    EXPECT_EQ(db.Open(":memory:"), SQLITE_OK);
    db.QueryText("SELECT actorkv_store('" + StorePath() + "')");
    return db.QueryText(sql);
  }

  // Makes an actor of `cookie` schema changes, and deletes it.
  void UseName(int cookie = 3) {
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
    for (int i = 0; i < cookie; ++i) {
      ASSERT_EQ(db.Exec("CREATE TABLE old" + std::to_string(i) + "(x)"),
                SQLITE_OK);
    }
    db.Close();
    Ask("SELECT actorkv_delete('a')");
  }

  // The cookie that is stored, as a new connection sees it.
  int64_t Stored() {
    SqliteDb db;
    EXPECT_EQ(db.Open(Uri("a", "&mode=ro")), SQLITE_OK) << LastError();
    return db.QueryInt("PRAGMA schema_version");
  }
  std::string HeadTxid() {
    return Ask("SELECT head_txid FROM actorkv_actors WHERE actor = 'a'");
  }

  // Runs schema changes on `db` and checks that each raises what is stored.
  void ExpectRising(SqliteDb* db, const std::vector<std::string>& changes) {
    int64_t before = Stored();
    for (const std::string& sql : changes) {
      ASSERT_EQ(db->Exec(sql), SQLITE_OK) << sql << db->Error() << LastError();
      const int64_t after = Stored();
      EXPECT_GT(after, before) << sql;
      before = after;
    }
  }
};

TEST_F(SchemaCookieTest, ExclusiveConnectionOnANameThatWasUsed) {
  UseName();
  SqliteDb writer;
  ASSERT_EQ(writer.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(writer.Exec("PRAGMA locking_mode=EXCLUSIVE; CREATE TABLE t(x);"
                        "INSERT INTO t VALUES('row of t');"),
            SQLITE_OK);
  EXPECT_EQ(Stored(), 4);
  SqliteDb reader;
  ASSERT_EQ(reader.Open(Uri("a")), SQLITE_OK);
  SqliteStatement select(reader.get(), "SELECT * FROM t");
  EXPECT_EQ(select.Step(), SQLITE_ROW);
  sqlite3_reset(select.get());
  ExpectRising(&writer, {"DROP TABLE t", "CREATE TABLE other(y PRIMARY KEY)",
                         "CREATE TABLE more(z)"});
  ASSERT_EQ(writer.Exec("INSERT INTO other VALUES('a'), ('b')"), SQLITE_OK);
  EXPECT_EQ(select.Step(), SQLITE_ERROR);
  EXPECT_EQ(reader.Error(), "no such table: t");
  ASSERT_EQ(writer.Exec("PRAGMA locking_mode=NORMAL; SELECT * FROM other;"),
            SQLITE_OK);
  EXPECT_EQ(reader.Exec("INSERT INTO t VALUES('c')"), SQLITE_ERROR);
  EXPECT_EQ(reader.QueryText("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(reader.QueryText("SELECT y FROM other"), "a\nb");
}

TEST_F(SchemaCookieTest, StatementUnderWayOverTheCommit) {
  UseName();
  SqliteDb writer;
  ASSERT_EQ(writer.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(writer.Exec("BEGIN; CREATE TABLE t(x); INSERT INTO t VALUES(1), "
                        "(2);"),
            SQLITE_OK);
  auto cursor =
      std::make_unique<SqliteStatement>(writer.get(), "SELECT x FROM t");
  ASSERT_EQ(cursor->Step(), SQLITE_ROW);
  ASSERT_EQ(writer.Exec("COMMIT"), SQLITE_OK);
  SqliteDb reader;
  ASSERT_EQ(reader.Open(Uri("a")), SQLITE_OK);
  EXPECT_EQ(reader.QueryInt("SELECT count(*) FROM t"), 2);
  ExpectRising(&writer, {"CREATE TABLE u(x)", "CREATE TABLE v(x)"});
  EXPECT_EQ(reader.QueryText("SELECT count(*) FROM u"), "0");
  cursor.reset();
  EXPECT_EQ(writer.QueryInt("PRAGMA schema_version"), Stored());
  EXPECT_EQ(writer.QueryText("SELECT count(*) FROM v"), "0");
}

// An authorizer that denies CREATE TABLE is asked before the schema is read, so
// that nothing but the cookie of the connection's own DDL is compared.
TEST_F(SchemaCookieTest, DeniedStatementOnANameThatWasUsed) {
  for (const char* locking : {"NORMAL", "EXCLUSIVE"}) {
    UseName();
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
    ASSERT_EQ(db.Exec(std::string("PRAGMA locking_mode=") + locking +
                      "; CREATE TABLE t(x);"),
              SQLITE_OK);
    sqlite3_set_authorizer(
        db.get(),
        [](void*, int action, const char*, const char*, const char*,
           const char*) {
          return action == SQLITE_CREATE_TABLE ? SQLITE_DENY : SQLITE_OK;
        },
        nullptr);
    for (int i = 0; i < 3; ++i) {
      sqlite3_stmt* statement = nullptr;
      EXPECT_EQ(sqlite3_prepare(db.get(), "CREATE TABLE u(x)", -1, &statement,
                                nullptr),
                SQLITE_AUTH)
          << locking;
      sqlite3_finalize(statement);
    }
    sqlite3_set_authorizer(db.get(), nullptr, nullptr);
    EXPECT_EQ(db.Exec("CREATE TABLE u(x)"), SQLITE_OK);
    EXPECT_EQ(db.Exec("PRAGMA locking_mode=NORMAL; SELECT * FROM u"),
              SQLITE_OK);
    db.Close();
    Ask("SELECT actorkv_delete('a')");
  }
}

TEST_F(SchemaCookieTest, WhoMadeItAnewSeesWhatIsStored) {
  UseName(7);
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x); INSERT INTO t VALUES(1);"), SQLITE_OK);
  SqliteStatement kept(db.get(), "SELECT x FROM t");
  ASSERT_EQ(kept.Step(), SQLITE_ROW);
  sqlite3_reset(kept.get());
  EXPECT_EQ(db.QueryInt("PRAGMA schema_version"), 8);
  EXPECT_EQ(Stored(), 8);
  ASSERT_EQ(kept.Step(), SQLITE_ROW);
  sqlite3_reset(kept.get());
  ExpectRising(&db, {"CREATE TABLE u(x)"});
  EXPECT_EQ(db.QueryInt("PRAGMA schema_version"), 9);
}

TEST_F(SchemaCookieTest, WhatIsAskedForIsRaisedAboveTheBase) {
  struct Case {
    const char* asked;
    int64_t stored;
  };
  for (const bool reused : {false, true}) {
    if (reused) UseName(1);
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
    ASSERT_EQ(db.Exec("CREATE TABLE t(x); PRAGMA schema_version=100;"),
              SQLITE_OK);
    EXPECT_EQ(Stored(), 100);
    for (const Case& c :
         {Case{"7", 101}, Case{"101", 101}, Case{"102", 102}, Case{"0", 103},
          Case{"1000", 1000}, Case{"-1", 1001}, Case{"2147483647", 1002}}) {
      SCOPED_TRACE(c.asked);
      ASSERT_EQ(db.Exec(std::string("PRAGMA schema_version=") + c.asked),
                SQLITE_OK);
      EXPECT_EQ(Stored(), c.stored);
      EXPECT_EQ(db.QueryInt("PRAGMA schema_version"), c.stored);
      EXPECT_EQ(db.QueryText("SELECT count(*) FROM t"), "0");
    }
    ExpectRising(&db, {"CREATE TABLE u(x)", "DROP TABLE u"});
    db.Close();
    Ask("SELECT actorkv_delete('a')");
    Ask("SELECT actorkv_purge('a')");
  }
}

TEST_F(SchemaCookieTest, WhatIsAskedForUnderExclusiveLocking) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x); CREATE TABLE u(x);"
                    "PRAGMA locking_mode=EXCLUSIVE; INSERT INTO t VALUES(1);"),
            SQLITE_OK);
  ExpectRising(&db, {"PRAGMA schema_version=1", "DROP TABLE u",
                     "CREATE TABLE v(x)", "PRAGMA schema_version=1",
                     "PRAGMA schema_version=4", "CREATE INDEX i ON t(x)"});
  // No schema change, no other cookie, though the pager's page 1 has another.
  const int64_t stored = Stored();
  ASSERT_EQ(db.Exec("PRAGMA user_version=5; INSERT INTO t VALUES(2);"),
            SQLITE_OK);
  EXPECT_EQ(Stored(), stored);
  ASSERT_EQ(db.Exec("PRAGMA locking_mode=NORMAL; SELECT * FROM t;"), SQLITE_OK);
  EXPECT_EQ(db.QueryInt("PRAGMA schema_version"), stored);
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
}

TEST_F(SchemaCookieTest, BackupIntoANameThatWasUsed) {
  UseName(20);
  SqliteDb source;
  ASSERT_EQ(source.Open(":memory:"), SQLITE_OK);
  ASSERT_EQ(source.Exec("CREATE TABLE t(x); INSERT INTO t VALUES('copied');"),
            SQLITE_OK);
  SqliteDb target;
  ASSERT_EQ(target.Open(Uri("a")), SQLITE_OK);
  int64_t before = 20;
  for (int i = 0; i < 3; ++i) {
    sqlite3_backup* backup =
        sqlite3_backup_init(target.get(), "main", source.get(), "main");
    ASSERT_NE(backup, nullptr);
    EXPECT_EQ(sqlite3_backup_step(backup, -1), SQLITE_DONE);
    EXPECT_EQ(sqlite3_backup_finish(backup), SQLITE_OK);
    EXPECT_GT(Stored(), before);
    before = Stored();
    EXPECT_EQ(target.QueryInt("PRAGMA schema_version"), before);
    EXPECT_EQ(target.QueryText("SELECT x FROM t"), "copied");
  }
}

TEST_F(SchemaCookieTest, VacuumRestoreUndoForkAndUndeleteRaiseIt) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x); CREATE TABLE u(x); DROP TABLE u;"),
            SQLITE_OK);
  ExpectRising(&db, {"VACUUM", "PRAGMA page_size=8192; VACUUM;"});
  int64_t before = Stored();
  for (const char* sql :
       {"SELECT actorkv_restore('a', '-3 commit')",
        "SELECT actorkv_undo_restore('a')", "SELECT actorkv_undo_restore('a')",
        "SELECT actorkv_restore('a', 'head')"}) {
    EXPECT_EQ(Ask(sql).find("error"), std::string::npos) << Ask(sql);
    EXPECT_GT(Stored(), before) << sql;
    before = Stored();
    EXPECT_EQ(db.QueryInt("PRAGMA schema_version"), before);
  }
  db.Close();
  Ask("SELECT actorkv_delete('a')");
  Ask("SELECT actorkv_undelete('a')");
  EXPECT_EQ(Stored(), before);
  Ask("SELECT actorkv_fork('a', 'b', '-2 commit')");
  Ask("SELECT actorkv_delete('a')");
  Ask("SELECT actorkv_fork('b', 'a')");
  EXPECT_GT(Stored(), before);
}

TEST_F(SchemaCookieTest, RowsThatChangeWithoutTheCookieRaiseIt) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x); INSERT INTO t VALUES(1);"), SQLITE_OK);
  SqliteDb reader;
  ASSERT_EQ(reader.Open(Uri("a")), SQLITE_OK);
  EXPECT_EQ(reader.QueryText("SELECT * FROM t"), "1");
  ExpectRising(&db, {"PRAGMA writable_schema=ON; UPDATE sqlite_schema SET "
                     "sql = 'CREATE TABLE t(x, y DEFAULT 7)';"});
  EXPECT_EQ(reader.QueryText("SELECT * FROM t"), "1|7");
  const int64_t before = Stored();
  sqlite3_db_config(db.get(), SQLITE_DBCONFIG_RESET_DATABASE, 1, nullptr);
  ASSERT_EQ(db.Exec("VACUUM"), SQLITE_OK) << db.Error();
  sqlite3_db_config(db.get(), SQLITE_DBCONFIG_RESET_DATABASE, 0, nullptr);
  EXPECT_GT(Stored(), before);
  EXPECT_EQ(reader.QueryText("SELECT * FROM t"), "error: no such table: t");
  ExpectRising(&db, {"CREATE TABLE u(x)", "CREATE TABLE t(z)"});
  EXPECT_EQ(reader.QueryText("SELECT z FROM t"), "");
  EXPECT_EQ(reader.QueryText("PRAGMA integrity_check"), "ok");
}

// The pager keeps its lock and its page 1 when its commit fails. What it then
// plays back belongs to the version before the restore.
TEST_F(SchemaCookieTest, FailedCommitDoesNotUndoARestore) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x); INSERT INTO t VALUES('old');"
                    "PRAGMA locking_mode=EXCLUSIVE;"
                    "UPDATE t SET x = 'new'; CREATE TABLE u(x);"),
            SQLITE_OK);
  const std::string restored = Ask("SELECT actorkv_restore('a', '-2 commit')");
  ASSERT_EQ(HeadTxid(), restored);
  EXPECT_EQ(db.Exec("CREATE TABLE v(x)"), SQLITE_BUSY_SNAPSHOT);
  EXPECT_EQ(HeadTxid(), restored);
  for (int i = 0; i < 3; ++i) db.QueryText("SELECT x FROM t");
  EXPECT_EQ(HeadTxid(), restored);
  EXPECT_EQ(db.QueryText("SELECT x FROM t"), "old");
  ExpectRising(&db, {"CREATE TABLE v(x)"});
  EXPECT_EQ(db.QueryText("SELECT group_concat(name) FROM sqlite_schema"),
            "t,v");
  SqliteDb reader;
  ASSERT_EQ(reader.Open(Uri("a")), SQLITE_OK);
  EXPECT_EQ(reader.QueryText("SELECT x FROM t"), "old");
  EXPECT_EQ(reader.QueryText("PRAGMA integrity_check"), "ok");
}

// Auto-vacuum moves pages of the schema, and with them what page 1 says of
// where they are: that is no other schema.
TEST_F(SchemaCookieTest, PagesOfTheSchemaThatMoveAreNoChange) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA page_size=512; PRAGMA auto_vacuum=FULL;"
                    "CREATE TABLE t(x);"
                    "INSERT INTO t SELECT zeroblob(400) FROM "
                    "(WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                    "FROM c WHERE i < 300) SELECT * FROM c)"),
            SQLITE_OK)
      << db.Error();
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(db.Exec("CREATE VIEW view" + std::to_string(i) +
                      " AS SELECT 'a schema of several pages' FROM t"),
              SQLITE_OK);
  }
  const int64_t cookie = Stored();
  const int64_t pages = db.QueryInt("PRAGMA page_count");
  ASSERT_EQ(db.Exec("DELETE FROM t"), SQLITE_OK);
  ASSERT_LT(db.QueryInt("PRAGMA page_count"), pages / 2);
  EXPECT_EQ(Stored(), cookie);
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
}

// A rollback after a cache spill rewrites page 1 as the pager has it, which is
// not the stored one.
TEST_F(SchemaCookieTest, RollbackOnANameThatWasUsedPublishesNothing) {
  UseName();
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA cache_size=3; BEGIN; CREATE TABLE t(x);"
                    "INSERT INTO t VALUES(1), (2);"),
            SQLITE_OK);
  SqliteStatement cursor(db.get(), "SELECT x FROM t");
  ASSERT_EQ(cursor.Step(), SQLITE_ROW);
  ASSERT_EQ(db.Exec("COMMIT"), SQLITE_OK);
  const std::string head = HeadTxid();
  ASSERT_EQ(db.Exec("BEGIN; CREATE TABLE u(x);"
                    "INSERT INTO u SELECT zeroblob(3000) FROM "
                    "(WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                    "FROM c WHERE i < 100) SELECT * FROM c); ROLLBACK;"),
            SQLITE_OK)
      << db.Error();
  EXPECT_EQ(HeadTxid(), head);
  EXPECT_EQ(Stored(), 4);
}

}  // namespace
}  // namespace actorkv
