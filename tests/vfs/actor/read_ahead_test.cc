// Scans of a database that is not in the page cache, in both directions, beside
// others: the right rows, and nearly all pages read before they are asked for.

#include "kv/pages/read_ahead.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kv/cache/page_cache.h"
#include "kv/process/store_registry.h"
#include "tests/support/no_threads.h"
#include "tests/support/sql_harness.h"
#include "tests/support/store_access.h"

namespace actorkv {
namespace {

constexpr int kRows = 20000;  // some 10 MB

class ReadAheadTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    MakeActor("a", kRows);
  }

  // Only the store knows pages now.
  static void ForgetPages() {
    PageCache* const cache = PageCache::Instance();
    ReadAhead::Instance()->Wait();
    const size_t capacity = cache->capacity_bytes();
    cache->SetCapacity(0);
    cache->SetCapacity(capacity);
  }
};

TEST_F(ReadAheadTest, AScanForwardAndBackward) {
  for (const char* order : {"ASC", "DESC"}) {
    SCOPED_TRACE(order);
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
    ASSERT_EQ(db.Exec("PRAGMA cache_size = 100"), SQLITE_OK);
    ForgetPages();
    const PageCacheCounts before = PageCache::Instance()->counts();
    const std::string sum =
        "SELECT count(*), sum(CAST(x AS INTEGER)) FROM (SELECT x FROM t ORDER "
        "BY rowid " +
        std::string(order) + " LIMIT -1 OFFSET 0)";
    EXPECT_EQ(db.QueryText(sum), "20000|200010000");
    ReadAhead::Instance()->Wait();
    const PageCacheCounts after = PageCache::Instance()->counts();
    const uint64_t used = after.ahead_used - before.ahead_used;
    const uint64_t missed = after.misses - before.misses;
    RecordProperty("used", std::to_string(used));
    RecordProperty("missed", std::to_string(missed));
    // How many came in time depends on the machine.
    EXPECT_GT(used, 0u);
    EXPECT_GT(used + missed, 2000u);
    EXPECT_LE(after.ahead_wasted - before.ahead_wasted, 64u);
  }
}

// The same rows, slower: a load, a scan, and an actor that wakes.
TEST_F(ReadAheadTest, WithoutThreadsAllIsThereAsWell) {
  const std::string sum = "SELECT count(*), sum(CAST(x AS INTEGER)) FROM t";
  {
    const NoThreads none;
    MakeActor("b", kRows);  // by way of a stage
    for (int i = 0; i < 3; ++i) {
      SqliteDb db;
      ASSERT_EQ(db.Open(Uri("b")), SQLITE_OK);
      ASSERT_EQ(db.Exec("PRAGMA cache_size = 100"), SQLITE_OK);
      ForgetPages();
      EXPECT_EQ(db.QueryText(sum), "20000|200010000");
      EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
      EXPECT_EQ(db.ErrorCode(), SQLITE_OK);
      EXPECT_EQ(db.QueryText("SELECT actorkv_last_error()"), "");
    }
  }
  db()->Close();
  CloseStore(File("store"));  // nothing that waits for a thread keeps it
}

TEST_F(ReadAheadTest, PointReadsCauseNone) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA cache_size = 100"), SQLITE_OK);
  ForgetPages();
  const PageCacheCounts before = PageCache::Instance()->counts();
  for (int i = 0; i < 500; ++i) {
    const int row = 1 + i * 7919 % kRows;
    ASSERT_EQ(db.QueryText("SELECT CAST(x AS INTEGER) FROM t WHERE rowid = " +
                           std::to_string(row)),
              std::to_string(row));
  }
  ReadAhead::Instance()->Wait();
  const PageCacheCounts after = PageCache::Instance()->counts();
  EXPECT_LE(after.ahead_used - before.ahead_used, 50u);
}

// Scans while others write, and while the cache is far too small for them.
TEST_F(ReadAheadTest, ScansBesideAWriter) {
  PageCache* const cache = PageCache::Instance();
  const size_t capacity = cache->capacity_bytes();
  cache->SetCapacity(2 << 20);
  {
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
    ASSERT_EQ(db.Exec("CREATE TABLE u AS SELECT 0 AS v, x FROM t LIMIT 3000"),
              SQLITE_OK);
  }
  std::atomic<bool> stop{false};
  std::atomic<int> failures{0};
  std::vector<std::thread> scanners;
  for (const char* order : {"ASC", "DESC"}) {
    scanners.emplace_back([this, order, &stop, &failures] {
      SqliteDb db;
      if (db.Open(Uri("a")) != SQLITE_OK) ++failures;
      db.Exec("PRAGMA cache_size = 20");
      while (!stop) {
        const std::string rows = db.QueryText(
            "SELECT min(v) = max(v), count(*) FROM (SELECT v "
            "FROM u ORDER BY rowid " +
            std::string(order) + " LIMIT -1 OFFSET 0)");
        if (rows != "1|3000") ++failures;
      }
    });
  }
  SqliteDb writer;
  ASSERT_EQ(writer.Open(Uri("a")), SQLITE_OK);
  for (int i = 0; i < 12; ++i) {
    if (writer.Exec("UPDATE u SET v = v + 1") != SQLITE_OK) ++failures;
  }
  stop = true;
  for (std::thread& scanner : scanners) scanner.join();
  EXPECT_EQ(failures, 0);
  ReadAhead::Instance()->Wait();
  cache->SetCapacity(capacity);
}

}  // namespace
}  // namespace actorkv
