// Restore points, as-of opens, restore, undo and fork, as a user meets them.

#include <string>
#include <thread>
#include <vector>

#include "kv/store/store.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

class HistoryTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    ASSERT_EQ(alice_.Open(Uri("alice")), SQLITE_OK);
    Run("CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT)");
    Run("INSERT INTO note(body) VALUES ('one')");
    Run("INSERT INTO note(body) VALUES ('two')");
  }
  void TearDown() override {
    alice_.Close();
    SqlTest::TearDown();
  }

  void Run(const std::string& sql) {
    ASSERT_EQ(alice_.Exec(sql), SQLITE_OK) << alice_.Error();
  }
  std::string Notes() { return Notes(&alice_); }
  static std::string Notes(SqliteDb* db) {
    return db->QueryText("SELECT group_concat(body) FROM note");
  }
  std::string NotesOf(const std::string& actor, const std::string& more = "") {
    SqliteDb db;
    if (db.Open(Uri(actor, more)) != SQLITE_OK) return "cannot open";
    return Notes(&db);
  }
  std::string AsOf(const std::string& point) {
    return NotesOf("alice", "&asof=" + point);
  }

  SqliteDb alice_;
};

TEST_F(HistoryTest, EveryCommitCanBeOpened) {
  EXPECT_EQ(AsOf("1"), "");
  EXPECT_EQ(AsOf("2"), "one");
  EXPECT_EQ(AsOf("3"), "one,two");
  EXPECT_EQ(AsOf("head"), "one,two");
  EXPECT_EQ(AsOf("-1 commit"), "one");
  EXPECT_EQ(AsOf("4"), "cannot open");
  EXPECT_EQ(AsOf("nothing"), "cannot open");
  EXPECT_EQ(AsOf("2020-01-01T00:00:00Z"), "cannot open");
  EXPECT_EQ(AsOf("2999-01-01T00:00:00Z"), "cannot open");
  const std::string second = Ask(
      "SELECT strftime('%Y-%m-%dT%H:%M:%f', (committed_at_ms + 1) / 1000.0, "
      "'unixepoch') FROM actorkv_commits WHERE txid = 2");
  EXPECT_EQ(AsOf(second + "Z").substr(0, 3), "one");
}

TEST_F(HistoryTest, ThePastIsReadOnlyAndStays) {
  ASSERT_EQ(Ask("SELECT actorkv_restore_point('alice', 'before')"), "3");
  SqliteDb past;
  ASSERT_EQ(past.Open(Uri("alice", "&asof=before")), SQLITE_OK);
  EXPECT_EQ(past.Exec("INSERT INTO note(body) VALUES ('x')"), SQLITE_READONLY);
  Run("DELETE FROM note; INSERT INTO note(body) VALUES ('new'); VACUUM");
  EXPECT_EQ(Notes(&past), "one,two");
  EXPECT_EQ(past.QueryText("PRAGMA integrity_check"), "ok");
  // Past and present joined.
  Run("ATTACH " + std::string("'") + Uri("alice", "&asof=before") +
      "' AS past");
  EXPECT_EQ(alice_.QueryText("SELECT group_concat(body) FROM (SELECT body FROM "
                             "past.note EXCEPT SELECT body FROM main.note)"),
            "one,two");
}

TEST_F(HistoryTest, RestoreUndoRedo) {
  ASSERT_EQ(Ask("SELECT actorkv_restore('alice', '2')"), "4");
  EXPECT_EQ(Notes(), "one");
  Run("INSERT INTO note(body) VALUES ('other')");
  ASSERT_EQ(Ask("SELECT actorkv_undo_restore('alice')"), "6");
  EXPECT_EQ(Notes(), "one,two");
  ASSERT_EQ(Ask("SELECT actorkv_undo_restore('alice')"), "7");
  EXPECT_EQ(Notes(), "one,other");
  EXPECT_EQ(Ask("SELECT group_concat(from_txid || '>' || to_txid || ' ' || "
                "undo_name) FROM actorkv_restores"),
            "6>5 undo-7,5>3 undo-6,3>2 undo-4");
  EXPECT_EQ(AsOf("undo-6"), "one,other");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
  EXPECT_EQ(alice_.QueryText("PRAGMA integrity_check"), "ok");
}

// SQLite tells by counters of page 1 whether its pages and its schema are
// those of the file.
TEST_F(HistoryTest, OpenConnectionsSeeARestoreAtTheirNextTransaction) {
  Run("CREATE TABLE later(x); INSERT INTO later VALUES (1)");
  SqliteDb reader;
  ASSERT_EQ(reader.Open(Uri("alice")), SQLITE_OK);
  EXPECT_EQ(reader.QueryText("SELECT count(*) FROM later"), "1");
  const std::string version = reader.QueryText("PRAGMA data_version");
  ASSERT_EQ(reader.Exec("BEGIN; SELECT * FROM note"), SQLITE_OK);
  ASSERT_EQ(Ask("SELECT actorkv_restore('alice', '3')"), "6");
  EXPECT_EQ(reader.QueryText("SELECT count(*) FROM later"), "1")
      << "a reader finishes on its snapshot";
  ASSERT_EQ(reader.Exec("COMMIT"), SQLITE_OK);
  EXPECT_NE(reader.QueryText("PRAGMA data_version"), version);
  EXPECT_EQ(reader.QueryText("SELECT count(*) FROM later").substr(0, 6),
            "error:");
  // The same schema version as before would let this write go astray.
  ASSERT_EQ(reader.Exec("CREATE TABLE another(x); INSERT INTO another "
                        "VALUES (7)"),
            SQLITE_OK);
  EXPECT_EQ(alice_.QueryText("SELECT x FROM another"), "7");
  EXPECT_EQ(alice_.QueryText("SELECT count(*) FROM later").substr(0, 6),
            "error:");
}

TEST_F(HistoryTest, AWriterInTheMiddleCannotCommit) {
  Run("BEGIN IMMEDIATE; INSERT INTO note(body) VALUES ('lost')");
  ASSERT_EQ(Ask("SELECT actorkv_restore('alice', '2')"), "4");
  EXPECT_NE(alice_.Exec("COMMIT"), SQLITE_OK);
  EXPECT_EQ(sqlite3_extended_errcode(alice_.get()), SQLITE_BUSY_SNAPSHOT);
  (void)alice_.Exec("ROLLBACK");
  EXPECT_EQ(Notes(), "one");
  Run("INSERT INTO note(body) VALUES ('kept')");
  EXPECT_EQ(NotesOf("alice"), "one,kept");
}

TEST_F(HistoryTest, ForksGoTheirOwnWays) {
  ASSERT_EQ(Ask("SELECT actorkv_fork('alice', 'fork')"), "4");
  ASSERT_EQ(Ask("SELECT actorkv_fork('alice', 'old', '2')"), "3");
  ASSERT_EQ(Ask("SELECT actorkv_fork('fork', 'deep', 'head')"), "5");
  Run("UPDATE note SET body = 'changed'");
  SqliteDb fork;
  ASSERT_EQ(fork.Open(Uri("fork")), SQLITE_OK);
  ASSERT_EQ(fork.Exec("INSERT INTO note(body) VALUES ('of fork')"), SQLITE_OK);
  EXPECT_EQ(Notes(), "changed,changed");
  EXPECT_EQ(Notes(&fork), "one,two,of fork");
  EXPECT_EQ(NotesOf("old"), "one");
  EXPECT_EQ(NotesOf("deep"), "one,two");
  fork.Close();
  // The parent may go.
  alice_.Close();
  ASSERT_NE(Ask("SELECT actorkv_delete('alice')").substr(0, 5), "error");
  ASSERT_NE(Ask("SELECT actorkv_delete('fork')").substr(0, 5), "error");
  EXPECT_EQ(NotesOf("deep"), "one,two");
  // A deleted actor can be forked, and looked at.
  EXPECT_EQ(AsOf("2"), "one");
  EXPECT_EQ(Ask("SELECT actorkv_fork('alice', 'back', 'head')"), "5");
  EXPECT_EQ(NotesOf("back"), "changed,changed");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
}

TEST_F(HistoryTest, ADeepLineOfForks) {
  std::string last = "alice";
  for (int i = 0; i < 40; ++i) {
    const std::string next = "fork" + std::to_string(i);
    ASSERT_NE(
        Ask("SELECT actorkv_fork('" + last + "', '" + next + "')").substr(0, 5),
        "error");
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri(next)), SQLITE_OK);
    ASSERT_EQ(
        db.Exec("INSERT INTO note(body) VALUES ('" + std::to_string(i) + "')"),
        SQLITE_OK);
    last = next;
  }
  EXPECT_EQ(NotesOf(last).substr(0, 13), "one,two,0,1,2");
  EXPECT_EQ(NotesOf(last, "&asof=-1 commit").substr(0, 13), "one,two,0,1,2");
  EXPECT_EQ(NotesOf("fork3"), "one,two,0,1,2,3");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
}

// Nobody had them open when they became deep.
TEST_F(HistoryTest, ADeepForkIsFlattenedWhenItIsOpened) {
  std::string last = "alice";
  for (int i = 0; i < 30; ++i) {
    const std::string fork = "deep-" + std::to_string(i);
    ASSERT_NE(
        Ask("SELECT actorkv_fork('" + last + "', '" + fork + "')").substr(0, 6),
        "error:");
    last = fork;
  }
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri(last), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI),
            SQLITE_OK);
  const std::string rows = db.QueryText("SELECT * FROM note");
  std::shared_ptr<Actor> actor;
  ASSERT_OK(OpenStore()->OpenActor(last, &actor));
  size_t depth = 100;
  for (int i = 0; i < 600 && depth > kMaxLineageDepth; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::shared_ptr<const HeadState> state;
    ASSERT_OK(actor->Current(&state));
    depth = state->lineage->size();
  }
  EXPECT_LE(depth, kMaxLineageDepth);
  EXPECT_EQ(db.QueryText("SELECT * FROM note"), rows);
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
}

TEST_F(HistoryTest, ASetMovesAtOnce) {
  SqliteDb bob;
  ASSERT_EQ(bob.Open(Uri("bob")), SQLITE_OK);
  ASSERT_EQ(bob.Exec("CREATE TABLE note(body TEXT)"), SQLITE_OK);
  Run("ATTACH '" + Uri("bob") + "' AS bob");
  Run("BEGIN; INSERT INTO main.note(body) VALUES ('both'); "
      "INSERT INTO bob.note VALUES ('both'); COMMIT");
  const std::string time =
      Ask("SELECT committed_at_ms FROM actorkv_commits WHERE actor = 'bob' "
          "ORDER BY txid DESC LIMIT 1");
  Run("BEGIN; INSERT INTO main.note(body) VALUES ('more'); "
      "INSERT INTO bob.note VALUES ('more'); COMMIT");
  ASSERT_EQ(Ask("SELECT actorkv_restore_set('-1 commit', 'alice', 'bob')"),
            "2");
  EXPECT_EQ(Notes(), "one,two,both");
  EXPECT_EQ(Notes(&bob), "both");
  EXPECT_EQ(Ask("SELECT count(DISTINCT commit_id), count(*) FROM "
                "actorkv_commits WHERE origin = 'restore'"),
            "1|2");
  EXPECT_EQ(Ask("SELECT actorkv_restore_like('-1 commit', 'b%')"), "1");
  EXPECT_EQ(Notes(&bob), "both,more");
  EXPECT_EQ(Ask("SELECT actorkv_restore_like('head', 'B%')").substr(0, 6),
            "error:");
}

TEST_F(HistoryTest, PointsHaveNamesAndEnds) {
  ASSERT_EQ(Ask("SELECT actorkv_restore_point('alice', 'short', 1)"), "3");
  ASSERT_EQ(Ask("SELECT actorkv_restore_point('alice', 'long', 3600000)"), "3");
  EXPECT_EQ(Ask("SELECT group_concat(name || ':' || (expires_at_ms - "
                "created_at_ms)) FROM actorkv_restore_points"),
            "long:3600000,short:1");
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  ExpectBad({
      {"SELECT actorkv_restore('alice', 'short')", SQLITE_ERROR, "expired at"},
      {"SELECT actorkv_restore_point('alice', 'long')", SQLITE_ERROR,
       "there is a restore point 'long' already"},
      {"SELECT actorkv_restore_point('alice', '17')", SQLITE_ERROR,
       "means something else"},
      {"SELECT actorkv_restore_point('alice', 'undo-9')", SQLITE_ERROR,
       "are given by restores"},
      {"SELECT actorkv_restore_point('alice', 'x', -1)", SQLITE_ERROR,
       "ttl_ms is not a whole number"},
      {"SELECT actorkv_restore_point('nobody', 'x')", SQLITE_ERROR,
       "no such actor: actor=nobody"},
      {"SELECT actorkv_drop_restore_point('alice', 'none')", SQLITE_ERROR,
       "no restore point 'none': actor=alice"},
  });
  EXPECT_EQ(Ask("SELECT actorkv_drop_restore_point('alice', 'long')"), "3");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_restore_points"), "1");
  // One that has expired is in nobody's way.
  EXPECT_EQ(Ask("SELECT actorkv_restore_point('alice', 'short')"), "3");
  EXPECT_EQ(Ask("SELECT expires_at_ms FROM actorkv_restore_points"), "");
}

TEST_F(HistoryTest, OddNames) {
  const std::string longest(255, 'n');
  for (const std::string& name :
       {std::string("it''s"), std::string("a\nb"), std::string(" "),
        std::string("\xc3\xa9t\xc3\xa9"), std::string("-"),
        std::string("2026-13-01T00:00:00Z"), std::string("1e3"),
        std::string("a/b"), longest}) {
    SCOPED_TRACE(name);
    EXPECT_EQ(Ask("SELECT actorkv_restore_point('alice', '" + name + "')"),
              "3");
    EXPECT_EQ(Ask("SELECT page_count > 0 FROM"
                  " actorkv_restore_plan('alice', '" +
                  name + "')"),
              "1");
    EXPECT_EQ(Ask("SELECT actorkv_drop_restore_point('alice', '" + name + "')"),
              "3");
  }
  for (const std::string& name :
       {std::string(), std::string("head"), std::string("0"),
        std::string("-1 commit"), std::string("2026-11-20 10:00"),
        longest + "n"}) {
    SCOPED_TRACE(name);
    EXPECT_EQ(Ask("SELECT actorkv_restore_point('alice', '" + name + "')")
                  .substr(0, 6),
              "error:");
  }
  ExpectBad({{"SELECT actorkv_restore_point('alice', CAST(x'610062' AS TEXT))",
              SQLITE_ERROR, "not a name for a restore point"},
             {"SELECT actorkv_restore_point('alice', CAST(x'ff' AS TEXT))",
              SQLITE_ERROR, "a point is"}});
}

TEST_F(HistoryTest, OddActorNames) {
  for (const std::string name :
       {"it''s", "100%", "a_b", "a?b=c&d#e", " ", "-", "head", "17", "a\nb",
        "\xe6\x97\xa5\xe6\x9c\xac", "undo-3", "'' OR 1"}) {
    SCOPED_TRACE(name);
    const std::string actor = "'" + name + "'";
    EXPECT_EQ(Ask("SELECT actorkv_fork('alice', " + actor + ", 2)"), "3");
    EXPECT_EQ(Ask("SELECT actorkv_restore_point(" + actor + ", 'p')"), "3");
    EXPECT_EQ(Ask("SELECT actorkv_restore(" + actor + ", 'p')"), "4");
    EXPECT_EQ(Ask("SELECT actorkv_undo_restore(" + actor + ")"), "5");
    EXPECT_EQ(Ask("SELECT actorkv_restore_set('p', 'alice', " + actor + ")")
                  .substr(0, 6),
              "error:");
    EXPECT_EQ(Ask("SELECT actorkv_restore_set(3, 'alice', " + actor + ")"),
              "2");
    EXPECT_EQ(Ask("SELECT actorkv_retention(" + actor + ", '1 hour')"),
              "24 hours");
    EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_diff(" + actor + ", 3)"), "0");
    EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify(" + actor + ", 3)"),
              "0");
    EXPECT_EQ(Ask("SELECT severity FROM actorkv_doctor(" + actor + ")"),
              "info");
    EXPECT_EQ(
        Ask("SELECT count(*) FROM actorkv_commits WHERE actor = " + actor),
        "4");
    EXPECT_EQ(Ask("SELECT actorkv_takeover(" + actor + ")"), "2");
    EXPECT_EQ(Ask("SELECT actorkv_delete(" + actor + ")"), "6");
    EXPECT_EQ(Ask("SELECT actorkv_undelete(" + actor + ")"), "6");
    EXPECT_EQ(Ask("SELECT actorkv_rename(" + actor + ", 'x')"), "1");
    EXPECT_EQ(Ask("SELECT actorkv_purge('x') > 0"), "1");
  }
  // What LIKE takes for a pattern is one only there.
  for (const char* name : {"a%c", "abc", "a_c"}) {
    Ask(std::string("SELECT actorkv_fork('alice', '") + name + "', 2)");
  }
  EXPECT_EQ(Ask("SELECT actorkv_restore_set('head', 'a%c')"), "1");
  EXPECT_EQ(Ask("SELECT actorkv_restore_like('head', 'a_c')"), "3");
  EXPECT_EQ(Ask("SELECT actorkv_restore_like('head', 'a%c')"), "3");
  EXPECT_EQ(Ask("SELECT actorkv_restore_like('head', 'a\\_c')"), "1");
  EXPECT_EQ(Ask("SELECT actorkv_restore_like('head', 'a\\%c')"), "1");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
}

TEST_F(HistoryTest, DeletedAndLegacyActors) {
  WriteFile("pairs.jsonl", "{\"k\":\"0203\",\"v\":\"00\"}\n");
  ASSERT_EQ(Ask("SELECT actorkv_import('legacy', '$DIR/pairs.jsonl')"), "0");
  MakeActor("gone");
  ASSERT_EQ(Ask("SELECT actorkv_delete('gone')"), "2");
  ExpectBad({
      {"SELECT actorkv_restore('legacy', 'head')", SQLITE_ERROR,
       "the actor is legacy"},
      {"SELECT actorkv_fork('legacy', 'x')", SQLITE_ERROR, "it is legacy"},
      {"SELECT actorkv_restore_point('legacy', 'x')", SQLITE_ERROR,
       "the actor is legacy"},
      {"SELECT actorkv_undo_restore('legacy')", SQLITE_ERROR,
       "the actor is legacy"},
      {"SELECT * FROM actorkv_diff('legacy', 1)", SQLITE_ERROR,
       "the actor is legacy"},
      {"SELECT * FROM actorkv_doctor('legacy')", SQLITE_ERROR,
       "the actor is legacy"},
      {"SELECT actorkv_restore('gone', '1')", SQLITE_ERROR,
       "the actor is deleted, SELECT actorkv_undelete(actor) first"},
      {"SELECT actorkv_restore_point('gone', 'x')", SQLITE_ERROR,
       "no such actor: actor=gone"},
      {"SELECT actorkv_restore_set('1', 'alice', 'gone')", SQLITE_ERROR,
       "the actor is deleted"},
      {"SELECT actorkv_takeover('gone')", SQLITE_ERROR,
       "no such actor: actor=gone"},
      {"SELECT actorkv_fork('alice', 'legacy')", SQLITE_ERROR,
       "the actor exists already: actor=legacy"},
  });
  // What was can be looked at, and forked, also to its own name.
  SqliteDb past;
  ASSERT_EQ(
      past.Open(Uri("gone", "&asof=2"), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI),
      SQLITE_OK);
  EXPECT_EQ(past.QueryText("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_diff('gone', 1, 2)"), "1");
  EXPECT_EQ(Ask("SELECT actorkv_fork('gone', 'again', 2) > 0"), "1");
  SqliteDb again;
  ASSERT_EQ(again.Open(Uri("again")), SQLITE_OK);
  EXPECT_EQ(again.QueryText("SELECT count(*) FROM t"), "1");
}

TEST_F(HistoryTest, WhatCannotBeDone) {
  ExpectBad({
      {"SELECT actorkv_restore('alice', '99')", SQLITE_ERROR,
       "there is no commit 99; the oldest that is available is 1 of "},
      {"SELECT actorkv_restore('alice', '2999-01-01 00:00')", SQLITE_ERROR,
       "in the future"},
      {"SELECT actorkv_restore('alice', '2001-01-01 00:00')", SQLITE_ERROR,
       "there is no commit at or before 2001-01-01T00:00:00.000000Z"},
      {"SELECT actorkv_restore('alice', '-99 commits')", SQLITE_ERROR,
       "there are not 99 commits before the head"},
      {"SELECT actorkv_restore('alice', '')", SQLITE_ERROR, "a point is"},
      {"SELECT actorkv_restore('alice', NULL)", SQLITE_ERROR,
       "the point is NULL"},
      {"SELECT actorkv_restore('nobody', 'head')", SQLITE_ERROR,
       "no such actor: actor=nobody"},
      {"SELECT actorkv_undo_restore('alice')", SQLITE_ERROR,
       "nothing to undo, no restore of actor=alice"},
      {"SELECT actorkv_fork('alice', 'alice')", SQLITE_ERROR,
       "the actor exists already: actor=alice"},
      {"SELECT actorkv_fork('nobody', 'x')", SQLITE_ERROR, "actor=nobody"},
      {"SELECT actorkv_fork('alice', 'a/b')", SQLITE_ERROR, "a/b"},
      {"SELECT actorkv_restore_set('head', 'alice', 'alice')", SQLITE_ERROR,
       "the actor comes twice: actor=alice"},
      {"SELECT actorkv_restore_set('head', 'alice', 'nobody')", SQLITE_ERROR,
       "no such actor: actor=nobody"},
  });
  ASSERT_EQ(db()->Exec("BEGIN"), SQLITE_OK);
  ExpectBad({{"SELECT actorkv_restore('alice', 'head')", SQLITE_ERROR,
              "cannot run inside a transaction"}});
}

TEST_F(HistoryTest, AnotherPageSizeComesBack) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("empty")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA page_size = 1024; CREATE TABLE t(x); DROP TABLE t; "
                    "PRAGMA page_size = 8192; VACUUM; CREATE TABLE u(x)"),
            SQLITE_OK);
  ASSERT_NE(Ask("SELECT actorkv_restore('empty', '1')").substr(0, 5), "error");
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(db.QueryText("PRAGMA page_size"), "1024");
  ASSERT_EQ(db.Exec("INSERT INTO t VALUES (1)"), SQLITE_OK);
  ASSERT_NE(Ask("SELECT actorkv_undo_restore('empty')").substr(0, 5), "error");
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM u"), "0");
  EXPECT_EQ(db.QueryText("PRAGMA page_size"), "8192");
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
}

}  // namespace
}  // namespace actorkv
