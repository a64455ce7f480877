// Migration and the way back by SQL: states, errors, who may do what when.

#include <atomic>
#include <condition_variable>
#include <thread>

#include "tests/support/hooked_engine.h"
#include "tests/support/migrate_harness.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

class MigrateSqlTest : public MigrateTest {
 protected:
  void SetUp() override {
    UseHooks(hook_);
    SqlTest::SetUp();
  }
  void TearDown() override {
    hook_->Set(nullptr);
    SqlTest::TearDown();
    UseHooks(nullptr);
  }
  CommitHook* hook() { return hook_.get(); }

 private:
  const std::shared_ptr<CommitHook> hook_ = std::make_shared<CommitHook>();
};

TEST_F(MigrateSqlTest, WhoCanBeMigrated) {
  MakeActor("born_live");
  MakeLegacy("a");
  ExpectBad({
      {"SELECT actorkv_migrate('nobody')", SQLITE_ERROR, "no such actor"},
      {"SELECT actorkv_migrate('born_live')", SQLITE_ERROR,
       "the actor has no legacy pairs: actor=born_live"},
      {"SELECT actorkv_migrate('$DIR/none/a')", SQLITE_ERROR, "no such store"},
      {"SELECT actorkv_migrate(NULL)", SQLITE_ERROR, "actor"},
      {"SELECT actorkv_migrate('a', 'table')", SQLITE_ERROR,
       "no option 'table': it is 'tables', 'rivet-tables' or left out"},
      {"SELECT actorkv_unmigrate('a', 'x')", SQLITE_ERROR,
       "no option 'x': it is 'discard', 'tables', 'rivet-tables' or left out"},
      {"SELECT actorkv_unmigrate('born_live')", SQLITE_ERROR,
       "the actor has no legacy pairs"},
      {"SELECT actorkv_drop_legacy('born_live')", SQLITE_ERROR,
       "the actor has no legacy pairs"},
      {"SELECT actorkv_drop_legacy('a')", SQLITE_ERROR,
       "the actor is legacy, its only database is in the legacy pairs"},
  });
  EXPECT_EQ(StateOf("a"), "legacy");
  EXPECT_EQ(Ask("SELECT actorkv_unmigrate('a')"), "legacy");  // it is already
  EXPECT_EQ(Ask("SELECT actorkv_migrate('$DIR/store/a')"), "live");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a', NULL)"), "live");
  EXPECT_EQ(Ask("SELECT actor, state, phase, attempts, error FROM "
                "actorkv_migrations"),
            "a|live|commit|1|");
  EXPECT_EQ(Ask("SELECT bytes > 8192, json_extract(phase_ms, '$.copy') > 0, "
                "json_extract(phase_ms, '$.tables') FROM actorkv_migrations"),
            "1|1|");
}

TEST_F(MigrateSqlTest, AFailedActorStaysReadableAndCanBeTriedAgain) {
  MakeDamaged("a");
  const BadCase refused = {"SELECT actorkv_migrate('a')", SQLITE_CORRUPT,
                           "actor=a: the database is damaged, quick_check "
                           "says: NULL value in t.x"};
  EXPECT_EQ(Ask("SELECT action, reason LIKE '%NULL value in t.x%' FROM "
                "actorkv_migrate_plan"),
            "refuse|1");
  ExpectBad({refused});
  EXPECT_EQ(StateOf("a"), "failed");
  EXPECT_EQ(Ask("SELECT state, phase, attempts, error LIKE '%NULL value%' "
                "FROM actorkv_migrations WHERE state <> 'live'"),
            "failed|recover|1|1");
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryText("SELECT count(*), count(x) FROM t"), "1|0");
  EXPECT_EQ(db.Exec("INSERT INTO t VALUES(1)") & 0xff, SQLITE_READONLY);
  db.Close();
  ExpectBad({refused});
  EXPECT_EQ(Ask("SELECT attempts FROM actorkv_migrations"), "2");
}

TEST_F(MigrateSqlTest, AllGoesOnAfterAFailure) {
  MakeDamaged("a");
  MakeLegacy("b");
  MakeActor("c");
  MakeLegacy("d");
  EXPECT_EQ(Ask("SELECT actor, state, bytes, duration_ms >= 0, error LIKE "
                "'%quick_check%' FROM actorkv_migrate_all()"),
            "a|failed||1|1\nb|live|8192|1|\nd|live|8192|1|");
  // Those that failed are tried again, the others are left alone.
  EXPECT_EQ(Ask("SELECT actor, state FROM actorkv_migrate_all"), "a|failed");
  EXPECT_EQ(Ask("SELECT actor, attempts FROM actorkv_migrations"),
            "a|2\nb|1\nd|1");
}

TEST_F(MigrateSqlTest, AllStopsWhereTheStatementEnds) {
  for (const char* name : {"a", "b", "c"}) MakeLegacy(name);
  {
    SqliteStatement statement(db()->get(),
                              "SELECT actor FROM actorkv_migrate_all");
    EXPECT_EQ(StateOf("a"), "legacy");
    ASSERT_EQ(statement.Step(), SQLITE_ROW);
    EXPECT_EQ(statement.Row(), "a");
    // The row is there before the next actor is begun.
    EXPECT_EQ(StateOf("a"), "live");
    EXPECT_EQ(StateOf("b"), "legacy");
  }
  EXPECT_EQ(Ask("SELECT actor, state FROM actorkv_actors"),
            "a|live\nb|legacy\nc|legacy");
  EXPECT_EQ(Ask("SELECT actor FROM actorkv_migrate_all LIMIT 1"), "b");
  EXPECT_EQ(StateOf("c"), "legacy");
}

TEST_F(MigrateSqlTest, NotInTransactionsViewsAndTriggers) {
  MakeLegacy("a");
  ASSERT_EQ(db()->Exec("CREATE VIEW v1 AS SELECT actorkv_migrate('a');"
                       "CREATE VIEW v2 AS SELECT * FROM actorkv_migrate_all;"
                       "CREATE TABLE t(x); CREATE TRIGGER r AFTER INSERT ON t "
                       "BEGIN SELECT actorkv_drop_legacy('a'); END;"),
            SQLITE_OK)
      << db()->Error();
  ExpectBad({
      {"SELECT * FROM v1", SQLITE_ERROR, "unsafe use of actorkv_migrate()"},
      {"SELECT * FROM v2", SQLITE_ERROR, "unsafe use of virtual table"},
      {"INSERT INTO t VALUES(1)", SQLITE_ERROR,
       "unsafe use of actorkv_drop_legacy()"},
  });
  ASSERT_EQ(db()->Exec("BEGIN"), SQLITE_OK);
  for (const char* sql :
       {"SELECT actorkv_migrate('a')", "SELECT actorkv_unmigrate('a')",
        "SELECT actorkv_drop_legacy('a')", "SELECT * FROM actorkv_migrate_all",
        "SELECT * FROM actorkv_import_all('tests/rivet/archive')",
        "SELECT * FROM actorkv_export_all('$DIR/out')"}) {
    ExpectBad({{sql, SQLITE_ERROR, "cannot run inside a transaction"}});
  }
  // These only look.
  EXPECT_EQ(Ask("SELECT action FROM actorkv_migrate_plan"), "migrate");
  EXPECT_EQ(Ask("SELECT state FROM actorkv_migrations"), "legacy");
  EXPECT_EQ(Ask("SELECT count(*) > 0 FROM actorkv_kv"), "1");
  ASSERT_EQ(db()->Exec("COMMIT"), SQLITE_OK);
  EXPECT_EQ(Ask("SELECT actor, state FROM actorkv_actors"), "a|legacy");
}

TEST_F(MigrateSqlTest, AnInterruptLeavesTheActorAsItWas) {
  MakeLegacy("a");
  ExpectInterrupted("actorkv_migrate('a')");
  // And in the middle: at each of its commits.
  for (int nth = 1;; ++nth) {
    SCOPED_TRACE(nth);
    int count = 0;
    hook()->Set([&] {
      if (++count == nth) sqlite3_interrupt(db()->get());
    });
    const std::string answer = Ask("SELECT actorkv_migrate('a')");
    const int code = db()->ErrorCode();
    hook()->Set(nullptr);
    if (StateOf("a") == "live") break;
    EXPECT_EQ(code, SQLITE_INTERRUPT) << answer;
    EXPECT_EQ(StateOf("a"), "legacy");
    EXPECT_EQ(Ask("SELECT error FROM actorkv_migrations"), "");
    ASSERT_LT(nth, 20);
  }
  EXPECT_EQ(Rows("a"), "1,2,3");
}

TEST_F(MigrateSqlTest, OneOfTwoDoesTheWork) {
  MakeLegacy("a");
  std::string answers[2];
  std::thread threads[2];
  for (int i = 0; i < 2; ++i) {
    threads[i] = std::thread([&, i] {
      SqliteDb own;
      own.Open(":memory:");
      answers[i] =
          own.QueryText("SELECT actorkv_migrate('" + File("store") + "/a')");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answers[0], "live");
  EXPECT_EQ(answers[1], "live");
  EXPECT_EQ(Ask("SELECT attempts FROM actorkv_migrations"), "1");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_commits"), "1");
}

// Holds the thread that commits, at its second commit (the first takes
// the lease), until Release().
class Brake {
 public:
  explicit Brake(CommitHook* hook) : hook_(hook) {
    hook_->Set([this] { Wait(); });
  }
  ~Brake() { Release(); }
  Brake(const Brake&) = delete;
  Brake& operator=(const Brake&) = delete;

  void AwaitHeld() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return held_; });
  }
  void Release() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      released_ = true;
    }
    changed_.notify_all();
  }

 private:
  static constexpr int kHeldCommit = 2;  // lease and begun, the pages

  void Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (++count_ != kHeldCommit) return;
    held_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return released_; });
  }

  CommitHook* const hook_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
  bool held_ = false;
  bool released_ = false;
};

TEST_F(MigrateSqlTest, AnOpenWaitsForTheMigration) {
  MakeLegacy("a");
  std::thread migrating;
  std::thread opening;
  std::string written = "not yet";
  std::atomic<bool> opened{false};
  {
    Brake brake(hook());
    migrating = std::thread([this] {
      SqliteDb own;
      own.Open(":memory:");
      EXPECT_EQ(
          own.QueryText("SELECT actorkv_migrate('" + File("store") + "/a')"),
          "live");
    });
    brake.AwaitHeld();
    EXPECT_EQ(StateOf("a"), "importing");
    EXPECT_EQ(Ask("SELECT state FROM actorkv_migrations"), "importing");
    // Others do not get in its way.
    ExpectBad({
        {"SELECT actorkv_unmigrate('a')", SQLITE_BUSY, "the actor is open"},
        {"SELECT actorkv_drop_legacy('a')", SQLITE_BUSY, "somebody is at work"},
    });
    // A reader does not wait, and sees the legacy form.
    EXPECT_EQ(Rows("a", "&mode=ro"), "1,2,3");
    opening = std::thread([&] {
      SqliteDb own;
      EXPECT_EQ(own.Open(Uri("a")), SQLITE_OK) << LastError();
      opened = true;
      EXPECT_EQ(own.Exec("INSERT INTO t VALUES(4)"), SQLITE_OK) << own.Error();
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_FALSE(opened);
    brake.Release();
    migrating.join();
    opening.join();
    hook()->Set(nullptr);
  }
  EXPECT_EQ(Rows("a"), "1,2,3,4");
}

TEST_F(MigrateSqlTest, AnOpenDoesNotWaitForever) {
  MakeLegacy("a");
  Brake brake(hook());
  std::thread migrating([this] {
    SqliteDb own;
    own.Open(":memory:");
    own.QueryText("SELECT actorkv_migrate('" + File("store") + "/a')");
  });
  brake.AwaitHeld();
  SqliteDb own;
  EXPECT_EQ(own.Open(Uri("a") + "&open_timeout_ms=50"), SQLITE_BUSY);
  EXPECT_NE(LastError().find("the actor is being migrated, phase commit"),
            std::string::npos)
      << LastError();
  own.Close();
  brake.Release();
  migrating.join();
  hook()->Set(nullptr);
  EXPECT_EQ(Rows("a"), "1,2,3");
}

TEST_F(MigrateSqlTest, BackAndForth) {
  MakeLegacy("a");
  ASSERT_EQ(Ask("SELECT actorkv_migrate('a')"), "live");
  const std::string head = "SELECT head_txid FROM actorkv_actors";
  const std::string first = Ask(head);
  // Nobody's database changes its kind under it.
  SqliteDb open;
  ASSERT_EQ(open.Open(Uri("a")), SQLITE_OK);
  EXPECT_EQ(open.QueryText("SELECT sum(x) FROM t"), "6");
  ExpectBad({{"SELECT actorkv_unmigrate('a')", SQLITE_BUSY, "is open"}});
  EXPECT_EQ(open.QueryText("SELECT sum(x) FROM t"), "6");
  open.Close();

  EXPECT_EQ(Ask("SELECT actorkv_unmigrate('a')"), "legacy");
  EXPECT_EQ(Ask("SELECT layout, state, head_txid FROM actorkv_actors"),
            "1|legacy|");
  EXPECT_EQ(Rows("a"), "1,2,3");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a')"), "live");
  EXPECT_EQ(Ask("SELECT (" + head + ") > " + first), "1");
  EXPECT_EQ(Ask("SELECT attempts FROM actorkv_migrations"), "2");

  Write("a", "INSERT INTO t VALUES(4)");
  ExpectBad({{"SELECT actorkv_unmigrate('a')", SQLITE_ERROR,
              "the actor was written after its migration, and undoing it "
              "would discard that"}});
  EXPECT_EQ(Rows("a"), "1,2,3,4");
  const std::string second = Ask(head);
  EXPECT_EQ(Ask("SELECT actorkv_unmigrate('a', 'discard')"), "legacy");
  EXPECT_EQ(Rows("a"), "1,2,3");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a')"), "live");
  EXPECT_EQ(Ask("SELECT (" + head + ") > " + second), "1");
  EXPECT_EQ(Rows("a"), "1,2,3");
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
}

// A legacy actor that somebody has open keeps what it shows; the next open
// sees the live one.
TEST_F(MigrateSqlTest, ALegacyViewOutlivesTheMigration) {
  MakeLegacy("a");
  SqliteDb view;
  ASSERT_EQ(view.Open(Uri("a")), SQLITE_OK);
  EXPECT_EQ(view.QueryText("SELECT sum(x) FROM t"), "6");
  ASSERT_EQ(Ask("SELECT actorkv_migrate('a')"), "live");
  Write("a", "INSERT INTO t VALUES(4)");
  EXPECT_EQ(view.QueryText("SELECT sum(x) FROM t"), "6");
  EXPECT_EQ(view.Exec("DELETE FROM t") & 0xff, SQLITE_READONLY);
  view.Close();
  EXPECT_EQ(Rows("a"), "1,2,3,4");
}

TEST_F(MigrateSqlTest, DroppedPairsAreNeverZeros) {
  const std::string big =
      "CREATE TABLE t(x); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT "
      "i + 1 FROM c WHERE i < 2000) INSERT INTO t SELECT i || "
      "hex(zeroblob(400)) FROM c;";
  MakeLegacyOf("a", big, {{"\x04key", "value"}});
  SqliteDb view;
  ASSERT_EQ(view.Open(Uri("a")), SQLITE_OK);
  view.Exec("PRAGMA cache_size = 5");
  const std::string sum = "SELECT sum(substr(x, 1, 4) + 0), count(*) FROM t";
  EXPECT_EQ(view.QueryText("SELECT count(*) FROM t WHERE rowid < 9"), "8");
  ASSERT_EQ(Ask("SELECT actorkv_migrate('a')"), "live");
  SqliteDb live;
  ASSERT_EQ(live.Open(Uri("a")), SQLITE_OK);
  const std::string right = live.QueryText(sum);
  EXPECT_EQ(Ask("SELECT actorkv_drop_legacy('a') > 1600000"), "1");
  // The engine's readers may still have them; tests/fault/ has one whose
  // readers do not.
  const std::string seen = view.QueryText(sum);
  EXPECT_TRUE(seen == right || seen == "error: disk I/O error") << seen;
  view.Close();
  live.Close();
  ExpectBad({{"SELECT actorkv_unmigrate('a')", SQLITE_ERROR,
              "the legacy pairs of its database were dropped: actor=a"}});
  EXPECT_EQ(Ask("SELECT actorkv_drop_legacy('a')"), "0");
  EXPECT_EQ(Ask("SELECT namespace, value FROM actorkv_kv"), "user|value");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('a')"), "live");
  EXPECT_EQ(Ask("SELECT action FROM actorkv_migrate_plan"), "none");
  ASSERT_EQ(view.Open(Uri("a")), SQLITE_OK);
  EXPECT_EQ(view.QueryText("SELECT count(*) FROM t"), "2000");
  // The pairs of the export are all there again.
  EXPECT_EQ(Ask("SELECT actorkv_export('a', '$DIR/a.kv', 'kv.bin') > 1600000"),
            "1");
  EXPECT_EQ(Ask("SELECT actorkv_import('b', '$DIR/a.kv') > 400"), "1");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('b')"), "live");
  EXPECT_EQ(Ask("SELECT value FROM actorkv_kv WHERE actor = 'b' AND namespace "
                "= 'user'"),
            "value");
  SqliteDb copy;
  ASSERT_EQ(copy.Open(Uri("b")), SQLITE_OK);
  EXPECT_EQ(copy.QueryText(sum), right);
}

TEST_F(MigrateSqlTest, JournalAndWalAreAppliedInTheView) {
  const struct {
    const char* file;
    const char* sql;
    const char* rows;
  } cases[] = {
      {"n-wal-commits.jsonl.gz", "SELECT count(*) FROM t", "91"},
      {"v213-crash-update-m50.jsonl.gz",
       "SELECT (SELECT count(*) FROM acct), (SELECT count(*) FROM hist)",
       "1200|0"},
  };
  for (const auto& sample : cases) {
    const std::string name = std::string(sample.file).substr(0, 8);
    ASSERT_EQ(Ask("SELECT actorkv_import('" + name + "', 'tests/rivet/" +
                  sample.file + "') > 0"),
              "1");
    for (const char* more : {"", "&mode=ro"}) {
      SqliteDb db;
      ASSERT_EQ(db.Open(Uri(name, more)), SQLITE_OK) << LastError();
      EXPECT_EQ(db.QueryText(sample.sql), sample.rows);
      EXPECT_EQ(db.QueryText("PRAGMA journal_mode"), "delete");
    }
    EXPECT_EQ(StateOf(name), "legacy");
  }
}

TEST_F(MigrateSqlTest, NeedsADefaultStore) {
  SqliteDb own;
  ASSERT_EQ(own.Open(":memory:"), SQLITE_OK);
  for (const char* sql :
       {"SELECT actorkv_migrate('a')", "SELECT * FROM actorkv_migrate_all",
        "SELECT * FROM actorkv_migrate_plan",
        "SELECT * FROM actorkv_migrations", "SELECT * FROM actorkv_kv",
        "SELECT * FROM actorkv_import_all('tests/rivet')",
        "SELECT * FROM actorkv_export_all('out')"}) {
    EXPECT_NE(own.QueryText(sql).find("there is no default store"),
              std::string::npos)
        << sql << ": " << own.Error();
  }
}

}  // namespace
}  // namespace actorkv
