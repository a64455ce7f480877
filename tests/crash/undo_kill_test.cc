// The process dies before each write of the engine while a migrated actor that
// was written since becomes a legacy one with what it is now: unmigrate with
// 'tables', and the drop of the old pairs behind it. What is found then has
// what was written, live or legacy, and going on ends with the same.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "tests/support/kill_harness.h"
#include "tests/support/migrate_harness.h"
#include "tests/support/store_upkeep.h"

namespace actorkv {
namespace {

constexpr char kChild[] = "UndoKillChild.DISABLED_Live";
constexpr int kMaxWrites = 200;

constexpr char kMigrate[] = "SELECT actorkv_migrate('a', 'tables')";
constexpr char kUndo[] = "SELECT actorkv_unmigrate('a', 'tables')";

// Goes on from the migrated actor, and dies before write `kind`.
TEST(UndoKillChild, DISABLED_Live) {
  const LifePlan plan = BeginLife();
  const auto hook = std::make_shared<CommitHook>();
  UseHooks(hook, kKillBatchBytes);
  SqliteDb db;
  db.Open(":memory:");
  MustRun(&db, "SELECT actorkv_store('" + plan.store + "')");
  MaintainStore(plan.store);
  DieBeforeCommit(std::stoi(plan.kind), hook.get());
  MustRun(&db, kUndo);
  MaintainStore(plan.store);
  ChildSay(kSaysDone);
}

class UndoKillTest : public KillHarness {
 protected:
  // The store with an actor that was migrated, and written since.
  void SetUp() override {
    const std::string sql =
        "CREATE TABLE t(x); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT "
        "i + 1 FROM c WHERE i < 700) INSERT INTO t SELECT i || "
        "hex(zeroblob(250)) FROM c;";
    const std::string dump = temp_.File("a.kv.bin");
    std::ofstream(dump, std::ios::binary)
        << LegacyDump(temp_.File("src"), sql, {{"\4key", "old"}});
    ASSERT_EQ(db_.Open(":memory:"), SQLITE_OK);
    ASSERT_EQ(Ask("SELECT actorkv_store('" + made_ + "')"), made_);
    ASSERT_EQ(Ask("SELECT actorkv_import('a', '" + dump + "') > 0"), "1");
    ASSERT_EQ(Ask(kMigrate), "live");
    SqliteDb actor;
    ASSERT_EQ(actor.Open(ActorUri(made_, "a")), SQLITE_OK);
    ASSERT_EQ(actor.Exec("INSERT INTO t VALUES('later');"
                         "UPDATE _actorkv_kv SET value = x'6e6577'"),
              SQLITE_OK)
        << actor.Error();
    actor.Close();
    db_.Close();
    CloseStore(made_);
  }

  // A life that ends before write `fatal`. True: it reached its end.
  bool Live(int fatal) {
    Close();
    std::filesystem::remove_all(store_);
    std::filesystem::copy(made_, store_,
                          std::filesystem::copy_options::recursive);
    return LiveAs(kChild, fatal);
  }

  // Whatever is there has what was written, and its pairs are whole.
  void ExpectWhole() {
    SqliteDb db;
    ASSERT_EQ(db.Open(ActorUri(store_, "a") + "&mode=ro"), SQLITE_OK);
    EXPECT_EQ(db.QueryText("SELECT count(*), sum(x = 'later') FROM t"),
              "701|1");
    EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
    const bool live = State() == "live";
    const std::string pair =
        "SELECT CAST(value AS TEXT) FROM actorkv_kv WHERE namespace = 'user'";
    EXPECT_EQ(Ask(pair), live ? "old" : "new");
    if (live) {
      EXPECT_EQ(db.QueryText("SELECT CAST(value AS TEXT) FROM _actorkv_kv"),
                "new");
    }
    EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
  }

  void GoOn() {
    EXPECT_EQ(Ask(kUndo), "legacy");
    MaintainStore(store_);
    ExpectWhole();
    EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_dump WHERE key LIKE "
                  "'import%'"),
              "0");
    EXPECT_EQ(Ask(kMigrate), "live");
    SqliteDb db;
    ASSERT_EQ(db.Open(ActorUri(store_, "a")), SQLITE_OK);
    EXPECT_EQ(db.QueryText("SELECT CAST(value AS TEXT) FROM _actorkv_kv"),
              "new");
    EXPECT_EQ(db.QueryText("SELECT count(*) FROM t"), "701");
  }

  std::string State() { return Ask("SELECT state FROM actorkv_actors"); }
  const std::string& store() const { return store_; }

 private:
  const std::string made_ = temp_.File("made");
};

TEST_F(UndoKillTest, BeforeEachWrite) {
  ASSERT_TRUE(Live(0));
  EXPECT_EQ(State(), "legacy");
  ExpectWhole();
  int live = 0;
  int legacy = 0;
  for (int fatal = 1; !Live(fatal); ++fatal) {
    SCOPED_TRACE(fatal);
    (State() == "live" ? live : legacy) += 1;
    ExpectWhole();
    MaintainStore(store());
    ExpectWhole();
    GoOn();
    ASSERT_FALSE(HasFailure());
    ASSERT_LT(fatal, kMaxWrites);
  }
  // The new pairs take some, and the drop of the old ones comes behind.
  EXPECT_GT(live, 3);
  EXPECT_GT(legacy, 0);
}

}  // namespace
}  // namespace actorkv
