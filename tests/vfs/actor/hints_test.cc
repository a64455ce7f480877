// Connections to an actor that nobody had open: from the second time on the
// pages that the first queries need are read together, and are the right ones.

#include "kv/store/hints.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "kv/cache/page_cache.h"
#include "kv/inspect/metrics_report.h"
#include "kv/pages/read_ahead.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

constexpr int kRows = 20000;  // some 10 MB

// Rows of pages that lie far from each other.
constexpr char kScattered[] =
    "SELECT group_concat(CAST(x AS INTEGER)) FROM t WHERE rowid IN "
    "(1, 977, 1955, 2933, 3911, 4889, 5867, 6845, 7823, 8801, 9779, 10757,"
    " 11735, 12713, 13691, 14669, 15647, 16625, 17603, 18581, 19559)";
constexpr char kScatteredRows[] =
    "1,977,1955,2933,3911,4889,5867,6845,7823,8801,9779,10757,11735,12713,"
    "13691,14669,15647,16625,17603,18581,19559";
constexpr uint64_t kScatteredPages = 21 + 2;  // leaves; the root, page 1

struct Counts {
  uint64_t missed = 0;
  uint64_t preloaded = 0;
  uint64_t used = 0;
};

class HintsTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    MakeActor("a", kRows);
  }

  static Counts Now() {
    const MetricsSnapshot metrics = ReadMetrics();
    return {metrics.value(Metric::kCacheMisses),
            metrics.value(Metric::kHintsPreloadedPages),
            metrics.value(Metric::kHintsUsedPages)};
  }

  // As after a restart of the process.
  static void Restart() { StoreRegistry::Instance()->CloseIdle(); }

  // Opens the actor, asks, closes. *counts: what it took.
  std::string OpenAndAsk(const std::string& sql, Counts* counts = nullptr,
                         const std::string& more = "") {
    const Counts before = Now();
    std::string answer;
    {
      SqliteDb db;
      if (db.Open(Uri("a", more)) != SQLITE_OK) return db.Error();
      answer = db.QueryText(sql);
    }
    const Counts after = Now();
    if (counts != nullptr) {
      *counts = {after.missed - before.missed,
                 after.preloaded - before.preloaded, after.used - before.used};
    }
    return answer;
  }
};

TEST_F(HintsTest, TheSecondColdOpenReadsThePagesTogether) {
  Restart();
  Counts counts;
  EXPECT_EQ(OpenAndAsk(kScattered, &counts), kScatteredRows);
  EXPECT_GE(counts.missed, kScatteredPages);
  EXPECT_EQ(counts.preloaded, 0U);
  const uint64_t needed = counts.missed;
  for (int i = 0; i < 5; ++i) {
    Restart();
    EXPECT_EQ(OpenAndAsk(kScattered, &counts), kScatteredRows);
    EXPECT_EQ(counts.missed, 0U);
    EXPECT_EQ(counts.preloaded, needed);
    EXPECT_EQ(counts.used, needed);
  }
}

TEST_F(HintsTest, AWarmOpenPreloadsNothing) {
  for (int i = 0; i < 3; ++i) {
    Counts counts;
    EXPECT_EQ(OpenAndAsk(kScattered, &counts), kScatteredRows);
    EXPECT_EQ(counts.preloaded, 0U);
  }
}

TEST_F(HintsTest, PagesReadInPlaceAreLearnedAndFound) {
  for (int i = 0; i < 3; ++i) {
    Restart();
    const Counts before = Now();
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
    ASSERT_EQ(db.Exec("PRAGMA mmap_size = 100000000"), SQLITE_OK);
    EXPECT_EQ(db.QueryText(kScattered), kScatteredRows);
    const Counts after = Now();
    if (i == 0) continue;
    EXPECT_EQ(after.missed, before.missed);
    EXPECT_GE(after.used - before.used, kScatteredPages);
  }
}

// The pages have the same numbers, and other content.
TEST_F(HintsTest, AfterARestore) {
  ASSERT_EQ(Ask("SELECT actorkv_restore_point('a', 'before')"), "2");
  Restart();
  EXPECT_EQ(OpenAndAsk(kScattered), kScatteredRows);
  ASSERT_EQ(OpenAndAsk("UPDATE t SET x = '7' || x"), "");
  Restart();
  const std::string changed = OpenAndAsk(kScattered);
  EXPECT_EQ(changed.substr(0, 10), "71,7977,71");
  Restart();
  ASSERT_NE(Ask("SELECT actorkv_restore('a', 'before')"), "");
  Restart();
  Counts counts;
  EXPECT_EQ(OpenAndAsk(kScattered, &counts), kScatteredRows);
  EXPECT_GT(counts.used, 0U);
  ASSERT_NE(Ask("SELECT actorkv_undo_restore('a')"), "");
  Restart();
  EXPECT_EQ(OpenAndAsk(kScattered, &counts), changed);
  EXPECT_GT(counts.used, 0U);
}

TEST_F(HintsTest, AfterTheDatabaseShrank) {
  for (int i = 0; i < 2; ++i) {
    Restart();
    EXPECT_EQ(OpenAndAsk(kScattered), kScatteredRows);
  }
  ASSERT_EQ(OpenAndAsk("DELETE FROM t WHERE rowid > 1000"), "");
  ASSERT_EQ(OpenAndAsk("VACUUM"), "");
  Restart();
  EXPECT_EQ(OpenAndAsk(kScattered), "1,977");
  EXPECT_EQ(OpenAndAsk("PRAGMA integrity_check"), "ok");
}

TEST_F(HintsTest, AfterAnotherPageSize) {
  Restart();
  EXPECT_EQ(OpenAndAsk(kScattered), kScatteredRows);
  ASSERT_EQ(OpenAndAsk("PRAGMA page_size = 8192"), "");
  {
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
    ASSERT_EQ(db.Exec("PRAGMA page_size = 65536; VACUUM"), SQLITE_OK);
  }
  Restart();
  EXPECT_EQ(OpenAndAsk(kScattered), kScatteredRows);
  EXPECT_EQ(OpenAndAsk("PRAGMA integrity_check"), "ok");
}

TEST_F(HintsTest, ThePastNeitherLearnsNorPreloads) {
  ASSERT_EQ(Ask("SELECT actorkv_restore_point('a', 'before')"), "2");
  Restart();
  Counts counts;
  EXPECT_EQ(OpenAndAsk(kScattered, &counts, "&asof=before"), kScatteredRows);
  Restart();
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_hints"), "0");
  EXPECT_EQ(OpenAndAsk(kScattered), kScatteredRows);
  Restart();
  EXPECT_EQ(OpenAndAsk(kScattered, &counts, "&asof=before"), kScatteredRows);
  EXPECT_EQ(counts.preloaded, 0U);
}

TEST_F(HintsTest, ASmallCacheIsNotFilledWithHints) {
  Restart();
  EXPECT_EQ(OpenAndAsk(kScattered), kScatteredRows);
  Restart();
  PageCache* const cache = PageCache::Instance();
  const size_t capacity = cache->capacity_bytes();
  cache->SetCapacity(size_t{64} * 8 * 4096);  // eight pages are its 64th part
  Counts counts;
  EXPECT_EQ(OpenAndAsk(kScattered, &counts), kScatteredRows);
  EXPECT_LE(counts.preloaded, 8U);
  cache->SetCapacity(capacity);
}

TEST_F(HintsTest, ManyConnectionsWakeItTogether) {
  std::atomic<int> failures{0};
  for (int round = 0; round < 5; ++round) {
    Restart();
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([this, &failures] {
        for (int j = 0; j < 5; ++j) {
          SqliteDb db;
          if (db.Open(Uri("a")) != SQLITE_OK) ++failures;
          if (db.QueryText(kScattered) != kScatteredRows) ++failures;
        }
      });
    }
    for (int j = 0; j < 5; ++j) {
      if (Ask("SELECT count(*) >= 0 FROM actorkv_hints") != "1") ++failures;
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(failures, 0);
  Restart();
  Counts counts;
  EXPECT_EQ(OpenAndAsk(kScattered, &counts), kScatteredRows);
  EXPECT_EQ(counts.missed, 0U);
}

}  // namespace
}  // namespace actorkv
