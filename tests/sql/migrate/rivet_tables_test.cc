// Pairs as Rivet's tables and back: as Rivet itself moved them, and what has no
// place on one side.

#include <map>

#include "kv/rivet/actor_persist.h"
#include "tests/support/bytes.h"
#include "tests/support/dump_loader.h"
#include "tests/support/rivet_tables_harness.h"

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
    // The pages differ in what is free.
    EXPECT_EQ(WithoutDatabase(PairsOf(File("again.jsonl"))),
              WithoutDatabase(PairsOf(File("pairs.jsonl"))));
    const std::string schema =
        "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE '\\_rivet%' "
        "ESCAPE '\\' ORDER BY name";
    EXPECT_EQ(ActorQuery("b", schema), ActorQuery("a", schema));
    EXPECT_EQ(ActorQuery("b", "SELECT id, body, at FROM note"),
              ActorQuery("a", "SELECT id, body, at FROM note"));
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
  EXPECT_NE(Ask("SELECT actorkv_migrate('b', 'rivet-tables')")
                .find("has no legacy pairs"),
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

// What only looks like Rivet's is named where it is asked for, and does not
// stand in the way of other actors.
TEST_F(RivetTablesTest, TablesOfAnotherShapeAreNone) {
  const struct {
    const char* sql;
    const char* text;
  } kCases[] = {
      {"DROP TABLE _rivet_queue; CREATE TABLE _rivet_queue(id INTEGER PRIMARY "
       "KEY, name TEXT NOT NULL, body BLOB NOT NULL, created_at INTEGER NOT "
       "NULL, ray_id TEXT, traceparent TEXT, tracestate TEXT);"
       "INSERT INTO _rivet_queue VALUES(1, x'00', 'text', 1.5, 1, 2, 3)",
       "or are not STRICT: there is _rivet_runtime.id"},
      {"DROP TABLE _rivet_user_kv; CREATE TABLE _rivet_user_kv(key BLOB "
       "PRIMARY "
       "KEY, value BLOB) STRICT; INSERT INTO _rivet_user_kv VALUES(x'04', "
       "NULL)",
       "there is _rivet_user_kv.value BLOB where _rivet_user_kv.value BLOB NOT "
       "NULL is expected"},
      {"DROP TABLE _rivet_wf_kv; CREATE TABLE _rivet_wf_kv(key ANY PRIMARY "
       "KEY, "
       "value ANY NOT NULL) STRICT, WITHOUT ROWID; INSERT INTO _rivet_wf_kv "
       "VALUES(1, 'text')",
       "there is _rivet_wf_kv.key ANY"},
      {"ALTER TABLE _rivet_conns ADD COLUMN more TEXT",
       "there is _rivet_conns.more TEXT where"},
      {"ALTER TABLE _rivet_actor DROP COLUMN input",
       "where _rivet_actor.input BLOB is expected"},
      {"UPDATE _rivet_meta SET value = x'0100000000000000' WHERE key = "
       "'schema_version'",
       "those of schema version 1"},
      {"UPDATE _rivet_meta SET value = x'02' WHERE key = 'schema_version'",
       "schema version 0"},
      {"CREATE TABLE _rivet_new(x)", "a table of Rivet's that is not known"},
      {"DROP TABLE _rivet_meta; CREATE TABLE _rivet_meta(x)", "no such column"},
  };
  MakeLegacy("other", {{Unhex("0461"), "user"}});
  ImportSample("a", "tables-2.3.19.db");
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.sql);
    Write("a", std::string("BEGIN;") + c.sql + ";COMMIT");
    const std::string answer = Export("a", "out.jsonl", "rivet-tables");
    EXPECT_NE(answer.find(c.text), std::string::npos) << answer;
    EXPECT_EQ(Listing().find("out.jsonl"), std::string::npos);
    EXPECT_EQ(Ask("SELECT actor, CAST(value AS TEXT) FROM actorkv_kv WHERE "
                  "namespace NOT LIKE 'sqlite%'"),
              "other|user");
    EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_queue"), "0");
    EXPECT_EQ(Ask("SELECT actorkv_restore('a', '-1 commit') > 0"), "1");
  }
  EXPECT_EQ(Export("a", "out.jsonl", "rivet-tables"), "1");
}

// Rows that Rivet would not write, and that its tables can hold.
TEST_F(RivetTablesTest, RowsOfAnotherShapeAreNamed) {
  const struct {
    const char* sql;
    const char* text;
  } kCases[] = {
      {"UPDATE _rivet_conns SET request_headers = x'a1'",
       "request_headers of _rivet_conns are no map of texts: conn_id="},
      {"UPDATE _rivet_conn_state SET subscriptions = x'9b00ffffffffffffff'",
       "subscriptions of _rivet_conn_state are no array of texts: conn_id="},
      {"UPDATE _rivet_conns SET gateway_id = x'00'", "_rivet_conns "},
      {"UPDATE _rivet_conn_state SET server_message_index = 65536",
       "_rivet_conns "},
      {"DELETE FROM _rivet_conns", "_rivet_conn_state "},
      {"UPDATE _rivet_queue SET id = -1 WHERE id = 1", "_rivet_queue -1 ("},
      {"DELETE FROM _rivet_actor", "_rivet_actor_state 1 ("},
      {"UPDATE _rivet_actor SET has_initialized = 2", "_rivet_actor 1 ("},
      {"INSERT INTO _rivet_meta VALUES('later', x'00')",
       "_rivet_meta later (1 bytes)"},
  };
  ImportSample("a", "tables-2.3.19.db");
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.sql);
    Write("a", std::string("BEGIN;") + c.sql + ";COMMIT");
    const std::string answer = Export("a", "out.jsonl", "rivet-tables");
    EXPECT_NE(answer.find(c.text), std::string::npos) << answer;
    EXPECT_EQ(Listing().find("out.jsonl"), std::string::npos);
    EXPECT_EQ(Ask("SELECT actorkv_restore('a', '-1 commit') > 0"), "1");
  }
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

}  // namespace
}  // namespace actorkv
