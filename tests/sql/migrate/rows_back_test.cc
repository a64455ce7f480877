// Rows of tables flow back: into exports, and into the actor's own pairs.

#include "kv/rivet/actor_persist.h"
#include "tests/support/bytes.h"
#include "tests/support/dump_loader.h"
#include "tests/support/rivet_tables_harness.h"
#include "tests/support/store_upkeep.h"

namespace actorkv {
namespace {

TEST_F(RivetTablesTest, RowsOfTablesFlowBack) {
  const Pairs more = {{"\1", "state"},
                      {"\2"
                       "conn",
                       "c"},
                      {Unhex("0461"), "user"},
                      {Unhex("050101"), Unhex("0400020000000000000001000000")},
                      {QueueMessageKey(1), "message"},
                      {Unhex("0601150114"), "first"},
                      {Unhex("07011501"), "trace"},
                      {Unhex("ff01"), "unknown"}};
  MakeLegacy("a", more);
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a', 'tables')"), "live");
  ASSERT_EQ(Export("a", "same.jsonl", "tables"), "1");
  EXPECT_EQ(WithoutDatabase(PairsOf(File("same.jsonl"))), more);
  Write("a",
        "INSERT INTO t VALUES(4);"
        "UPDATE _actorkv_kv SET value = 'new';"
        "INSERT INTO _actorkv_kv VALUES('text', x'00');"
        "INSERT INTO _actorkv_queue_messages VALUES(2, x'02'), (-1, x'03');"
        "DELETE FROM _actorkv_connections;"
        "UPDATE _actorkv_meta SET value = 'later' WHERE key = x'01';"
        "DROP TABLE _actorkv_workflow;");
  Pairs expected = more;
  expected.erase(
      "\2"
      "conn");
  expected["\1"] = "later";
  expected[Unhex("0461")] = "new";
  expected["\4text"] = std::string(1, '\0');
  expected[QueueMessageKey(2)] = "\2";
  expected[QueueMessageKey(~uint64_t{0})] = "\3";
  for (const char* form : {"jsonl", "kv.bin"}) {
    const std::string out = std::string("out.") + form;
    ASSERT_EQ(Ask("SELECT actorkv_export('a', '$DIR/" + out + "', '" + form +
                  "', 'head', 0, 'tables') > 0"),
              "1");
    EXPECT_EQ(WithoutDatabase(PairsOf(File(out))), expected);
  }
  ASSERT_EQ(Ask("SELECT actorkv_import('b', '$DIR/out.jsonl') > 0"), "1");
  EXPECT_EQ(Rows("b"), "1,2,3,4");
  EXPECT_EQ(ActorQuery("b", "SELECT count(*) FROM sqlite_schema"), "1");
  // The pairs in the store are what they were.
  EXPECT_EQ(Ask("SELECT hex(value) FROM actorkv_kv WHERE actor = 'a' AND key "
                "= x'0461'"),
            Hex("user"));
}

TEST_F(RivetTablesTest, RowsThatAreNoPairsAreNamed) {
  MakeLegacy("a", {{"\1", "state"}, {Unhex("0461"), "user"}});
  Ask("SELECT actorkv_migrate('a', 'tables')");
  const struct {
    const char* sql;
    const char* text;
  } kCases[] = {
      {"INSERT INTO _actorkv_kv VALUES(7, x'00')",
       "_actorkv_kv has a key that is neither blob nor text: key='7'"},
      {"INSERT INTO _actorkv_kv VALUES(x'62', NULL)",
       "_actorkv_kv has a value that is neither blob nor text: key='b'"},
      {"INSERT INTO _actorkv_kv VALUES('a', x'00')", "the key comes twice"},
      {"INSERT INTO _actorkv_workflow VALUES(x'ff', x'00')",
       "_actorkv_workflow has a key that is none of this table"},
      {"INSERT INTO _actorkv_connections VALUES(x'', x'00')",
       "_actorkv_connections has a key that is none of this table"},
      {"INSERT INTO _actorkv_meta VALUES(x'0461', x'00')",
       "_actorkv_meta has a key that is none of this table"},
      {"INSERT INTO _actorkv_meta VALUES(x'08010000', x'00')",
       "_actorkv_meta has a key that is none of this table"},
      {"INSERT INTO _actorkv_kv VALUES(x'62', zeroblob(131073))",
       "a value of 131073 bytes is larger"},
      {"INSERT INTO _actorkv_kv VALUES(zeroblob(2048), x'')",
       "a key of 2049 bytes is larger"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.sql);
    Write("a", c.sql);
    const std::string answer = Export("a", "out.jsonl", "tables");
    EXPECT_NE(answer.find(c.text), std::string::npos) << answer;
    const std::string undone = Ask("SELECT actorkv_unmigrate('a', 'tables')");
    EXPECT_NE(undone.find("actorkv_export(actor, path)"), std::string::npos)
        << undone;
    EXPECT_EQ(StateOf("a"), "live");
    EXPECT_EQ(Ask("SELECT actorkv_restore('a', '-1 commit') > 0"), "1");
  }
  EXPECT_EQ(Listing().find("out.jsonl"), std::string::npos);
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
}

// ---- Back, with what was written -------------------------------------------

TEST_F(RivetTablesTest, UnmigrateTakesLaterWritesAlong) {
  const Pairs more = {{"\1", "state"}, {Unhex("0461"), "user"}};
  for (const char* option : {"tables", "rivet-tables"}) {
    SCOPED_TRACE(option);
    const std::string actor = std::string("actor-") + option;
    const bool rivet = std::string(option) == "rivet-tables";
    Pairs pairs = more;
    if (rivet) pairs["\1"] = EncodePersist(PersistedActor{});
    MakeLegacy(actor, pairs);
    Ask("SELECT actorkv_migrate('" + actor + "', '" + option + "')");
    Write(actor, rivet ? "INSERT INTO t VALUES(4); UPDATE _rivet_user_kv SET "
                         "value = x'6e6577'"
                       : "INSERT INTO t VALUES(4); UPDATE _actorkv_kv SET "
                         "value = x'6e6577'");
    const std::string refused =
        Ask("SELECT actorkv_unmigrate('" + actor + "')");
    EXPECT_NE(refused.find("actorkv_unmigrate(actor, 'tables')"),
              std::string::npos);
    EXPECT_NE(refused.find("actorkv_export(actor, path)"), std::string::npos);
    EXPECT_EQ(
        Ask("SELECT actorkv_unmigrate('" + actor + "', '" + option + "')"),
        "legacy");
    EXPECT_EQ(StateOf(actor), "legacy");
    EXPECT_EQ(Ask("SELECT form FROM actorkv_migrations WHERE actor = '" +
                  actor + "'"),
              "tables");
    EXPECT_EQ(Ask("SELECT CAST(value AS TEXT) FROM actorkv_kv WHERE actor = '" +
                  actor + "' AND key = x'0461'"),
              "new");
    EXPECT_EQ(Rows(actor, "&mode=ro"), "1,2,3,4");
    EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify('" + actor + "')"), "0");
    // And once more, with nothing lost.
    EXPECT_EQ(Ask("SELECT actorkv_migrate('" + actor + "', '" + option + "')"),
              "live");
    EXPECT_EQ(Rows(actor), "1,2,3,4");
    EXPECT_EQ(ActorQuery(actor, rivet ? "SELECT hex(value) FROM _rivet_user_kv"
                                      : "SELECT hex(value) FROM _actorkv_kv"),
              "6E6577");
  }
}

TEST_F(RivetTablesTest, ReplacedPairsLeaveTheStore) {
  MakeLegacy("a", {{Unhex("0461"), "user"}});
  Ask("SELECT actorkv_migrate('a', 'tables')");
  EXPECT_EQ(Ask("SELECT actorkv_unmigrate('a', 'tables')"), "legacy");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
  // Nothing of an import is left, once the background was here.
  MaintainStore(File("store"));
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_dump WHERE key LIKE 'import%'"),
            "0");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_kv WHERE key = x'0461'"), "1");
}

TEST_F(RivetTablesTest, UnmigrateToTablesIsRefusedWhileTheActorIsOpen) {
  MakeLegacy("a", {{Unhex("0461"), "user"}});
  Ask("SELECT actorkv_migrate('a', 'tables')");
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.QueryText("SELECT count(*) FROM t"), "3");
  ExpectBad({{"SELECT actorkv_unmigrate('a', 'tables')", SQLITE_BUSY, ""}});
  EXPECT_EQ(StateOf("a"), "live");
  db.Close();
  ExpectInterrupted("actorkv_unmigrate('a', 'tables')");
  EXPECT_EQ(StateOf("a"), "live");
  EXPECT_EQ(Ask("SELECT actorkv_unmigrate('a', 'tables')"), "legacy");
}

}  // namespace
}  // namespace actorkv
