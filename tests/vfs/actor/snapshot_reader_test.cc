// How often the page cache is asked, and the engine, by reads and commits of
// SQLite. All pages are those of one actor, which is awake
// (kv/pages/preload.h).

#include "vfs/actor/snapshot_reader.h"

#include <gtest/gtest.h>

#include <string>

#include "kv/cache/page_cache.h"
#include "tests/support/actor_harness.h"
#include "tests/support/sqlite_db.h"

namespace actorkv {
namespace {

constexpr char kSum[] = "SELECT count(*), sum(k) FROM t";

class SnapshotReaderTest : public ActorTest {
 protected:
  static PageCacheCounts Counts() { return PageCache::Instance()->counts(); }

  // Neither SQLite nor the page cache knows a page.
  static void ForgetPages(SqliteDb* db) {
    PageCache* const cache = PageCache::Instance();
    const size_t capacity = cache->capacity_bytes();
    cache->SetCapacity(0);
    cache->SetCapacity(capacity);
    sqlite3_db_release_memory(db->get());
  }

  void Fill(SqliteDb* db) {
    ASSERT_EQ(db->Open(Uri("a")), SQLITE_OK);
    ASSERT_EQ(db->Exec("CREATE TABLE t(k INTEGER PRIMARY KEY, v, pad);"
                       "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT "
                       "i + 1 FROM c WHERE i < 300) INSERT INTO t SELECT i, "
                       "1, hex(zeroblob(500)) FROM c;"),
              SQLITE_OK);
    ForgetPages(db);
    ASSERT_EQ(db->QueryText(kSum), "300|45150");  // wakes the actor
  }
};

// Every look finds the page, or is the one that says that it is not there.
TEST_F(SnapshotReaderTest, EachPageIsLookedForOnce) {
  SqliteDb db;
  Fill(&db);
  for (const char* mode : {"PRAGMA mmap_size = 0", "PRAGMA mmap_size = 1e9"}) {
    SCOPED_TRACE(mode);
    ASSERT_EQ(db.Exec(mode), SQLITE_OK);
    for (const bool cold : {true, false}) {
      if (cold) ForgetPages(&db);
      sqlite3_db_release_memory(db.get());
      const PageCacheCounts before = Counts();
      ASSERT_EQ(db.QueryText(kSum), "300|45150");
      const PageCacheCounts after = Counts();
      const uint64_t missed = after.misses - before.misses;
      EXPECT_EQ(missed > 20, cold) << missed;
      EXPECT_EQ(after.looks - before.looks, after.hits - before.hits + missed);
    }
  }
}

// The old leaf and page 1, each once, and nothing of the engine.
TEST_F(SnapshotReaderTest, AWarmCommitOfARowLooksForTwoPages) {
  SqliteDb db;
  Fill(&db);
  constexpr char kUpdate[] = "UPDATE t SET v = v + 1 WHERE k = 150";
  for (int i = 0; i < 3; ++i) ASSERT_EQ(db.Exec(kUpdate), SQLITE_OK);
  const uint64_t looks = Counts().looks;
  plan()->Reset();
  ASSERT_EQ(db.Exec(kUpdate), SQLITE_OK);
  EXPECT_EQ(Counts().looks - looks, 2U);
  EXPECT_EQ(plan()->read_count(), 0U);
}

}  // namespace
}  // namespace actorkv
