// The process dies before each commit of the engine that a legacy actor's life
// makes: import, migration with tables, the way back, migration again, the
// drop of the pairs. What is found then is whole, and going on ends with the
// content of a life without a death.

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "kv/format/keys.h"
#include "kv/process/store_registry.h"
#include "kv/store/store.h"
#include "tests/support/kill_harness.h"
#include "tests/support/migrate_harness.h"
#include "tests/support/rivet_index.h"
#include "tests/support/store_upkeep.h"

namespace actorkv {
namespace {

constexpr char kChild[] = "MigrationKillChild.DISABLED_Live";
constexpr int kMaxCommits = 200;

std::string Step(const std::string& name, const std::string& more = "") {
  return "SELECT actorkv_" + name + "('a'" + more + ")";
}

// Lives from the dump beside the store, and dies before commit `kind`.
TEST(MigrationKillChild, DISABLED_Live) {
  const LifePlan plan = BeginLife();
  const auto hook = std::make_shared<CommitHook>();
  DieBeforeCommit(std::stoi(plan.kind), hook.get());
  UseHooks(hook, kKillBatchBytes);
  SqliteDb db;
  db.Open(":memory:");
  MustRun(&db, "SELECT actorkv_store('" + plan.store + "')");
  MustRun(&db, Step("import", ", '" + plan.store + ".kv.bin'"));
  MustRun(&db, Step("migrate", ", 'tables'"));
  MustRun(&db, Step("unmigrate"));
  MustRun(&db, Step("migrate"));
  MustRun(&db, Step("drop_legacy"));
  ChildSay(kSaysDone);
}

class MigrationKillTest : public KillHarness {
 protected:
  void SetUp() override {
    const std::string sql =
        "CREATE TABLE t(x); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT "
        "i + 1 FROM c WHERE i < 700) INSERT INTO t SELECT i || "
        "hex(zeroblob(250)) FROM c;";
    std::ofstream(store_ + ".kv.bin", std::ios::binary) << LegacyDump(
        temp_.File("src"), sql, {{std::string("\x04key"), "value"}});
  }

  // A life that ends before commit `fatal`. True: it reached its end.
  bool Live(int fatal) {
    Close();
    std::filesystem::remove_all(store_);
    return LiveAs(kChild, fatal);
  }

  // Whatever is there is whole: nothing, or all rows in either layout.
  void ExpectWhole() {
    const std::string found = Ask("SELECT layout FROM actorkv_actors");
    if (found.empty() || found.find("error") == 0) return;
    SqliteDb db;
    ASSERT_EQ(db.Open(ActorUri(store_, "a")), SQLITE_OK);
    EXPECT_EQ(db.QueryText("SELECT count(*) FROM t"), "700");
    EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
    EXPECT_EQ(Ask("SELECT value FROM actorkv_kv WHERE namespace = 'user'"),
              "value");
  }

  // The content after going on.
  std::string GoOn() {
    const std::string imported =
        Ask(Step("import", ", '" + store_ + ".kv.bin'"));
    EXPECT_TRUE(imported == "100" ||
                imported.find("the actor exists already") != std::string::npos)
        << imported;
    EXPECT_EQ(Ask(Step("migrate", ", 'tables'")), "live");
    EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
    const std::string file = temp_.File("out.db");
    std::filesystem::remove(file);
    Ask("SELECT actorkv_export('a', '" + file + "')");
    return ContentSum(file);
  }

  void Maintain() const { MaintainStore(store_); }

  // Migrates, on an engine as the child's, and counts its commits.
  int CommitsToMigrate() {
    Close();
    const auto hook = std::make_shared<CommitHook>();
    auto count = std::make_shared<std::atomic<int>>(0);
    hook->Set([count] { ++*count; });
    UseHooks(hook, kKillBatchBytes);
    EXPECT_EQ(db_.Open(":memory:"), SQLITE_OK);
    EXPECT_EQ(Ask("SELECT actorkv_store('" + store_ + "')"), store_);
    Maintain();
    *count = 0;
    EXPECT_EQ(Ask(Step("migrate")), "live");
    const int commits = *count;
    EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
    Maintain();
    EXPECT_EQ(StageCount(), 0);
    UseHooks(nullptr);
    return commits;
  }

  // Imports into a new store, migrates with an interrupt at commit `nth` (0:
  // none) and once more, and counts the commits of the last.
  int CommitsAfterInterrupt(int nth) {
    Close();
    std::filesystem::remove_all(store_);
    const auto hook = std::make_shared<CommitHook>();
    std::atomic<int> count{0};
    UseHooks(hook, kKillBatchBytes);
    EXPECT_EQ(db_.Open(":memory:"), SQLITE_OK);
    EXPECT_EQ(Ask("SELECT actorkv_store('" + store_ + "')"), store_);
    Ask(Step("import", ", '" + store_ + ".kv.bin'"));
    if (nth > 0) {
      hook->Set([&] {
        if (++count == nth) sqlite3_interrupt(db_.get());
      });
      const std::string answer = Ask(Step("migrate"));
      EXPECT_EQ(db_.ErrorCode(), SQLITE_INTERRUPT) << answer;
      EXPECT_EQ(Ask("SELECT state FROM actorkv_actors"), "legacy");
      Maintain();
      EXPECT_EQ(StageCount(), 1) << "what is copied stays";
    }
    count = 0;
    hook->Set([&] { ++count; });
    EXPECT_EQ(Ask(Step("migrate")), "live");
    const int commits = count;
    hook->Set(nullptr);
    EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
    Maintain();
    EXPECT_EQ(StageCount(), 0);
    return commits;
  }

  int StageCount() {
    std::shared_ptr<Store> store;
    EXPECT_OK(StoreRegistry::Instance()->Acquire(store_, OpenMode::kExisting,
                                                 &store));
    std::vector<KeyValue> pairs;
    EXPECT_OK(store->engine()->NewReader()->Scan(CatalogPartition(),
                                                 StagePrefix(), 100, &pairs));
    int count = 0;
    for (const KeyValue& pair : pairs) {
      count += pair.key.compare(0, 1, StagePrefix()) == 0 ? 1 : 0;
    }
    return count;
  }

  std::string Export() {
    const std::string file = temp_.File("out.db");
    std::filesystem::remove(file);
    Ask("SELECT actorkv_export('a', '" + file + "')");
    return ContentSum(file);
  }

  // A dump of 3 MB instead of the small one. Returns its content.
  std::string UseLargeDump() {
    const std::string sql =
        "CREATE TABLE t(x); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT "
        "i + 1 FROM c WHERE i < 6000) INSERT INTO t SELECT i || "
        "hex(randomblob(240)) FROM c;";
    std::ofstream(store_ + ".kv.bin", std::ios::binary)
        << LegacyDump(temp_.File("large"), sql, {});
    return ContentSum(temp_.File("large"));
  }
};

TEST_F(MigrationKillTest, BeforeEachCommit) {
  ASSERT_TRUE(Live(0));
  ExpectWhole();
  const std::string expected = GoOn();
  int commits = 1;
  while (!Live(commits)) {
    SCOPED_TRACE(commits);
    ExpectWhole();
    ASSERT_EQ(GoOn(), expected);
    ASSERT_FALSE(HasFailure());
    ASSERT_LT(++commits, kMaxCommits);
  }
  EXPECT_GT(commits, 20);
}

// What a migration that died had copied is not copied again.
TEST_F(MigrationKillTest, GoesOnWithTheCopy) {
  constexpr int kStep = 9;
  const std::string expected = UseLargeDump();
  int fewest = kMaxCommits;
  int most = 0;
  for (int fatal = kStep; fatal < kMaxCommits; fatal += kStep) {
    SCOPED_TRACE(fatal);
    ASSERT_FALSE(Live(fatal));
    const std::string state = Ask("SELECT state FROM actorkv_actors");
    if (state == "live") break;
    if (state != "importing") continue;
    const int commits = CommitsToMigrate();
    fewest = std::min(fewest, commits);
    most = std::max(most, commits);
    ASSERT_EQ(Export(), expected);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(most, 40) << "one of them began the copy";
  EXPECT_LT(fewest, 20) << "one of them was nearly done";
}

// Nor what one had copied that was interrupted.
TEST_F(MigrationKillTest, GoesOnAfterAnInterrupt) {
  constexpr int kLost = 12;  // commits since the last one that says how far
  const std::string expected = UseLargeDump();
  const int whole = CommitsAfterInterrupt(0);
  for (int nth = kLost + 8; nth < whole - 8; nth += 9) {
    SCOPED_TRACE(nth);
    EXPECT_LT(CommitsAfterInterrupt(nth), whole - nth + kLost);
    EXPECT_EQ(Export(), expected);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(whole, 40);
}

// A stage that could be gone on with goes with its actor.
TEST_F(MigrationKillTest, APurgedActorLeavesNoStage) {
  UseLargeDump();
  for (int fatal = kMaxCommits; fatal > 0; fatal -= 5) {
    ASSERT_FALSE(Live(fatal) && fatal < 60);
    Maintain();
    if (StageCount() > 0) break;
  }
  ASSERT_EQ(StageCount(), 1);
  ASSERT_EQ(Ask("SELECT state FROM actorkv_actors"), "importing");
  Ask("SELECT actorkv_delete('a')");
  Ask("SELECT actorkv_purge('a')");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_actors"), "0");
  Maintain();
  EXPECT_EQ(StageCount(), 0);
}

}  // namespace
}  // namespace actorkv
