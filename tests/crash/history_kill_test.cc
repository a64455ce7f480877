// The process dies before each write of the engine that an operation on history
// makes: restore, undo, fork and so on. What is found then is the state before
// it or the state after it, never one between; where an operation takes several
// steps (reclaim, purge), nothing is lost between them, and the rest follows.

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "kv/process/store_registry.h"
#include "tests/support/child_process.h"
#include "tests/support/crash_life.h"
#include "tests/support/hooked_engine.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

constexpr char kChild[] = "HistoryKillChild.DISABLED_Live";
constexpr int kMaxWrites = 50;  // of one operation

// Runs the statement beside the store, and dies before write `kind` of it.
TEST(HistoryKillChild, DISABLED_Live) {
  const LifePlan plan = BeginLife();
  const int fatal = std::stoi(plan.kind);
  const auto hook = std::make_shared<CommitHook>();
  UseHooks(hook);
  SqliteDb db;
  db.Open(":memory:");
  MustRun(&db, "SELECT actorkv_store('" + plan.store + "')");
  const std::string sql = FileContents(plan.store + ".sql");
  std::shared_ptr<Store> store;  // stays open
  EXPECT_OK(StoreRegistry::Instance()->Acquire(plan.store, OpenMode::kExisting,
                                               &store));
  auto count = std::make_shared<std::atomic<int>>(0);
  hook->Set([fatal, count] {
    if (++*count == fatal) kill(getpid(), SIGKILL);
  });
  MustRun(&db, sql);
  hook->Set(nullptr);
  ChildSay(kSaysDone);
}

class HistoryKillTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* actor : {"alice", "bob", "gone"}) {
      Fill(actor, "t");
    }
    Fill("short", "t");
    Open();
    // Nothing goes on by itself.
    Do("SELECT actorkv_set('reclaim_interval_ms', 0)");
    Do("SELECT actorkv_restore('bob', 2)");
    Do("SELECT actorkv_restore_point('alice', 'kept')");
    Do("SELECT actorkv_fork('alice', 'child', 2)");
    Do("SELECT actorkv_delete('gone')");
    Do("SELECT actorkv_retention('short', '0')");
    Close();
    std::filesystem::copy(store_, store_ + ".kept",
                          std::filesystem::copy_options::recursive);
  }
  void TearDown() override { Close(); }

  void Fill(const std::string& actor, const std::string& table) {
    SqliteDb db;
    ASSERT_EQ(db.Open(ActorUri(store_, actor)), SQLITE_OK) << LastError();
    ASSERT_EQ(db.Exec("CREATE TABLE " + table + "(id INTEGER PRIMARY KEY, x)"),
              SQLITE_OK);
    for (int i = 1; i <= 3; ++i) {
      ASSERT_EQ(db.Exec("INSERT INTO " + table + " VALUES (" +
                        std::to_string(i) + ", randomblob(9000))"),
                SQLITE_OK);
    }
  }

  void Open() {
    ASSERT_EQ(db_.Open(":memory:"), SQLITE_OK);
    ASSERT_EQ(Ask("SELECT actorkv_store('" + store_ + "')"), store_);
  }
  void Close() {
    db_.Close();
    CloseStore(store_);
  }
  std::string Ask(const std::string& sql) { return db_.QueryText(sql); }
  void Do(const std::string& sql) {
    ASSERT_NE(Ask(sql).substr(0, 6), "error:") << sql << ": " << db_.Error();
  }

  // The store as SetUp() left it.
  void Reset() {
    Close();
    std::filesystem::remove_all(store_);
    std::filesystem::copy(store_ + ".kept", store_,
                          std::filesystem::copy_options::recursive);
  }

  // A life that ends before write `fatal` of the statement; 0: never. True: it
  // reached its end. The store is open after it.
  bool Live(const std::string& sql, int fatal) {
    Reset();
    std::ofstream(store_ + ".sql") << sql;
    // As tests/support/crash_life.cc writes it.
    ChildProcess child(kChild,
                       store_ + "\n\n\n" + std::to_string(fatal) + "\n0\n");
    const char said = child.Hear();
    EXPECT_NE(said, kSaysFailed) << sql;
    child.Kill();
    Open();
    return said == kSaysDone;
  }

  // All that a user can see, but for times and generated ids.
  std::string Everything() {
    std::string all = Records() + Content();
    EXPECT_EQ(Ask("SELECT group_concat(detail) FROM actorkv_verify"), "");
    return all;
  }

  std::string Records() {
    std::string all;
    for (const char* sql :
         {"SELECT actor, state, page_count, head_txid, generation"
          " FROM actorkv_actors ORDER BY 1",
          "SELECT actor, txid, origin, page_count, changed_page_count"
          " FROM actorkv_commits ORDER BY 1, 2",
          "SELECT actor, name, txid, expires_at_ms IS NULL"
          " FROM actorkv_restore_points ORDER BY 1, 2",
          "SELECT actor, from_txid, to_txid, undo_name FROM actorkv_restores"
          " ORDER BY 1, 2",
          "SELECT name, value FROM actorkv_settings ORDER BY 1",
          "SELECT actor, reclaimable_bytes, reason FROM actorkv_reclaim_plan"
          " ORDER BY 1",
          "SELECT name, value FROM actorkv_info WHERE level = 'warning'"}) {
      all += Ask(sql) + "\n";
    }
    return all;
  }

  // Of the actors that are live.
  std::string Content() {
    std::string all;
    std::stringstream names(
        Ask("SELECT actor FROM actorkv_actors WHERE state = 'live'"));
    for (std::string name; std::getline(names, name);) {
      SqliteDb db;
      EXPECT_EQ(db.Open(ActorUri(store_, name)), SQLITE_OK);
      all += name + ": " + db.QueryText("SELECT hex(substr(x, 1, 8)) FROM t") +
             db.QueryText("PRAGMA integrity_check") + "\n";
    }
    return all;
  }

  TempDir temp_;
  const std::string store_ = temp_.File("store");
  SqliteDb db_;
};

TEST_F(HistoryKillTest, OldOrNew) {
  for (const char* sql :
       {"SELECT actorkv_restore('alice', 2)",
        "SELECT actorkv_restore_set('-1 commit', 'alice', 'bob')",
        "SELECT actorkv_restore_like('-1 commit', '%o%')",
        "SELECT actorkv_undo_restore('bob')",
        "SELECT actorkv_fork('alice', 'fork', 2)",
        "SELECT actorkv_fork('gone', 'fork')",
        "SELECT actorkv_restore_point('alice', 'new')",
        "SELECT actorkv_restore_point('alice', 'new', 3600000)",
        "SELECT actorkv_drop_restore_point('alice', 'kept')",
        "SELECT actorkv_delete('alice')", "SELECT actorkv_undelete('gone')",
        "SELECT actorkv_rename('alice', 'renamed')",
        "SELECT actorkv_takeover('alice')",
        "SELECT actorkv_retention('alice', '7 days')",
        "SELECT actorkv_retention(NULL, '2 days')",
        "SELECT actorkv_quota(NULL, 10, 10000000)",
        "SELECT actorkv_set('cache_bytes', 12345678)"}) {
    SCOPED_TRACE(sql);
    Reset();
    Open();
    const std::string before = Everything();
    ASSERT_TRUE(Live(sql, 0));
    const std::string after = Everything();
    ASSERT_NE(before, after);
    int writes = 1;
    for (; !Live(sql, writes); ++writes) {
      SCOPED_TRACE(writes);
      const std::string now = Everything();
      ASSERT_TRUE(now == before || now == after) << before << "\n"
                                                 << after << "\n"
                                                 << now;
      if (now == before) {
        Do(sql);
        ASSERT_EQ(Everything(), after) << "again";
      }
      ASSERT_LT(writes, kMaxWrites);
    }
    EXPECT_GT(writes, 1);
  }
}

TEST_F(HistoryKillTest, StepByStepNothingIsLost) {
  for (const char* sql :
       {"SELECT actorkv_reclaim('short')", "SELECT actorkv_reclaim()",
        "SELECT actorkv_purge('short')", "SELECT actorkv_purge('gone')",
        "SELECT actorkv_purge('alice')"}) {
    SCOPED_TRACE(sql);
    Reset();
    Open();
    const std::string before = Content();
    ASSERT_TRUE(Live(sql, 0));
    const std::string after = Content();
    Do("SELECT actorkv_reclaim()");
    const std::string end = Everything();
    int writes = 1;
    for (; !Live(sql, writes); ++writes) {
      SCOPED_TRACE(writes);
      const std::string now = Content();
      ASSERT_TRUE(now == before || now == after) << now;
      ASSERT_EQ(Ask("SELECT group_concat(detail) FROM actorkv_verify"), "");
      if (now == before) Ask(sql);
      Do("SELECT actorkv_reclaim()");
      ASSERT_EQ(Everything(), end) << "again";
      ASSERT_LT(writes, kMaxWrites);
    }
    EXPECT_GT(writes, 2);
  }
}

}  // namespace
}  // namespace actorkv
