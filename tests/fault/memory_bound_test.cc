// What a process takes beside a small page cache while a large transaction
// runs: what sql/README.md says under "Memory", and it is given back.

#include <gtest/gtest.h>

#include <string>

#include "tests/support/memory_use.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr int kDatabaseMb = 200;

// The page cache, the blocks below it, the write buffers, a transaction on its
// way to the disk, and what malloc keeps. With blocks for the whole database it
// would be 150 more.
constexpr double kMostMib = 16 + 16 + 96 + 42 + 60;
constexpr double kLeftMib = 80;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMeasures = false;
#else
constexpr bool kMeasures = true;
#endif

TEST(MemoryBoundTest, ALargeTransactionBesideASmallCache) {
  if (!kMeasures) GTEST_SKIP() << "a sanitizer has memory of its own";
  const TempDir temp;
  const std::string store = temp.File("store");
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("SELECT actorkv_set('cache_bytes', 16 << 20)"), SQLITE_OK)
      << db.Error();
  const double before_mib = StatusMib("RssAnon");
  {
    MemorySampler sampler;
    ASSERT_EQ(
        db.Exec("PRAGMA synchronous = NORMAL;"
                "CREATE TABLE t(id INTEGER PRIMARY KEY, body BLOB);"
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
                "n LIMIT " +
                std::to_string(kDatabaseMb * 256) +
                ") INSERT INTO t(body) SELECT randomblob(3900) FROM n;"
                "BEGIN; DELETE FROM t; ROLLBACK"),
        SQLITE_OK)
        << db.Error();
    EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t WHERE length(body) = 3900"),
              kDatabaseMb * 256);
    std::printf("%.0f MiB at most\n", sampler.peak_mib() - before_mib);
    EXPECT_LT(sampler.peak_mib() - before_mib, kMostMib);
  }
  ASSERT_EQ(db.Exec("SELECT actorkv_set('cache_bytes', 0)"), SQLITE_OK);
  db.Close();
  CloseStore(store);
  std::printf("%.0f MiB left\n", StatusMib("RssAnon") - before_mib);
  EXPECT_LT(StatusMib("RssAnon") - before_mib, kLeftMib);
}

}  // namespace
}  // namespace actorkv
