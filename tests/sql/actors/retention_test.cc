// Retention, quotas, reclaim, undelete and purge, as a user meets them.

#include <chrono>
#include <string>
#include <thread>

#include "kv/cache/page_cache.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

class RetentionTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    ASSERT_EQ(alice_.Open(Uri("alice")), SQLITE_OK);
    Run("CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT)");
    for (int i = 0; i < 5; ++i) {
      Run("INSERT OR REPLACE INTO note VALUES (1, hex(zeroblob(20000)))");
    }
  }
  void TearDown() override {
    alice_.Close();
    SqlTest::TearDown();
  }

  void Run(const std::string& sql) {
    ASSERT_EQ(alice_.Exec(sql), SQLITE_OK) << alice_.Error();
  }

  SqliteDb alice_;
};

TEST_F(RetentionTest, TheRetentionDecidesAndThePlanSaysSo) {
  EXPECT_EQ(Ask("SELECT history_bytes > 100000, reclaimable_bytes,"
                " reason = 'retention 24 hours (' || history_bytes ||"
                " ' bytes)'"
                " FROM actorkv_reclaim_plan WHERE actor = 'alice'"),
            "1|0|1");
  EXPECT_EQ(Ask("SELECT actorkv_reclaim()"), "0");
  EXPECT_EQ(Ask("SELECT actorkv_retention(NULL, '0')"), "24 hours");
  EXPECT_EQ(Ask("SELECT actorkv_retention('alice', '7 days')"), "0");
  EXPECT_EQ(Ask("SELECT value FROM actorkv_settings"
                " WHERE name = 'retention_ms'"),
            "0");
  EXPECT_EQ(Ask("SELECT actorkv_set('retention_ms', 0, 'alice')"), "604800000");
  const std::string planned =
      Ask("SELECT reclaimable_bytes FROM actorkv_reclaim_plan");
  EXPECT_EQ(Ask("SELECT actorkv_reclaim('alice')"), planned);
  EXPECT_EQ(Ask("SELECT history_bytes FROM actorkv_actors"), "0");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_commits"), "1");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
  EXPECT_EQ(alice_.QueryText("SELECT length(body) FROM note"), "40000");
}

TEST_F(RetentionTest, AReaderKeepsItsSnapshot) {
  Ask("SELECT actorkv_retention(NULL, '0')");
  SqliteDb reader;
  ASSERT_EQ(reader.Open(Uri("alice")), SQLITE_OK);
  ASSERT_EQ(reader.Exec("PRAGMA cache_size = 1; BEGIN"), SQLITE_OK);
  EXPECT_EQ(reader.QueryText("SELECT count(*) FROM note"), "1");
  Run("UPDATE note SET body = 'new'");
  Ask("SELECT actorkv_reclaim()");
  EXPECT_EQ(reader.QueryText("SELECT length(body) FROM note"), "40000");
  ASSERT_EQ(reader.Exec("COMMIT"), SQLITE_OK);
  EXPECT_EQ(reader.QueryText("SELECT body FROM note"), "new");
  // What was being read ahead for it keeps it a moment longer.
  std::string freed;
  for (int i = 0; i < 500 && freed != "1"; ++i) {
    freed = Ask("SELECT actorkv_reclaim() > 40000");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(freed, "1");
}

TEST_F(RetentionTest, TheQuotaRefusesGrowth) {
  EXPECT_EQ(Ask("SELECT actorkv_quota('alice', 1000, 60000)"), "0");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_info"
                " WHERE name = 'soft_quota' AND level = 'warning'"),
            "1");
  EXPECT_EQ(alice_.Exec("INSERT INTO note VALUES (2, zeroblob(40000))"),
            SQLITE_FULL);
  EXPECT_EQ(alice_.QueryText("SELECT count(*) FROM note"), "1");
  Run("DELETE FROM note");
  Run("VACUUM");
  Run("INSERT INTO note VALUES (3, 'small')");
}

// What an actor does not say the store says. Who is past the limit already can
// still do all but grow.
TEST_F(RetentionTest, AQuotaForAllAndWhatGoesOn) {
  EXPECT_EQ(Ask("SELECT actorkv_quota(NULL, 0, 20000)"), "0");
  EXPECT_EQ(Ask("SELECT actorkv_quota('alice', 0, 0)"), "20000");
  SqliteDb bob;
  ASSERT_EQ(bob.Open(Uri("bob")), SQLITE_OK);
  EXPECT_EQ(bob.Exec("CREATE TABLE t(x); INSERT INTO t VALUES"
                     " (zeroblob(40000))"),
            SQLITE_FULL);
  EXPECT_NE(Ask("SELECT actorkv_last_error()").find("actor=bob would have"),
            std::string::npos);
  EXPECT_EQ(bob.QueryText("SELECT count(*) FROM t"), "0");
  Run("INSERT INTO note VALUES (2, zeroblob(40000)), (3, zeroblob(40000))");
  EXPECT_EQ(Ask("SELECT actorkv_quota('alice', 0, 20000)"), "0");
  EXPECT_EQ(alice_.Exec("INSERT INTO note VALUES (4, zeroblob(40000))"),
            SQLITE_FULL);
  // A transaction that failed is over, whole.
  EXPECT_EQ(alice_.Exec("BEGIN; DELETE FROM note WHERE id = 1;"
                        "INSERT INTO note VALUES (4, zeroblob(200000));"
                        "COMMIT"),
            SQLITE_FULL);
  alice_.Exec("ROLLBACK");
  EXPECT_EQ(alice_.QueryText("SELECT group_concat(id) FROM note"), "1,2,3");
  EXPECT_EQ(alice_.QueryText("PRAGMA integrity_check"), "ok");
  Run("UPDATE note SET body = zeroblob(40000) WHERE id = 1");
  Run("DELETE FROM note WHERE id > 1");
  Run("VACUUM");
  Run("UPDATE note SET body = 'small'; VACUUM");
  Run("INSERT INTO note VALUES (4, zeroblob(3000))");
  EXPECT_EQ(alice_.Exec("INSERT INTO note VALUES (5, zeroblob(40000))"),
            SQLITE_FULL);
}

TEST_F(RetentionTest, ReclaimByItselfIsASettingOfTheStore) {
  EXPECT_EQ(Ask("SELECT value, unit FROM actorkv_settings"
                " WHERE name = 'reclaim_interval_ms'"),
            "60000|ms");
  EXPECT_EQ(Ask("SELECT actorkv_set('reclaim_interval_ms', 10)"), "60000");
  ExpectBad({{"SELECT actorkv_set('reclaim_interval_ms', 1, 'alice')",
              SQLITE_ERROR, "reclaim_interval_ms is a setting of the store"}});
  EXPECT_EQ(Ask("SELECT actorkv_retention(NULL, '0')"), "24 hours");
  const std::shared_ptr<Store> store = OpenStore();
  std::string left;
  for (int i = 0; i < 600 && left != "1"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    left = Ask("SELECT count(*) FROM actorkv_commits WHERE actor = 'alice'");
  }
  EXPECT_EQ(left, "1");
  EXPECT_EQ(alice_.QueryText("SELECT length(body) FROM note"), "40000");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
}

TEST_F(RetentionTest, DeleteUndeleteAndPurge) {
  alice_.Close();
  const std::string txid = Ask("SELECT actorkv_delete('alice')");
  EXPECT_EQ(Ask("SELECT actorkv_undelete('alice')"), txid);
  EXPECT_EQ(Ask("SELECT actorkv_fork('alice', 'bob') > 0"), "1");
  EXPECT_EQ(Ask("SELECT actorkv_purge('alice') > 100000"), "1");
  EXPECT_EQ(Ask("SELECT group_concat(actor) FROM actorkv_actors"), "bob");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
  SqliteDb bob;
  ASSERT_EQ(bob.Open(Uri("bob")), SQLITE_OK);
  EXPECT_EQ(bob.QueryText("SELECT length(body) FROM note"), "40000");
  bob.Close();
  EXPECT_EQ(Ask("SELECT actorkv_purge('bob') > 0"), "1");
  EXPECT_EQ(Ask("SELECT actorkv_reclaim() > 40000"), "1");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_reclaim_plan"), "0");
}

// The page cache is the process's; the setting is kept with the store.
TEST_F(RetentionTest, CacheBytesIsOfTheStore) {
  PageCache* const cache = PageCache::Instance();
  EXPECT_EQ(Ask("SELECT actorkv_set('cache_bytes', 8000000)"), "0");
  EXPECT_EQ(cache->capacity_bytes(), 8000000u);
  ExpectBad({{"SELECT actorkv_set('cache_bytes', 1, 'alice')", SQLITE_ERROR,
              "cache_bytes is a setting of the store"}});
  alice_.Close();
  db()->Close();
  StoreRegistry::Instance()->CloseIdle();
  cache->UseDefaultCapacity();
  { const std::shared_ptr<Store> opened = OpenStore(); }
  EXPECT_EQ(cache->capacity_bytes(), 8000000u);
  ASSERT_EQ(db()->Open(":memory:"), SQLITE_OK);
  ASSERT_EQ(Ask("SELECT actorkv_store(" + Quoted("store") + ")"),
            File("store"));
  EXPECT_EQ(Ask("SELECT actorkv_set('cache_bytes', 0)"), "8000000");
  EXPECT_EQ(cache->capacity_bytes(), cache->DefaultCapacity());
}

}  // namespace
}  // namespace actorkv
