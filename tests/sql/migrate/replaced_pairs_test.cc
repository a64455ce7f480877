// Pairs that were made anew in the place of others: beside dropped ones, forks
// and the past of the actor.

#include "tests/support/bytes.h"
#include "tests/support/dump_loader.h"
#include "tests/support/rivet_tables_harness.h"
#include "tests/support/store_upkeep.h"

namespace actorkv {
namespace {

// The pairs of the database were dropped, those beside it were not.
TEST_F(RivetTablesTest, UnmigrateToTablesMakesDroppedPairsAnew) {
  MakeLegacy("a", {{Unhex("0461"), "user"}, {Unhex("ff01"), "unknown"}});
  Ask("SELECT actorkv_migrate('a', 'tables')");
  EXPECT_EQ(Ask("SELECT actorkv_drop_legacy('a') > 0"), "1");
  Write("a", "INSERT INTO t VALUES(4); DROP TABLE _actorkv_meta");
  EXPECT_EQ(Ask("SELECT actorkv_unmigrate('a', 'tables')"), "legacy");
  EXPECT_EQ(Rows("a", "&mode=ro"), "1,2,3,4");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
  ASSERT_EQ(Ask("SELECT actorkv_export('a', '$DIR/a.jsonl', 'jsonl') > 0"),
            "1");
  EXPECT_EQ(WithoutDatabase(PairsOf(File("a.jsonl"))),
            (Pairs{{Unhex("0461"), "user"}, {Unhex("ff01"), "unknown"}}));
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a', 'tables')"), "live");
  EXPECT_EQ(Ask("SELECT actorkv_drop_legacy('a') > 0"), "1");
  EXPECT_EQ(Rows("a"), "1,2,3,4");
}

// What was made of the actor before its pairs were replaced, a fork and its own
// past, has its pages, and nothing of the pairs that went.
TEST_F(RivetTablesTest, ForksAndThePastOutliveReplacedPairs) {
  MakeLegacy("a", {{Unhex("0461"), "user"}});
  Ask("SELECT actorkv_migrate('a', 'tables')");
  Write("a", "INSERT INTO t VALUES(4)");
  const std::string past =
      Ask("SELECT head_txid FROM actorkv_actors WHERE actor = 'a'");
  Write("a", "INSERT INTO t VALUES(5); UPDATE _actorkv_kv SET value = x'31'");
  EXPECT_EQ(Ask("SELECT actorkv_fork('a', 'fork') > 0"), "1");
  EXPECT_EQ(Ask("SELECT actorkv_restore('a', '" + past + "') > 0"), "1");
  Write("a", "UPDATE _actorkv_kv SET value = x'32'");
  EXPECT_EQ(Ask("SELECT actorkv_unmigrate('a', 'tables')"), "legacy");
  for (const std::string& call :
       {std::string("undo_restore('a')"), "restore('a', '" + past + "')"}) {
    EXPECT_EQ(Ask("SELECT actorkv_" + call).find("error: "), 0U) << call;
  }
  const std::string pair =
      "SELECT CAST(value AS TEXT) FROM actorkv_kv WHERE namespace = 'user'";
  for (const char* state : {"legacy", "live"}) {
    SCOPED_TRACE(state);
    EXPECT_EQ(StateOf("a"), state);
    MaintainStore(File("store"));
    EXPECT_EQ(Ask(pair), "2");
    EXPECT_EQ(Rows("a", "&mode=ro"), "1,2,3,4");
    EXPECT_EQ(Rows("fork"), "1,2,3,4,5");
    EXPECT_EQ(ActorQuery("fork", "SELECT CAST(value AS TEXT) FROM _actorkv_kv"),
              "1");
    EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
    EXPECT_EQ(Ask("SELECT actorkv_migrate('a', 'tables')"), "live");
  }
  EXPECT_EQ(Rows("a", "&asof=" + past), "1,2,3,4");
  EXPECT_EQ(Ask("SELECT actorkv_restore('a', '" + past + "') > 0"), "1");
  EXPECT_EQ(ActorQuery("a", "SELECT CAST(value AS TEXT) FROM _actorkv_kv"),
            "user");
  EXPECT_EQ(Ask(pair), "2") << "the pairs are those of the last way back";
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
}

}  // namespace
}  // namespace actorkv
