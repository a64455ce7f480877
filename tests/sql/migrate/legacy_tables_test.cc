// What is not SQLite's of a legacy actor, as tables in its own database.

#include "sql/migrate/legacy_tables.h"

#include "tests/support/migrate_harness.h"

namespace actorkv {
namespace {

constexpr char kPlace[] = "SELECT actorkv_migrate('a', 'tables')";

class LegacyTablesTest : public MigrateTest {
 protected:
  // One pair of each namespace, some in layout 0, with keys that are no text.
  static Pairs OfEach() {
    using std::string;
    return {
        {string("\x01"), "state"},
        {string("\x02") + "conn", "c1"},
        {string("\x02\xff", 2), "c2"},
        {string("\x03"), "token"},
        {string("\x04"), "empty"},
        {string("\x04") + "name", ""},
        {string("\x05\x01\x01", 3), "meta"},
        {string("\x05\x01\x02\0\0\0\0\0\0\0\x07", 11), "m7"},
        {string("\x05\xff\xff\xff\xff\xff\xff\xff\xff", 9), "mlast"},
        {string("\x06\x01\x15\x03\x15\x02", 6), "output"},
        {string("\x07\x15\x03\x15\x04", 5), "version"},
        {string("\x07\x15\x03\x15\x05", 5), "input"},
        {string("\x07\x01\x15\x01", 4), "trace"},
        {string("czz"), "unknown"},
    };
  }

  std::string InActor(const std::string& sql) {
    SqliteDb db;
    EXPECT_EQ(db.Open(Uri("a")), SQLITE_OK) << db.Error();
    return db.QueryText(sql);
  }
};

TEST_F(LegacyTablesTest, EachPairInItsTable) {
  MakeLegacy("a", OfEach());
  EXPECT_EQ(Ask(kPlace), "live");
  const BadCase tables[] = {
      {"SELECT hex(key), typeof(key), value, typeof(value) FROM _actorkv_kv", 0,
       "|blob|empty|blob\n6E616D65|blob||blob"},
      {"SELECT id, value FROM _actorkv_queue_messages", 0, "-1|mlast\n7|m7"},
      {"SELECT hex(key), value FROM _actorkv_workflow", 0,
       "15031502|output\n15031504|input"},
      {"SELECT hex(key), value FROM _actorkv_traces", 0, "1501|trace"},
      {"SELECT hex(conn_id), typeof(conn_id), value FROM _actorkv_connections "
       "ORDER BY 1",
       0, "636F6E6E|text|c1\nFF|blob|c2"},
      {"SELECT hex(key), value FROM _actorkv_meta ORDER BY 1", 0,
       "01|state\n03|token\n050101|meta\n637A7A|unknown"},
  };
  for (const BadCase& table : tables) {
    EXPECT_EQ(InActor(table.sql), table.text) << table.sql;
  }
  EXPECT_EQ(Ask("SELECT state, phase, json_extract(phase_ms, '$.tables') > 0 "
                "FROM actorkv_migrations"),
            "live|tables|1");
  EXPECT_EQ(Ask("SELECT origin FROM actorkv_commits"), "migrate\nmigrate");
  EXPECT_EQ(Rows("a"), "1,2,3");
}

TEST_F(LegacyTablesTest, CalledAgainItMakesWhatIsMissing) {
  MakeLegacy("a", OfEach());
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a')"), "live");
  EXPECT_EQ(Ask(kPlace), "live");
  const std::string head = "SELECT head_txid FROM actorkv_actors";
  const std::string before = Ask(head);
  EXPECT_EQ(Ask(kPlace), "live");
  EXPECT_EQ(Ask(head), before);
  // What is there is the user's to change.
  Write("a",
        "DROP TABLE _actorkv_traces; UPDATE _actorkv_kv SET value = 'mine'");
  EXPECT_EQ(Ask(kPlace), "live");
  EXPECT_EQ(InActor("SELECT value FROM _actorkv_traces"), "trace");
  EXPECT_EQ(InActor("SELECT DISTINCT value FROM _actorkv_kv"), "mine");
  // The pairs count at an export, the tables come with the database.
  EXPECT_EQ(Ask("SELECT actorkv_export('a', '$DIR/a.jsonl', 'jsonl') > 0"),
            "1");
  EXPECT_EQ(Ask("SELECT actorkv_import('b', '$DIR/a.jsonl') > 0"), "1");
  EXPECT_EQ(Ask("SELECT value FROM actorkv_kv WHERE actor = 'b' AND key = "
                "x'04'"),
            "empty");
}

TEST_F(LegacyTablesTest, ATableOfTheUsersOwnIsNotTouched) {
  const char* const own[] = {
      "CREATE TABLE _actorkv_meta(x)",
      "CREATE TABLE _ActorKV_Meta(key BLOB PRIMARY KEY, value BLOB)",
      "CREATE VIEW _actorkv_meta AS SELECT 1",
      "CREATE INDEX _actorkv_meta ON t(x)",
  };
  for (const char* sql : own) {
    SCOPED_TRACE(sql);
    MakeLegacyOf("a", std::string("CREATE TABLE t(x);") + sql, OfEach());
    ExpectBad({{kPlace, SQLITE_ERROR,
                "actor=a: the database has something else by the name of "
                "_actorkv_meta: rename that first"}});
    // The migration itself is done; nothing of the tables is there.
    EXPECT_EQ(StateOf("a"), "live");
    EXPECT_EQ(InActor("SELECT count(*) FROM sqlite_master WHERE name LIKE "
                      "'\\_actorkv\\_%' ESCAPE '\\' AND type <> 'index' AND "
                      "name NOT LIKE '%meta'"),
              "0");
    EXPECT_EQ(Ask("SELECT phase FROM actorkv_migrations WHERE actor = 'a'"),
              "commit");
    EXPECT_EQ(Ask("SELECT actorkv_unmigrate('a')"), "legacy");
    EXPECT_EQ(Ask("SELECT actorkv_rename('a', 'old' || abs(random()))"), "1");
    std::filesystem::remove(File("a.src"));
  }
}

TEST_F(LegacyTablesTest, GoingBackAfterwards) {
  MakeLegacy("a", OfEach());
  EXPECT_EQ(Ask(kPlace), "live");
  EXPECT_EQ(Ask("SELECT actorkv_unmigrate('a')"), "legacy");
  EXPECT_EQ(Rows("a"), "1,2,3");
  EXPECT_EQ(InActor("SELECT count(*) FROM sqlite_master"), "1");
  EXPECT_EQ(Ask(kPlace), "live");
  EXPECT_EQ(InActor("SELECT value FROM _actorkv_traces"), "trace");
  Write("a", "DELETE FROM _actorkv_traces");
  ExpectBad({{"SELECT actorkv_unmigrate('a')", SQLITE_ERROR,
              "the actor was written after its migration"}});
}

// A write of the user's between the migration and the tables stays a reason to
// ask before going back.
TEST_F(LegacyTablesTest, AWriteBeforeTheTablesIsNotForgotten) {
  MakeLegacy("a", OfEach());
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a')"), "live");
  Write("a", "INSERT INTO t VALUES(4)");
  EXPECT_EQ(Ask(kPlace), "live");
  ExpectBad({{"SELECT actorkv_unmigrate('a')", SQLITE_ERROR,
              "the actor was written after its migration"}});
  EXPECT_EQ(Ask("SELECT actorkv_unmigrate('a', 'discard')"), "legacy");
  EXPECT_EQ(Rows("a"), "1,2,3");
}

TEST_F(LegacyTablesTest, WhoWritesIsNotPushedAside) {
  MakeLegacy("a", OfEach());
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a')"), "live");
  SqliteDb writer;
  ASSERT_EQ(writer.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(writer.Exec("BEGIN IMMEDIATE; INSERT INTO t VALUES(4)"), SQLITE_OK);
  ExpectBad({{kPlace, SQLITE_BUSY, "another connection is writing"}});
  ASSERT_EQ(writer.Exec("COMMIT"), SQLITE_OK);
  EXPECT_EQ(Ask(kPlace), "live");
  EXPECT_EQ(writer.QueryText("SELECT value FROM _actorkv_traces"), "trace");
}

TEST_F(LegacyTablesTest, OfADatabaseInUtf16AndOfNone) {
  MakeLegacyOf("a", "PRAGMA encoding = 'UTF-16'; CREATE TABLE t(x);", OfEach());
  EXPECT_EQ(Ask(kPlace), "live");
  EXPECT_EQ(InActor("SELECT conn_id FROM _actorkv_connections WHERE conn_id = "
                    "'conn'"),
            "conn");
  EXPECT_EQ(InActor("PRAGMA encoding"), "UTF-16le");
  EXPECT_EQ(Ask("SELECT actorkv_rename('a', 'b')"), "1");
  std::filesystem::remove(File("a.src"));
  MakeLegacyOf("a", "", OfEach());
  EXPECT_EQ(Ask(kPlace), "live");
  EXPECT_EQ(InActor("SELECT value FROM _actorkv_traces"), "trace");
}

}  // namespace
}  // namespace actorkv
