// actorkv_metrics and actorkv_metrics_text(): that what happens is counted.

#include <string>

#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

class MetricsTest : public SqlTest {
 protected:
  int64_t Value(const std::string& name) {
    return std::stoll(
        Ask("SELECT value FROM actorkv_metrics WHERE name = '" + name + "'"));
  }
};

TEST_F(MetricsTest, RowsHaveNamesValuesAndUnits) {
  EXPECT_EQ(Ask("SELECT count(*) - count(DISTINCT name) FROM actorkv_metrics"),
            "0");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_metrics WHERE unit NOT IN "
                "('count', 'bytes', 'us') OR typeof(value) NOT IN "
                "('integer', 'real', 'null')"),
            "0");
  MakeActor("alice");
  EXPECT_EQ(Ask("SELECT typeof(value), value > 0, unit FROM actorkv_metrics "
                "WHERE name = 'commit_latency_p99'"),
            "real|1|us");
  EXPECT_EQ(Ask("SELECT typeof(value), value > 0, unit FROM actorkv_metrics "
                "WHERE name = 'page_cache_capacity_bytes'"),
            "integer|1|bytes");
}

TEST_F(MetricsTest, CommitsAndSyncsAreCounted) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x)"), SQLITE_OK);
  const int64_t commits = Value("commits");
  const int64_t latencies = Value("commit_latency_count");
  const int64_t syncs = Value("syncs");
  const int64_t groups = Value("group_commits_count");
  const int64_t log_bytes = Value("log_bytes");
  ASSERT_EQ(db.Exec("INSERT INTO t VALUES (1)"), SQLITE_OK);
  ASSERT_EQ(db.Exec("INSERT INTO t VALUES (2)"), SQLITE_OK);
  EXPECT_EQ(Value("commits") - commits, 2);
  EXPECT_EQ(Value("commit_latency_count") - latencies, 2);
  EXPECT_EQ(Value("syncs") - syncs, 2);
  EXPECT_EQ(Value("group_commits_count") - groups, 2);
  EXPECT_GT(Value("log_bytes"), log_bytes);
  ASSERT_EQ(db.Exec("PRAGMA synchronous=OFF; INSERT INTO t VALUES (3)"),
            SQLITE_OK);
  EXPECT_EQ(Value("commits") - commits, 3);
  EXPECT_EQ(Value("syncs") - syncs, 2);
}

TEST_F(MetricsTest, WhatIsOpenIsCounted) {
  const int64_t actors = Value("open_actors");
  const int64_t files = Value("open_files");
  const int64_t opens = Value("file_opens");
  {
    SqliteDb first;
    SqliteDb second;
    ASSERT_EQ(first.Open(Uri("alice")), SQLITE_OK);
    ASSERT_EQ(first.Exec("CREATE TABLE t(x)"), SQLITE_OK);
    ASSERT_EQ(second.Open(Uri("alice")), SQLITE_OK);
    ASSERT_EQ(second.Exec("SELECT * FROM t"), SQLITE_OK);
    EXPECT_EQ(Value("open_stores"), 1);
    EXPECT_EQ(Value("open_actors") - actors, 1);
    EXPECT_EQ(Value("open_files") - files, 2);
  }
  EXPECT_EQ(Value("open_actors"), actors);
  EXPECT_EQ(Value("open_files"), files);
  EXPECT_GE(Value("file_opens") - opens, 2);
}

TEST_F(MetricsTest, ReadsAreCountedByTheirSource) {
  MakeActor("alice", 200);
  StoreRegistry::Instance()->CloseIdle();  // and with it, its cached pages
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
  const int64_t engine_reads = Value("engine_reads");
  const int64_t misses = Value("cache_misses");
  const int64_t ahead = Value("read_ahead_pages");
  const int64_t ahead_used = Value("read_ahead_used");
  ASSERT_EQ(db.QueryText("SELECT count(*) FROM t WHERE length(x) > 0"), "200");
  // A part of them before they were asked for.
  EXPECT_GE(
      Value("engine_reads") - engine_reads + Value("read_ahead_pages") - ahead,
      25);
  EXPECT_GE(
      Value("cache_misses") - misses + Value("read_ahead_used") - ahead_used,
      25);
  EXPECT_GT(Value("page_cache_bytes"), 25 * 4096);
  const int64_t hits = Value("cache_hits");
  const int64_t later_reads = Value("engine_reads");
  SqliteDb other;
  ASSERT_EQ(other.Open(Uri("alice")), SQLITE_OK);
  ASSERT_EQ(other.QueryText("SELECT count(*) FROM t WHERE length(x) > 0"),
            "200");
  EXPECT_GE(Value("cache_hits") - hits, 25);
  EXPECT_LE(Value("engine_reads") - later_reads, 1);
}

// The pages of a commit are in the cache for the next one, also those of the
// commit that makes the actor.
TEST_F(MetricsTest, ACommitReadsNothingThatTheLastOneWrote) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x)"), SQLITE_OK);
  const int64_t misses = Value("cache_misses");
  const int64_t reads = Value("engine_reads");
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(db.Exec("INSERT INTO t VALUES (1)"), SQLITE_OK);
  }
  EXPECT_EQ(Value("cache_misses") - misses, 0);
  EXPECT_EQ(Value("engine_reads") - reads, 0);
}

TEST_F(MetricsTest, ReclaimIsCounted) {
  MakeActor("alice", 200);
  const int64_t passes = Value("reclaim_passes");
  const int64_t bytes = Value("reclaimed_bytes");
  EXPECT_GT(std::stoll(Ask("SELECT count(*) FROM actorkv_reclaim_plan")), 0);
  EXPECT_EQ(Value("reclaim_passes"), passes) << "a plan is no pass";
  const int64_t freed = std::stoll(Ask("SELECT actorkv_purge('alice')"));
  EXPECT_GT(freed, 200 * 500);
  EXPECT_EQ(Value("reclaim_passes") - passes, 1);
  EXPECT_EQ(Value("reclaimed_bytes") - bytes, freed);
}

TEST_F(MetricsTest, TheTextSaysTheSame) {
  MakeActor("alice");
  const std::string text = Ask("SELECT actorkv_metrics_text()");
  const std::string line =
      "\nactorkv_commits_total " + std::to_string(Value("commits")) + "\n";
  EXPECT_NE(text.find(line), std::string::npos) << text;
  EXPECT_NE(text.find("# TYPE actorkv_commit_latency_seconds histogram\n"),
            std::string::npos);
  ExpectBad({{"SELECT actorkv_metrics_text(1)", SQLITE_ERROR,
              "actorkv_metrics_text"}});
}

// It looks only: it works inside a transaction. A view of the connection's own
// may use it.
TEST_F(MetricsTest, WorksInTemporaryViewsAndTransactions) {
  EXPECT_EQ(Ask("CREATE TEMP VIEW m AS SELECT name FROM actorkv_metrics"), "");
  EXPECT_EQ(Ask("SELECT count(*) FROM m WHERE name = 'commits'"), "1");
  EXPECT_EQ(Ask("BEGIN"), "");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_metrics WHERE name = 'syncs'"),
            "1");
  EXPECT_EQ(Ask("COMMIT"), "");
}

}  // namespace
}  // namespace actorkv
