// Rows of tables flow back: into exports, and into the actor's own pairs.

#include "kv/rivet/actor_persist.h"
#include "kv/rivet/kv_bin.h"
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

// ---- Opaque actors ---------------------------------------------------------

class OpaqueRowsTest : public RivetTablesTest {
 protected:
  void ImportOpaque(const std::string& actor, const Pairs& pairs) {
    std::string bytes;
    for (const auto& [key, value] : pairs) {
      bytes += EncodeKvBinEntry(key, value);
    }
    WriteFile(actor + ".kv.bin", bytes);
    ASSERT_EQ(Ask("SELECT actorkv_import('" + actor + "', '$DIR/" + actor +
                  ".kv.bin', 'opaque')"),
              "0");
  }

  // Imports keep what is above the limits while this is 1.
  void KeepOversized(int keep) {
    if (keep == 1) MakeActor("other");
    ASSERT_NE(Ask("SELECT actorkv_set('keep_oversized_pairs', " +
                  std::to_string(keep) + ")")
                  .substr(0, 5),
              "error");
  }

  // Both exports of the rows have exactly these pairs.
  void ExpectRowsGoOut(const std::string& actor, const Pairs& pairs) {
    for (const std::string form : {"jsonl", "kv.bin"}) {
      const std::string out = actor + ".out." + form;
      ASSERT_EQ(Ask("SELECT actorkv_export('" + actor + "', '$DIR/" + out +
                    "', '" + form + "', 'head', 1, 'tables') > 0"),
                "1");
      EXPECT_TRUE(PairsOf(File(out)) == pairs) << form;
    }
  }

  // The pairs that the actor has in the store.
  Pairs Stored(const std::string& actor) {
    Pairs pairs;
    SqliteStatement rows(
        db()->get(),
        "SELECT key, value FROM actorkv_kv WHERE actor = '" + actor + "'");
    while (rows.Step() == SQLITE_ROW) pairs[rows.Blob(0)] = rows.Blob(1);
    EXPECT_EQ(rows.code(), SQLITE_DONE) << db()->Error();
    return pairs;
  }

  std::string OversizedOf(const std::string& actor) {
    return Ask(
        "SELECT oversized_pairs FROM actorkv_migrations WHERE actor = '" +
        actor + "'");
  }

  void ExpectError(const std::string& sql, const std::string& text) {
    const std::string answer = Ask(sql);
    EXPECT_EQ(answer.substr(0, 5), "error") << answer;
    EXPECT_NE(answer.find(text), std::string::npos) << answer;
  }
};

TEST_F(OpaqueRowsTest, ChangedRowsGoOutAndBack) {
  const Pairs came = {{"", "empty key"},
                      {Unhex("01"), "state"},
                      {Unhex("08010000"), "no metadata"},
                      {"text", "1"}};
  ImportOpaque("a", came);
  ExpectError(
      "SELECT actorkv_export('a', '$DIR/no', 'jsonl', 'head', 0, 'tables')",
      "the actor is legacy, and has no tables");
  for (const std::string form : {"db", "salvage"}) {
    ExpectError("SELECT actorkv_export('a', '$DIR/no', '" + form +
                    "', 'head', 0, 'tables')",
                "'tables' is for the forms of pairs");
  }
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a', 'tables')"), "live");
  ExpectRowsGoOut("a", came);
  Write("a",
        "UPDATE _actorkv_kv SET value = 'new' WHERE key = x'01';"
        "DELETE FROM _actorkv_kv WHERE key = x'08010000';"
        "INSERT INTO _actorkv_kv VALUES('added', x'00ff'), (x'080200', x'');");
  Pairs expected = came;
  expected[Unhex("01")] = "new";
  expected.erase(Unhex("08010000"));
  expected["added"] = Unhex("00ff");
  expected[Unhex("080200")] = "";
  ExpectRowsGoOut("a", expected);
  // Without 'tables' it is what it was.
  ASSERT_EQ(Ask("SELECT actorkv_export('a', '$DIR/came.jsonl', 'jsonl') > 0"),
            "1");
  EXPECT_TRUE(PairsOf(File("came.jsonl")) == came);
  EXPECT_TRUE(Stored("a") == came);

  ExpectError("SELECT actorkv_unmigrate('a')",
              "the actor was written after its migration");
  EXPECT_EQ(Ask("SELECT actorkv_unmigrate('a', 'tables')"), "legacy");
  EXPECT_EQ(StateOf("a"), "legacy");
  EXPECT_TRUE(Stored("a") == expected);
  EXPECT_EQ(Ask("SELECT json_extract(record, '$.opaque', '$.form', "
                "'$.pair_count') FROM actorkv_dump('a', 'legacy')"),
            "[true,\"tables\",5]");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
  // And once more, from what the rows were.
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a', 'tables')"), "live");
  EXPECT_EQ(ActorQuery("a", "SELECT count(*) FROM _actorkv_kv"), "5");
  ExpectRowsGoOut("a", expected);
}

// Pairs hold no database, so one that is more than the tables stays.
TEST_F(OpaqueRowsTest, OtherTablesAreNotGivenUp) {
  ImportOpaque("a", {{"k", "v"}});
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a', 'tables')"), "live");
  Write("a",
        "CREATE TABLE mine(x); INSERT INTO mine VALUES(7);"
        "UPDATE _actorkv_kv SET value = 'new'");
  ExpectError("SELECT actorkv_unmigrate('a', 'tables')",
              "actor=a: it has more than the tables of its pairs, and opaque "
              "pairs hold no database; to keep all of it, SELECT "
              "actorkv_export(actor, path), then actorkv_unmigrate(actor, "
              "'discard')");
  EXPECT_EQ(StateOf("a"), "live");
  EXPECT_EQ(ActorQuery("a", "SELECT x FROM mine"), "7");
  EXPECT_TRUE(Stored("a") == (Pairs{{"k", "v"}}));
  ExpectRowsGoOut("a", {{"k", "new"}});
  Write("a", "DROP TABLE mine");
  EXPECT_EQ(Ask("SELECT actorkv_unmigrate('a', 'tables')"), "legacy");
  EXPECT_TRUE(Stored("a") == (Pairs{{"k", "new"}}));
}

TEST_F(OpaqueRowsTest, ATableOfOtherColumnsIsNoneOfOurs) {
  ImportOpaque("a", {{"k", "v"}});
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a', 'tables')"), "live");
  Write("a", "ALTER TABLE _actorkv_kv ADD COLUMN more");
  for (const char* sql :
       {"SELECT actorkv_unmigrate('a', 'tables')",
        "SELECT actorkv_export('a', '$DIR/x', 'jsonl', 'head', 0, 'tables')"}) {
    ExpectError(sql, "there is none of the tables _actorkv_...");
  }
  EXPECT_EQ(StateOf("a"), "live");
}

// ---- Above the limits ------------------------------------------------------

TEST_F(OpaqueRowsTest, AnOversizedRowGoesOutAndBack) {
  KeepOversized(1);
  Pairs pairs = {{"k", "small"}, {"large", std::string(131073, 'v')}};
  ImportOpaque("a", pairs);
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a', 'tables')"), "live");
  KeepOversized(0);
  Write("a",
        "UPDATE _actorkv_oversized SET value = zeroblob(200000);"
        "UPDATE _actorkv_kv SET value = zeroblob(140000) WHERE key = "
        "CAST('k' AS BLOB)");
  pairs["large"] = std::string(200000, '\0');
  pairs["k"] = std::string(140000, '\0');
  ExpectRowsGoOut("a", pairs);
  // An actor that had such pairs may have others.
  EXPECT_EQ(Ask("SELECT actorkv_unmigrate('a', 'tables')"), "legacy");
  EXPECT_TRUE(Stored("a") == pairs);
  EXPECT_EQ(OversizedOf("a"), "2");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a', 'tables')"), "live");
  EXPECT_EQ(ActorQuery("a",
                       "SELECT (SELECT count(*) FROM _actorkv_oversized), "
                       "(SELECT count(*) FROM _actorkv_kv)"),
            "2|0");
}

// Rivet takes none, but they come back to the store.
TEST_F(OpaqueRowsTest, AnOversizedRowOfRivets) {
  KeepOversized(1);
  MakeLegacy("a", {{Unhex("0401"), "small"},
                   {Unhex("0402"), std::string(131073, 'v')}});
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a', 'tables')"), "live");
  Write("a", "UPDATE _actorkv_oversized SET value = zeroblob(150000)");
  const std::string answer = Export("a", "out.jsonl", "tables");
  EXPECT_NE(answer.find("Rivet takes no such pair: key=0402: a value of 150000 "
                        "bytes is larger than the limit of 131072"),
            std::string::npos)
      << answer;
  EXPECT_EQ(Ask("SELECT actorkv_unmigrate('a', 'tables')"), "legacy");
  EXPECT_EQ(Ask("SELECT length(value) FROM actorkv_kv WHERE actor = 'a' AND "
                "key = x'0402'"),
            "150000");
  EXPECT_EQ(OversizedOf("a"), "1");
  EXPECT_EQ(Rows("a", "&mode=ro"), "1,2,3");
}

TEST_F(OpaqueRowsTest, AnOversizedRowThatShrankIsAPairLikeOthers) {
  KeepOversized(1);
  MakeLegacy("a", {{Unhex("0402"), std::string(131073, 'v')}});
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a', 'tables')"), "live");
  Write("a", "UPDATE _actorkv_oversized SET value = 'tiny'");
  ASSERT_EQ(Export("a", "out.jsonl", "tables"), "1");
  EXPECT_TRUE(WithoutDatabase(PairsOf(File("out.jsonl"))) ==
              (Pairs{{Unhex("0402"), "tiny"}}));
  EXPECT_EQ(Ask("SELECT actorkv_unmigrate('a', 'tables')"), "legacy");
  EXPECT_EQ(OversizedOf("a"), "0");
  EXPECT_EQ(Ask("SELECT error FROM actorkv_migrations WHERE actor = 'a'"), "");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a', 'tables')"), "live");
  EXPECT_EQ(ActorQuery("a", "SELECT hex(key), value FROM _actorkv_kv"),
            "02|tiny");
  EXPECT_EQ(ActorQuery("a",
                       "SELECT count(*) FROM sqlite_schema WHERE name = "
                       "'_actorkv_oversized'"),
            "0");
}

TEST_F(OpaqueRowsTest, AKeyInTwoTablesIsRefused) {
  KeepOversized(1);
  const std::string large(131073, 'v');
  MakeLegacy("rivets", {{Unhex("0401"), "small"}, {Unhex("0402"), large}});
  ImportOpaque("opaque", {{Unhex("0401"), "small"}, {Unhex("0402"), large}});
  for (const std::string actor : {"rivets", "opaque"}) {
    SCOPED_TRACE(actor);
    EXPECT_EQ(Ask("SELECT actorkv_migrate('" + actor + "', 'tables')"), "live");
    Write(actor, "INSERT INTO _actorkv_oversized VALUES(x'0401', 'twice')");
    const std::string text =
        "actor=" + actor + ": the key comes twice: key=0401";
    ExpectError("SELECT actorkv_export('" + actor +
                    "', '$DIR/x', 'jsonl', 'head', 0, 'tables')",
                "the key comes twice: key=0401");
    ExpectError("SELECT actorkv_unmigrate('" + actor + "', 'tables')", text);
    EXPECT_EQ(StateOf(actor), "live");
    EXPECT_EQ(Listing().find("x\n"), std::string::npos);
    Write(actor, "DELETE FROM _actorkv_oversized WHERE value = 'twice'");
    EXPECT_EQ(Ask("SELECT actorkv_unmigrate('" + actor + "', 'tables')"),
              "legacy");
  }
  // Of Rivet's pairs, keys of a database have no row.
  EXPECT_EQ(Ask("SELECT actorkv_migrate('rivets', 'tables')"), "live");
  Write("rivets", "INSERT INTO _actorkv_oversized VALUES(x'08010000', '')");
  ExpectError("SELECT actorkv_unmigrate('rivets', 'tables')",
              "_actorkv_oversized has a key that is none of this table");
}

}  // namespace
}  // namespace actorkv
