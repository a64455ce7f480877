// actorkv_last_error(): whose error it tells of, when that ends, and its form.

#include "vfs/sqlite/last_error.h"

#include <filesystem>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "kv/base/utf8.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

constexpr char kAsk[] = "SELECT actorkv_last_error()";

class LastErrorSqlTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    EndErrorOfThread();  // of the tests before this one
  }

  // The answer on a connection, without code and time, which must be there.
  static std::string Told(SqliteDb* db, int code,
                          const std::string& sql = kAsk) {
    const std::string answer = db->QueryText(sql);
    const std::regex form(
        R"(([^]*) \(code (\d+), \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\))");
    std::smatch match;
    if (!std::regex_match(answer, match, form)) return "form: " + answer;
    EXPECT_EQ(match[2].str(), std::to_string(code)) << answer;
    return match[1].str();
  }

  static bool Contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  // An actor with three commits, opened by *db; one that has written, and whose
  // actor is then restored below its transaction.
  void BeginAndRestore(SqliteDb* db) {
    ASSERT_EQ(db->Open(Uri("w")), SQLITE_OK);
    for (const char* sql :
         {"CREATE TABLE t(x)", "INSERT INTO t VALUES(1)",
          "INSERT INTO t VALUES(2)", "BEGIN", "INSERT INTO t VALUES(3)"}) {
      ASSERT_EQ(db->Exec(sql), SQLITE_OK) << db->Error();
    }
    ASSERT_EQ(Ask("SELECT actorkv_restore('w', '-1 commit')"), "4");
  }
};

TEST_F(LastErrorSqlTest, TheFirstErrorOfACommitIsNotCoveredByItsRollback) {
  SqliteDb db;
  BeginAndRestore(&db);
  EXPECT_EQ(db.Exec("COMMIT"), SQLITE_BUSY_SNAPSHOT);
  EXPECT_TRUE(Contains(Told(&db, SQLITE_BUSY_SNAPSHOT), "conflict: "))
      << db.QueryText(kAsk);
  // From another connection of the thread, and by name.
  EXPECT_TRUE(Contains(Told(SqlTest::db(), SQLITE_BUSY_SNAPSHOT), "conflict: "))
      << Ask(kAsk);
  EXPECT_TRUE(Contains(Told(SqlTest::db(), SQLITE_BUSY_SNAPSHOT,
                            "SELECT actorkv_last_error('w')"),
                       "conflict: "));
  // The transaction is over, and the next one goes.
  EXPECT_EQ(db.Exec("BEGIN; INSERT INTO t VALUES(4); COMMIT"), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT group_concat(x) FROM t"), "1,4");
}

// Nothing is unlocked there, so that the end of the rollback shows otherwise.
TEST_F(LastErrorSqlTest, InExclusiveModeTheNextErrorIsToldAgain) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("w")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE t(x);"
                    "INSERT INTO t VALUES(1); INSERT INTO t VALUES(2);"),
            SQLITE_OK);
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(db.Exec("BEGIN; INSERT INTO t VALUES(3)"), SQLITE_OK)
        << db.Error() << db.QueryText(kAsk);
    ASSERT_FALSE(
        Contains(Ask("SELECT actorkv_restore('w', '-1 commit')"), "error"));
    const int code = db.Exec("COMMIT");
    ASSERT_NE(code, SQLITE_OK);
    const std::string first = db.QueryText(kAsk);
    EXPECT_TRUE(Contains(Told(&db, code), "actor=w")) << first;
    EXPECT_EQ(Contains(first, "conflict: "), code == SQLITE_BUSY_SNAPSHOT)
        << first;
    // What the connection meets next is of its own, if it fails; at the latest
    // the transaction after that goes.
    const int next = db.Exec("SELECT count(*) FROM t");
    if (next != SQLITE_OK) {
      EXPECT_NE(db.QueryText(kAsk), first);
      EXPECT_TRUE(Contains(Told(&db, next), "actor=w"));
      EXPECT_EQ(db.Exec("SELECT count(*) FROM t"), SQLITE_OK);
    }
    ASSERT_EQ(db.Exec("INSERT INTO t VALUES(9)"), SQLITE_OK);
    EXPECT_EQ(db.QueryText("SELECT actorkv_last_error() IS NULL"), "1");
  }
}

// All of a transaction over several actors are rolled back, and none of them
// takes the place of why.
TEST_F(LastErrorSqlTest, NorByTheRollbackOfAnotherActor) {
  for (const bool memory_main : {false, true}) {
    SCOPED_TRACE(memory_main);
    const std::string one = memory_main ? "m1" : "s1";
    const std::string two = memory_main ? "m2" : "s2";
    MakeActor(one);
    MakeActor(two);
    SqliteDb db;
    // With an actor as main SQLite uses a super-journal, else it does not.
    ASSERT_EQ(db.Open(memory_main ? ":memory:" : Uri(one)), SQLITE_OK);
    ASSERT_EQ(db.Exec("ATTACH '" + Uri(one) + "' AS one; ATTACH '" + Uri(two) +
                      "' AS two"),
              SQLITE_OK);
    ASSERT_EQ(db.Exec("BEGIN; INSERT INTO one.t VALUES(3);"
                      "INSERT INTO two.t VALUES(3)"),
              SQLITE_OK);
    ASSERT_EQ(Ask("SELECT actorkv_restore('" + two + "', 'head')"), "3");
    const int code = db.Exec("COMMIT");
    ASSERT_NE(code, SQLITE_OK);
    const std::string told = Told(&db, code);
    EXPECT_TRUE(Contains(told, "conflict: ")) << told;
    EXPECT_TRUE(Contains(told, "actor=" + two)) << told;
    EXPECT_EQ(db.Exec("BEGIN; INSERT INTO one.t VALUES(4);"
                      "INSERT INTO two.t VALUES(4); COMMIT"),
              SQLITE_OK)
        << db.Error();
    EXPECT_EQ(db.QueryText("SELECT (SELECT count(*) FROM one.t), (SELECT "
                           "count(*) FROM two.t)"),
              "2|2");
  }
}

TEST_F(LastErrorSqlTest, BusyHasATextToo) {
  MakeActor("a");
  SqliteDb one;
  SqliteDb two;
  ASSERT_EQ(one.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(two.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(one.Exec("BEGIN IMMEDIATE"), SQLITE_OK);
  EXPECT_EQ(two.Exec("BEGIN IMMEDIATE"), SQLITE_BUSY);
  EXPECT_TRUE(
      Contains(Told(&two, SQLITE_BUSY), "another connection is writing"))
      << two.QueryText(kAsk);
  // A read snapshot that is not the head any more.
  ASSERT_EQ(two.Exec("BEGIN; SELECT * FROM t"), SQLITE_OK);
  ASSERT_EQ(one.Exec("INSERT INTO t VALUES(1); COMMIT"), SQLITE_OK);
  EXPECT_EQ(two.Exec("INSERT INTO t VALUES(2)"), SQLITE_BUSY_SNAPSHOT);
  EXPECT_TRUE(Contains(Told(&two, SQLITE_BUSY_SNAPSHOT), "actor=a"));
}

TEST_F(LastErrorSqlTest, ReadOnlyHasAText) {
  MakeActor("a");
  WriteFile("pairs.jsonl", "{\"k\":\"0203\",\"v\":\"00\"}\n");
  ASSERT_EQ(Ask("SELECT actorkv_import('old', '$DIR/pairs.jsonl')"), "0");
  const struct {
    std::string uri;
    const char* part;
  } kCases[] = {
      {Uri("a", "&mode=ro"), "main was opened with mode=ro"},
      {Uri("a", "&asof=head"), "main is a version of the past"},
      {Uri("a", "&immutable=1"), "immutable=1"},
      {Uri("old"), "main is a legacy actor: SELECT actorkv_migrate(actor)"},
      {Uri("old", "&mode=ro"), "main was opened with mode=ro"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.uri);
    SqliteDb db;
    ASSERT_EQ(db.Open(c.uri), SQLITE_OK);
    EXPECT_EQ(db.Exec("CREATE TABLE u(x)") & 0xff, SQLITE_READONLY);
    EXPECT_TRUE(Contains(db.QueryText(kAsk), c.part)) << db.QueryText(kAsk);
    EXPECT_TRUE(Contains(db.QueryText(kAsk), "code 8"));
  }
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT actorkv_last_error() IS NULL"), "1");
  ASSERT_EQ(db.Exec("PRAGMA query_only = 1"), SQLITE_OK);
  EXPECT_EQ(db.Exec("DELETE FROM t"), SQLITE_READONLY);
  EXPECT_TRUE(Contains(db.QueryText(kAsk), "PRAGMA query_only is on"));
}

TEST_F(LastErrorSqlTest, AGoodCommitOrCallEndsIt) {
  MakeActor("a");
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  const auto fail = [&] {
    EXPECT_NE(db.Exec("SELECT actorkv_delete('nobody')"), SQLITE_OK);
    EXPECT_TRUE(Contains(Told(&db, SQLITE_ERROR), "no such actor"));
  };
  fail();
  // Asking does not end it, nor does reading, nor another connection.
  EXPECT_EQ(Ask("SELECT actorkv_version()"), ACTORKV_VERSION);
  ASSERT_EQ(db.Exec("SELECT * FROM t"), SQLITE_OK);
  EXPECT_TRUE(Contains(Told(&db, SQLITE_ERROR), "no such actor"));
  for (const char* good :
       {"INSERT INTO t VALUES(1)", "SELECT actorkv_version()",
        "SELECT * FROM actorkv_actors LIMIT 1",
        "SELECT actorkv_restore_point('a', 'p' || random())"}) {
    fail();
    ASSERT_EQ(db.Exec(good), SQLITE_OK) << db.Error();
    EXPECT_EQ(db.QueryText("SELECT actorkv_last_error() IS NULL"), "1") << good;
  }
  // By name it is kept.
  EXPECT_TRUE(
      Contains(Told(&db, SQLITE_ERROR, "SELECT actorkv_last_error('nobody')"),
               "no such actor"));
}

TEST_F(LastErrorSqlTest, AnOpenThatFailedIsTheThreadsUntilOneGoesWell) {
  MakeActor("a");
  SqliteDb db;
  EXPECT_EQ(db.Open(Uri("missing", "&mode=rw")), SQLITE_CANTOPEN);
  EXPECT_TRUE(Contains(Told(SqlTest::db(), SQLITE_CANTOPEN),
                       "no such actor: actor=missing"));
  // What a function opens for itself is no open of the thread's.
  EXPECT_EQ(Ask("SELECT severity FROM actorkv_doctor('a')"), "info");
  EXPECT_TRUE(Contains(Told(SqlTest::db(), SQLITE_CANTOPEN), "actor=missing"));
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  EXPECT_EQ(Ask("SELECT actorkv_last_error() IS NULL"), "1");
}

TEST_F(LastErrorSqlTest, EachThreadHasItsOwn) {
  MakeActor("a");
  constexpr int kThreads = 4;
  constexpr int kRounds = 100;
  std::vector<std::string> wrong(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      SqliteDb asker;
      asker.Open(":memory:");
      const std::string name = "missing" + std::to_string(i);
      for (int round = 0; round < kRounds; ++round) {
        SqliteDb db;
        db.Open(Uri(name, "&mode=rw"));
        const std::string told = asker.QueryText(kAsk);
        if (!Contains(told, "actor=" + name + " ")) wrong[i] = told;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& told : wrong) EXPECT_EQ(told, "");
  // A pool that asks from yet another thread asks by name.
  for (int i = 0; i < kThreads; ++i) {
    const std::string name = "missing" + std::to_string(i);
    EXPECT_TRUE(Contains(Ask("SELECT actorkv_last_error('" + name + "')"),
                         "actor=" + name + " "));
    EXPECT_TRUE(
        Contains(Ask("SELECT actorkv_last_error('$DIR/store/" + name + "')"),
                 "actor=" + name + " "));
  }
  EXPECT_EQ(Ask("SELECT actorkv_last_error('nobody asked') IS NULL"), "1");
}

TEST_F(LastErrorSqlTest, ByANameThatCannotBe) {
  SqliteDb db;
  EXPECT_EQ(db.Open("file:" + File("store") + "/..?vfs=actorkv"),
            SQLITE_CANTOPEN);
  EXPECT_TRUE(Contains(Ask("SELECT actorkv_last_error('$DIR/store/..')"),
                       "actor name is a directory's"));
  const std::string part(250, 'n');
  EXPECT_EQ(db.Open("file:" + File(part) + "/" + part + "?vfs=actorkv"),
            SQLITE_CANTOPEN);
  EXPECT_TRUE(Contains(Told(SqlTest::db(), SQLITE_CANTOPEN),
                       "bytes long, the limit is 504"))
      << Ask(kAsk);
  ExpectBad(
      {{"SELECT actorkv_last_error(NULL)", SQLITE_ERROR, "the name is NULL"}});
}

TEST_F(LastErrorSqlTest, IsUtf8WhateverTheNameWas) {
  MakeActor("a");
  const std::vector<std::string> calls = {
      "SELECT actorkv_export('a', CAST(x'66ff' AS TEXT) || '/x')",
      "SELECT actorkv_delete(CAST(x'ff' AS TEXT))",
      "SELECT actorkv_import('b', '$DIR/' || CAST(x'e228' AS TEXT))",
      "SELECT * FROM actorkv_import_all('$DIR/' || CAST(x'c0' AS TEXT))",
      "SELECT actorkv_restore('a', CAST(x'f0ff' AS TEXT))",
      "SELECT actorkv_restore_like('head', CAST(x'ff' AS TEXT))",
      "SELECT * FROM actorkv_diff('a', CAST(x'ff' AS TEXT))",
      "SELECT actorkv_set(CAST(x'ff' AS TEXT), 1)",
  };
  for (const std::string& call : calls) {
    const std::string answer = Ask(call);
    EXPECT_EQ(answer.substr(0, 7), "error: ") << call;
    EXPECT_TRUE(IsUtf8(answer)) << call << answer;
    EXPECT_TRUE(IsUtf8(Ask(kAsk))) << call;
    EXPECT_NE(Ask(kAsk), "") << call;
  }
  EXPECT_TRUE(Contains(Ask(calls[0]), "f\\xff/x")) << Ask(calls[0]);
  SqliteDb db;
  EXPECT_NE(db.Open(Uri("\xff\xfe")), SQLITE_OK);
  EXPECT_TRUE(IsUtf8(Ask(kAsk)));
  EXPECT_TRUE(Contains(Ask(kAsk), "\\xff\\xfe")) << Ask(kAsk);
}

// The text of a row is an error, too, and the newest of its actor.
TEST_F(LastErrorSqlTest, ARowThatFailedIsAnErrorOfItsActor) {
  MakeActor("a");
  std::filesystem::create_directories(File("out/a.db"));
  EXPECT_TRUE(Contains(Ask("SELECT error FROM actorkv_export_all('$DIR/out')"),
                       "a.db"));
  EXPECT_TRUE(Contains(Ask("SELECT actorkv_last_error('a')"), "a.db"));
  EXPECT_EQ(Ask("SELECT actorkv_last_error() IS NULL"), "1");
}

}  // namespace
}  // namespace actorkv
