// What people see of pairs and of rows alike: pairs, messages, workflows.

#include "kv/rivet/actor_persist.h"
#include "tests/support/bytes.h"
#include "tests/support/dump_loader.h"
#include "tests/support/rivet_tables_harness.h"

namespace actorkv {
namespace {

TEST_F(RivetTablesTest, KvShowsRowsAndPairsAlike) {
  ImportSample("pairs", "upgrade-notes.jsonl.gz");
  ImportSample("rows", "upgrade-notes.db");
  const std::string columns =
      "SELECT namespace, hex(key), layout, conflict FROM actorkv_kv WHERE "
      "namespace NOT LIKE 'sqlite%' AND namespace <> 'alarm' AND actor = ";
  EXPECT_EQ(Ask(columns + "'rows'"), Ask(columns + "'pairs'"));
  EXPECT_EQ(Ask("SELECT DISTINCT actor, source FROM actorkv_kv"),
            "pairs|pairs\nrows|rivet-tables");
  EXPECT_EQ(
      Ask("SELECT lower(hex(value)) FROM actorkv_kv WHERE actor = 'rows' AND "
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
