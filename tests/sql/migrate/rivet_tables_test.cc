// Pairs as Rivet's tables and back: as Rivet itself moved them, what has no
// place on one side, rows that flow back, and what people see of both.

#include <map>

#include "kv/rivet/actor_persist.h"
#include "kv/rivet/container.h"
#include "tests/support/bytes.h"
#include "tests/support/migrate_harness.h"
#include "tests/support/pair_files.h"

namespace actorkv {
namespace {

// What the tables have that both sides write. Rivet adds columns in version 2,
// and its alarm once the actor is awake.
const char* const kTableQueries[] = {
    "SELECT id, inspector_token, queue_next_id FROM _rivet_runtime",
    "SELECT id, has_initialized, hex(input) FROM _rivet_actor",
    "SELECT id, hex(state) FROM _rivet_actor_state",
    "SELECT event_id, trigger_at, action, hex(args), kind, cron_expression, "
    "timezone, interval_ms, last_started_at, max_history FROM "
    "_rivet_schedule_events",
    "SELECT count(*) FROM _rivet_schedule_history",
    "SELECT conn_id, hex(parameters), hex(gateway_id), hex(request_id), "
    "request_path, length(request_headers) FROM _rivet_conns",
    "SELECT conn_id, hex(state), server_message_index, client_message_index, "
    "hex(subscriptions) FROM _rivet_conn_state",
    "SELECT id, name, hex(body), created_at FROM _rivet_queue",
    "SELECT hex(key), hex(value) FROM _rivet_wf_kv",
    "SELECT hex(key), hex(value) FROM _rivet_user_kv",
    "SELECT key, hex(value) FROM _rivet_meta WHERE key = 'kv_import_state'",
};

class RivetTablesTest : public MigrateTest {
 protected:
  void ImportSample(const std::string& actor, const std::string& name) {
    const std::string copy = actor + "." + name;
    WriteFile(copy, FileContents(Sample(name)));
    ASSERT_EQ(
        Ask("SELECT actorkv_import('" + actor + "', '$DIR/" + copy + "') >= 0"),
        "1");
  }

  std::string Query(const std::string& name, const std::string& sql) {
    SqliteDb db;
    EXPECT_EQ(db.Open(name), SQLITE_OK);
    return db.QueryText(sql);
  }

  std::string ActorQuery(const std::string& actor, const std::string& sql) {
    return Query(Uri(actor), sql);
  }

  std::string Export(const std::string& actor, const std::string& file,
                     const std::string& option) {
    return Ask("SELECT actorkv_export('" + actor + "', '$DIR/" + file +
               "', 'jsonl', 'head', 1, '" + option + "') > 0");
  }

  Pairs PairsOf(const std::string& path) {
    std::unique_ptr<PairSource> source;
    std::vector<Pair> pairs;
    EXPECT_OK(OpenDump(path, &source));
    EXPECT_OK(ReadAllPairs(source.get(), &pairs));
    return {pairs.begin(), pairs.end()};
  }

  static Pairs WithoutDatabase(Pairs pairs) {
    for (auto it = pairs.begin(); it != pairs.end();) {
      it = it->first[0] == '\x08' ? pairs.erase(it) : std::next(it);
    }
    return pairs;
  }
};

// The same actor as Rivet 2.3.19 upgraded it itself.
TEST_F(RivetTablesTest, RowsAreThoseOfRivetsOwnUpgrade) {
  for (const char* name : {"notes", "flow"}) {
    SCOPED_TRACE(name);
    const std::string sample = std::string("upgrade-") + name;
    ImportSample(name, sample + ".jsonl.gz");
    EXPECT_EQ(Ask("SELECT actorkv_migrate('" + std::string(name) +
                  "', 'rivet-tables')"),
              "live");
    WriteFile("rivet.db", FileContents(Sample(sample + ".db")));
    for (const char* sql : kTableQueries) {
      EXPECT_EQ(ActorQuery(name, sql), Query(File("rivet.db"), sql)) << sql;
    }
    EXPECT_EQ(ActorQuery(name,
                         "SELECT hex(value) FROM _rivet_meta WHERE key "
                         "= 'schema_version'"),
              "0100000000000000");
    // Headers come in any order.
    const std::string headers =
        "SELECT count(*), sum(length(request_headers)) FROM _rivet_conns";
    EXPECT_EQ(ActorQuery(name, headers), Query(File("rivet.db"), headers));
  }
  EXPECT_EQ(ActorQuery("notes", "PRAGMA integrity_check"), "ok");
  // A second call leaves them as they are, and going back is no loss.
  Write("notes", "UPDATE _rivet_user_kv SET value = x'00'");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('flow', 'rivet-tables')"), "live");
  EXPECT_EQ(Ask("SELECT actorkv_unmigrate('flow')"), "legacy");
}

TEST_F(RivetTablesTest, TablesAndBackIsThePairs) {
  for (const char* name : {"notes", "flow"}) {
    SCOPED_TRACE(name);
    ImportSample(name, std::string("upgrade-") + name + ".jsonl.gz");
    const Pairs before =
        PairsOf(Sample(std::string("upgrade-") + name + ".jsonl.gz"));
    Ask("SELECT actorkv_migrate('" + std::string(name) + "', 'rivet-tables')");
    ASSERT_EQ(Export(name, "out.jsonl", "rivet-tables"), "1");
    EXPECT_EQ(WithoutDatabase(PairsOf(File("out.jsonl"))),
              WithoutDatabase(before));
    // The tables are not in the database of the export.
    EXPECT_EQ(Ask("SELECT actorkv_import('again', '$DIR/out.jsonl') >= 0"),
              "1");
    EXPECT_EQ(ActorQuery("again",
                         "SELECT count(*) FROM sqlite_schema WHERE name LIKE "
                         "'\\_rivet%' ESCAPE '\\'"),
              "0");
    EXPECT_EQ(Ask("SELECT actorkv_purge('again') > 0"), "1");
    // An export that asks for nothing has the pairs as they came, and not both.
    EXPECT_EQ(Ask("SELECT actorkv_export('" + std::string(name) +
                  "', '$DIR/out.jsonl', 'jsonl', 'head', 1) > 0"),
              "1");
    EXPECT_EQ(WithoutDatabase(PairsOf(File("out.jsonl"))),
              WithoutDatabase(before));
  }
}

// Plain files as depot doctor writes them, as pairs, and as tables once more.
TEST_F(RivetTablesTest, APlainFileGoesThereAndBack) {
  for (const char* name : {"tables-2.3.19", "tables-2.3.19-workflow"}) {
    SCOPED_TRACE(name);
    ImportSample("a", std::string(name) + ".db");
    EXPECT_EQ(StateOf("a"), "live");
    ASSERT_EQ(Export("a", "pairs.jsonl", "rivet-tables"), "1");
    ASSERT_EQ(Ask("SELECT actorkv_import('b', '$DIR/pairs.jsonl') >= 0"), "1");
    ASSERT_EQ(Ask("SELECT actorkv_migrate('b', 'rivet-tables')"), "live");
    for (const char* sql : kTableQueries) {
      EXPECT_EQ(ActorQuery("b", sql), ActorQuery("a", sql)) << sql;
    }
    EXPECT_EQ(ActorQuery("b", "SELECT last_pushed_alarm FROM _rivet_runtime"),
              ActorQuery("a", "SELECT last_pushed_alarm FROM _rivet_runtime"));
    ASSERT_EQ(Export("b", "again.jsonl", "rivet-tables"), "1");
    EXPECT_EQ(PairsOf(File("again.jsonl")), PairsOf(File("pairs.jsonl")));
    Ask("SELECT actorkv_purge('a')");
    Ask("SELECT actorkv_purge('b')");
  }
}

TEST_F(RivetTablesTest, WhatNoPairCanHoldIsNamed) {
  ImportSample("s", "tables-2.3.19-schedules.db");
  const std::string answer = Export("s", "out.jsonl", "rivet-tables");
  EXPECT_NE(answer.find("_rivet_schedule_events cron:beat ("),
            std::string::npos)
      << answer;
  EXPECT_NE(answer.find("_rivet_schedule_history 1 ("), std::string::npos)
      << answer;
  EXPECT_EQ(Listing().find("out.jsonl"), std::string::npos);
  EXPECT_EQ(Ask("SELECT CAST(key AS TEXT) FROM actorkv_kv WHERE namespace = "
                "'no_pair' AND CAST(key AS TEXT) LIKE '%events%'"),
            "_rivet_schedule_events cron:beat\n"
            "_rivet_schedule_events cron:nightly\n"
            "_rivet_schedule_events cron:oops");
  Write("s",
        "DELETE FROM _rivet_schedule_events WHERE kind <> 0;"
        "DELETE FROM _rivet_schedule_history;");
  EXPECT_EQ(Export("s", "out.jsonl", "rivet-tables"), "1");
  Write("s",
        "INSERT INTO _rivet_user_kv VALUES(x'7261', x'01');"
        "INSERT INTO _rivet_wf_kv VALUES(x'0701', x'0102');"
        "INSERT INTO _rivet_meta VALUES('run_wake_at', "
        "x'0100010500000000000000');"
        "UPDATE _rivet_schedule_events SET ray_id = 'r';");
  const std::string named = Export("s", "out2.jsonl", "rivet-tables");
  for (const char* part :
       {"4 rows of Rivet's tables", "_rivet_user_kv 7261 (1 bytes)",
        "_rivet_wf_kv 0701 (2 bytes)", "_rivet_meta run_wake_at (11 bytes)",
        "_rivet_schedule_events 48367951"}) {
    EXPECT_NE(named.find(part), std::string::npos) << part << " in " << named;
  }
}

TEST_F(RivetTablesTest, LimitsOfPairsAreNamed) {
  ImportSample("a", "tables-2.3.19.db");
  Write("a",
        "INSERT INTO _rivet_wf_kv VALUES(x'0601150114', zeroblob(131073));");
  const std::string answer = Export("a", "out.jsonl", "rivet-tables");
  EXPECT_NE(answer.find("key=0601150114: a value of 131073 bytes"),
            std::string::npos)
      << answer;
  EXPECT_EQ(Listing().find("out.jsonl"), std::string::npos);
}

TEST_F(RivetTablesTest, WhatRowsCannotHoldRefusesThePairs) {
  QueueMessage message;
  message.name = "n";
  message.failure_count = 1;
  MakeLegacy("retry", {{QueueMessageKey(1), EncodePersist(message)}});
  MakeLegacy("state", {{std::string(kStateKey), "not a state"}});
  MakeLegacy("large_id", {{Unhex("050102ffffffffffffffff"),
                           EncodePersist(QueueMessage{})}});
  for (const auto& [actor, text] :
       std::map<std::string, std::string>{{"retry", "a message with retries"},
                                          {"state", "key=01: "},
                                          {"large_id", "more than 63 bits"}}) {
    const std::string answer =
        Ask("SELECT actorkv_migrate('" + actor + "', 'rivet-tables')");
    EXPECT_NE(answer.find(text), std::string::npos) << answer;
    // The migration stands; the tables are there as a whole or not at all.
    EXPECT_EQ(StateOf(actor), "live");
    EXPECT_EQ(ActorQuery(actor,
                         "SELECT count(*) FROM sqlite_schema WHERE name LIKE "
                         "'\\_rivet%' ESCAPE '\\'"),
              "0");
    EXPECT_EQ(Ask("SELECT actorkv_unmigrate('" + actor + "')"), "legacy");
  }
}

TEST_F(RivetTablesTest, PairsWithoutAPlaceStayAndAreTold) {
  const Pairs more = {{Unhex("07011501"), "trace"},
                      {Unhex("ff"), "unknown"},
                      {Unhex("0461"), "user"}};
  MakeLegacy("a", more);
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a', 'rivet-tables')"), "live");
  EXPECT_EQ(Ask("SELECT instr(error, 'traces have no place in Rivet') > 0 AND "
                "instr(error, '07011501') > 0 FROM actorkv_migrations"),
            "1");
  Write("a", "INSERT INTO _rivet_user_kv VALUES(x'0462', x'31')");
  ASSERT_EQ(Export("a", "out.jsonl", "rivet-tables"), "1");
  Pairs expected = more;
  expected[Unhex("0462")] = "1";
  EXPECT_EQ(WithoutDatabase(PairsOf(File("out.jsonl"))), expected);
}

TEST_F(RivetTablesTest, TablesOfRivetsOwnAreLeftAlone) {
  MakeLegacyOf("a", "CREATE TABLE _rivet_meta(key TEXT PRIMARY KEY, value)",
               {{"\1", "x"}});
  EXPECT_NE(Ask("SELECT actorkv_migrate('a', 'rivet-tables')")
                .find("has some of Rivet's tables, and not all: 1 of 11"),
            std::string::npos);
  ImportSample("b", "tables-2.3.19.db");
  EXPECT_NE(
      Ask("SELECT actorkv_migrate('b', 'rivet-tables')").find("never had"),
      std::string::npos)
      << Ask("SELECT actorkv_migrate('b', 'rivet-tables')");
  Write("b",
        "UPDATE _rivet_meta SET value = CAST('importing' AS BLOB) WHERE "
        "key = 'kv_import_state'");
  EXPECT_NE(Export("b", "o.jsonl", "rivet-tables").find("has not finished"),
            std::string::npos);
  Write("b",
        "UPDATE _rivet_meta SET value = x'0300000000000000' WHERE key = "
        "'schema_version'");
  EXPECT_NE(Export("b", "o.jsonl", "rivet-tables").find("schema version 3"),
            std::string::npos);
}

TEST_F(RivetTablesTest, OptionsAreWordsForFormsOfPairs) {
  MakeLegacy("a");
  ExpectBad({
      {"SELECT actorkv_export('a', '$DIR/x', 'jsonl', 'head', 0, 'tables')",
       SQLITE_ERROR, "the actor is legacy, and has no tables"},
      {"SELECT actorkv_export('a', '$DIR/x', 'db', 'head', 0, 'tables')",
       SQLITE_ERROR, "a plain file has all tables"},
      {"SELECT actorkv_export('a', '$DIR/x', 'jsonl', 'head', 0, 'rows')",
       SQLITE_ERROR, "no option 'rows'"},
      {"SELECT actorkv_migrate('a', 'discard')", SQLITE_ERROR,
       "no option 'discard': it is 'tables', 'rivet-tables' or left out"},
      {"SELECT actorkv_unmigrate('a', 'rows')", SQLITE_ERROR,
       "no option 'rows': it is 'discard', 'tables', 'rivet-tables'"},
  });
  Ask("SELECT actorkv_migrate('a')");
  ExpectBad({
      {"SELECT actorkv_export('a', '$DIR/x', 'jsonl', 'head', 0, 'tables')",
       SQLITE_ERROR, "there is none of the tables _actorkv_"},
      {"SELECT actorkv_export('a', '$DIR/x', 'jsonl', 'head', 0, "
       "'rivet-tables')",
       SQLITE_ERROR, "there is none of Rivet's tables"},
  });
}

// ---- Rows of _actorkv_... flow back ----------------------------------------

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
  // Nothing of an import is left, once the background was here.
  const std::shared_ptr<Store> store = OpenStore();
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
  for (int i = 0; i < 100; ++i) {
    if (Ask("SELECT count(*) FROM actorkv_dump WHERE key LIKE 'import%'") ==
        "0") {
      break;
    }
    sqlite3_sleep(50);
  }
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

// ---- What people see -------------------------------------------------------

TEST_F(RivetTablesTest, KvShowsRowsAndPairsAlike) {
  ImportSample("pairs", "upgrade-notes.jsonl.gz");
  ImportSample("rows", "upgrade-notes.db");
  const std::string columns =
      "SELECT namespace, hex(key), layout, conflict FROM actorkv_kv WHERE "
      "namespace NOT LIKE 'sqlite%' AND namespace <> 'alarm' AND actor = ";
  EXPECT_EQ(Ask(columns + "'rows'"), Ask(columns + "'pairs'"));
  EXPECT_EQ(Ask("SELECT DISTINCT actor, source FROM actorkv_kv"),
            "pairs|pairs\nrows|rivet-tables");
  EXPECT_EQ(Ask("SELECT hex(value) FROM actorkv_kv WHERE actor = 'rows' AND "
                "namespace = 'alarm'"),
            Hex(EncodeAlarm(1796111488435)));
}

TEST_F(RivetTablesTest, MessagesHaveTheirFields) {
  ImportSample("pairs", "upgrade-notes.jsonl.gz");
  ImportSample("rows", "upgrade-notes.db");
  const std::string columns =
      "SELECT id, name, hex(body), created_at_ms, failure_count, error FROM "
      "actorkv_queue WHERE actor = ";
  const std::string expected =
      "1|jobs|B90002626964016474657874656669727374|1796025088559||\n"
      "2|mail|83617802F6|1796025088630||\n"
      "3|jobs|B9000162696402|1796025088707||";
  EXPECT_EQ(Ask(columns + "'pairs'"), expected);
  EXPECT_EQ(Ask(columns + "'rows'"), expected);
  QueueMessage message;
  message.name = "n";
  message.failure_count = 2;
  message.in_flight = true;
  message.in_flight_at_ms = 5;
  // Of layout 0, and one that is none.
  MakeLegacy("old", {{Unhex("050000000000000007"), EncodePersist(message)},
                     {QueueMessageKey(8), "no message"}});
  EXPECT_EQ(Ask("SELECT id, name, failure_count, in_flight, in_flight_at_ms, "
                "error IS NULL FROM actorkv_queue WHERE actor = 'old'"),
            "7|n|2|1|5|1\n8|||||0");
}

TEST_F(RivetTablesTest, WorkflowsHaveTheirSteps) {
  ImportSample("pairs", "upgrade-flow.jsonl.gz");
  ImportSample("rows", "upgrade-flow.db");
  const std::string columns =
      "SELECT part, location, entry_id, name, kind, status, attempts, error "
      "FROM actorkv_workflow WHERE actor = ";
  const std::string pairs = Ask(columns + "'pairs'");
  EXPECT_EQ(Ask(columns + "'rows'"), pairs);
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_workflow WHERE actor = 'pairs' "
                "AND part = 'unknown'"),
            "0");
  EXPECT_EQ(Ask("SELECT count(*) > 3 FROM actorkv_workflow WHERE actor = "
                "'pairs' AND kind = 'step' AND location LIKE '%/%'"),
            "1");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_workflow WHERE actor = 'pairs' "
                "AND location LIKE '%#%'"),
            "0");
  EXPECT_EQ(Ask("SELECT count(*) = count(created_at_ms) FROM actorkv_workflow "
                "WHERE actor = 'pairs' AND part = 'metadata'"),
            "1");
  MakeLegacy("bad", {{Unhex("0601150214"), "no entry"},
                     {Unhex("06011509"), "no part"}});
  EXPECT_EQ(Ask("SELECT part, location, error IS NULL FROM actorkv_workflow "
                "WHERE actor = 'bad'"),
            "history|#0|0\nunknown||1");
}

}  // namespace
}  // namespace actorkv
