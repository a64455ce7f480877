// actorkv_info, actorkv_actors and actorkv_commits.

#include <unistd.h>

#include <fstream>

#include "sql/actors/known_bugs.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

using TablesTest = SqlTest;

TEST_F(TablesTest, InfoNamesVersionsStoreAndLimits) {
  MakeActor("alice");
  EXPECT_EQ(Ask("SELECT value FROM actorkv_info WHERE name = "
                "'actorkv_version'"),
            ACTORKV_VERSION);
  EXPECT_EQ(Ask("SELECT value = sqlite_version() FROM actorkv_info WHERE name "
                "= 'sqlite_version'"),
            "1");
  EXPECT_EQ(Ask("SELECT value = sqlite_source_id() FROM actorkv_info WHERE "
                "name = 'sqlite_source_id'"),
            "1");
  EXPECT_EQ(Ask("SELECT value LIKE '_%._%._%' FROM actorkv_info WHERE name = "
                "'rocksdb_version'"),
            "1");
  EXPECT_EQ(Ask("SELECT value FROM actorkv_info WHERE name = 'store'"),
            File("store"));
  EXPECT_EQ(Ask("SELECT value, unit, level, typeof(value) FROM actorkv_info "
                "WHERE name = 'max_actor_name_bytes'"),
            "255|bytes|info|integer");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_info WHERE level NOT IN "
                "('info', 'warning')"),
            "0");
}

TEST_F(TablesTest, InfoTellsOfRecordsThatCouldNotBeReplayed) {
  MakeActor("alice");
  const std::string name = "actorkv.stranded-000012.log-7";
  const auto ask = [&] {
    return Ask("SELECT count(*), max(value LIKE '%/" + name +
               "') FROM actorkv_info WHERE name = 'stranded_log_records' AND "
               "level = 'warning'");
  };
  EXPECT_EQ(ask(), "0|");
  std::ofstream(File("store") + "/" + name) << "record";
  EXPECT_EQ(ask(), "1|1");
}

TEST_F(TablesTest, InfoIsThereWithoutAStoreAndWithABadOne) {
  SqliteDb other;
  ASSERT_EQ(other.Open(":memory:"), SQLITE_OK);
  EXPECT_EQ(other.QueryText("SELECT value IS NULL, level FROM actorkv_info "
                            "WHERE name = 'store'"),
            "1|info");
  EXPECT_EQ(Ask("SELECT level, value FROM actorkv_info WHERE name = "
                "'store_error'")
                .substr(0, 18),
            "warning|not found:");
}

TEST_F(TablesTest, KnownBugsByVersion) {
  const struct {
    int version;
    size_t bugs;
  } kCases[] = {
      {3035004, 2}, {3035005, 1}, {3040001, 1}, {3044005, 1},
      {3044006, 0}, {3045000, 1}, {3050006, 1}, {3050007, 0},
      {3051000, 1}, {3051002, 1}, {3051003, 0}, {3060000, 0},
  };
  for (const auto& test : kCases) {
    SCOPED_TRACE(test.version);
    EXPECT_EQ(KnownBugsOf(test.version).size(), test.bugs);
  }
}

TEST_F(TablesTest, ActorsListsSizesAndTimes) {
  MakeActor("bob", 100);
  MakeActor("alice");
  EXPECT_EQ(Ask("SELECT actor, layout, state, page_size, page_count, "
                "size_bytes, head_txid, generation, deleted_at_ms IS NULL "
                "FROM actorkv_actors"),
            "alice|2|live|4096|2|8192|2|1|1\n"
            "bob|2|live|4096|15|61440|2|1|1");
  // The first commit wrote two pages, the second one of them again, as a delta:
  // the head reads both versions of it.
  EXPECT_EQ(Ask("SELECT history_bytes, shared_bytes, legacy_bytes FROM "
                "actorkv_actors LIMIT 1"),
            "0|0|0");
  {
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("bob")), SQLITE_OK);
    ASSERT_EQ(db.Exec("UPDATE t SET x = hex(randomblob(250))"), SQLITE_OK);
  }
  EXPECT_EQ(Ask("SELECT history_bytes > 12 * 4096 AND history_bytes < 61440 "
                "FROM actorkv_actors WHERE actor = 'bob'"),
            "1");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_actors WHERE abs(created_at_ms "
                "- strftime('%s') * 1000) < 60000 AND modified_at_ms >= "
                "created_at_ms"),
            "2");
}

TEST_F(TablesTest, ActorsShowsWhoHasOneOpen) {
  MakeActor("alice");
  const std::string sql = "SELECT owner_pid, opened_at_ms FROM actorkv_actors";
  EXPECT_EQ(Ask(sql), "|");
  SqliteDb other;
  ASSERT_EQ(other.Open(Uri("alice")), SQLITE_OK);
  const std::string owner = std::to_string(getpid()) + "|1";
  EXPECT_EQ(Ask(sql).substr(0, owner.size()), owner);
  other.Close();
  EXPECT_EQ(Ask(sql), "|");
}

TEST_F(TablesTest, ActorsWithANameIsOneLookUp) {
  for (const char* name : {"a", "b", "c"}) MakeActor(name);
  const std::string sql = "SELECT actor FROM actorkv_actors WHERE ";
  EXPECT_EQ(Ask(sql + "actor = 'b'"), "b");
  EXPECT_EQ(Ask(sql + "actor = 'bb'"), "");
  EXPECT_EQ(Ask(sql + "actor = NULL"), "");
  EXPECT_EQ(Ask(sql + "actor = 5"), "");
  EXPECT_EQ(Ask(sql + "actor IN ('c', 'a', 'x') ORDER BY 1"), "a\nc");
  EXPECT_EQ(Ask(sql + "actor = 'B' COLLATE NOCASE"), "b");
  EXPECT_EQ(Ask(sql + "actor > 'a' ORDER BY actor DESC"), "c\nb");
  EXPECT_NE(Ask("EXPLAIN QUERY PLAN " + sql + "actor = 'b'")
                .find("VIRTUAL TABLE INDEX 1"),
            std::string::npos);
  EXPECT_NE(Ask("EXPLAIN QUERY PLAN " + sql + "actor = 'b' COLLATE NOCASE")
                .find("VIRTUAL TABLE INDEX 0"),
            std::string::npos);
}

TEST_F(TablesTest, ActorsKeepsADeletedOneWithItsSize) {
  MakeActor("alice");
  ASSERT_EQ(Ask("SELECT actorkv_delete('alice')"), "2");
  EXPECT_EQ(Ask("SELECT actor, state, page_count, deleted_at_ms >= "
                "modified_at_ms FROM actorkv_actors"),
            "alice|deleted|2|1");
}

TEST_F(TablesTest, TablesAreReadOnly) {
  MakeActor("alice");
  ExpectBad({
      {"DELETE FROM actorkv_actors", SQLITE_ERROR,
       "table actorkv_actors may not be modified"},
      {"CREATE VIRTUAL TABLE x USING actorkv_actors", SQLITE_ERROR,
       "no such module: actorkv_actors"},
  });
}

TEST_F(TablesTest, CommitsAreNewestFirst) {
  MakeActor("alice", 100);
  MakeActor("bob");
  EXPECT_EQ(Ask("SELECT actor, txid, page_count, changed_page_count, "
                "written_bytes > 24, origin FROM actorkv_commits"),
            "alice|2|15|15|1|sql\nalice|1|2|2|1|sql\n"
            "bob|2|2|1|1|sql\nbob|1|2|2|1|sql");
  EXPECT_EQ(Ask("SELECT txid FROM actorkv_commits WHERE actor = 'bob' "
                "LIMIT 1"),
            "2");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_commits WHERE actor = 'x'"), "0");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_commits WHERE length(commit_id) "
                "= 32 AND abs(committed_at_ms - strftime('%s') * 1000) < "
                "60000"),
            "4");
}

TEST_F(TablesTest, OneTransactionIsOneCommitId) {
  SqliteDb two;
  ASSERT_EQ(two.Open(Uri("alice")), SQLITE_OK);
  ASSERT_EQ(two.Exec("ATTACH '" + Uri("bob") +
                     "' AS bob; CREATE TABLE t(x); CREATE TABLE bob.t(x); "
                     "BEGIN; INSERT INTO t VALUES(1); "
                     "INSERT INTO bob.t VALUES(1); COMMIT"),
            SQLITE_OK)
      << two.Error();
  EXPECT_EQ(Ask("SELECT count(DISTINCT commit_id), "
                "count(DISTINCT committed_at_ms) FROM actorkv_commits "
                "WHERE txid = 2"),
            "1|1");
}

// More commits than are read at once, on branches of staged transactions too.
TEST_F(TablesTest, CommitsOfManyBranches) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA synchronous=OFF; CREATE TABLE t(x)"), SQLITE_OK);
  int64_t commits = 1;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 70; ++j, ++commits) {
      ASSERT_EQ(db.Exec("INSERT INTO t VALUES(1)"), SQLITE_OK);
    }
    // Past what a transaction keeps in memory.
    ASSERT_EQ(db.Exec("INSERT INTO t VALUES(randomblob(20000000))"), SQLITE_OK);
    ++commits;
  }
  EXPECT_EQ(Ask("SELECT count(*), max(txid) FROM actorkv_commits"),
            std::to_string(commits) + "|" + std::to_string(commits));
  EXPECT_EQ(Ask("SELECT count(*) FROM (SELECT txid, lag(txid) OVER () AS p "
                "FROM actorkv_commits) WHERE p IS NOT NULL AND p <> txid + 1"),
            "0");
}

}  // namespace
}  // namespace actorkv
