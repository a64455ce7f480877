// The process dies before each commit of the engine that the life of an opaque
// actor makes: its import from rows, its pairs as a table, the way back, also
// to pairs of the rows. What is found then is whole, and the same pairs go out.

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "kv/rivet/kv_bin.h"
#include "tests/support/kill_harness.h"
#include "tests/support/pair_files.h"

namespace actorkv {
namespace {

constexpr char kChild[] = "PairKillChild.DISABLED_Live";
constexpr int kMaxCommits = 200;
constexpr int kPairs = 3000;

std::string ImportCall(const std::string& store) {
  return "SELECT actorkv_import_pairs('a', actorkv_pair_set(key, value, "
         "'opaque')) FROM actorkv_pairs('" +
         store + ".kv.bin')";
}

constexpr char kTables[] = "SELECT actorkv_migrate('a', 'tables')";

// Dies before commit `kind`.
TEST(PairKillChild, DISABLED_Live) {
  const LifePlan plan = BeginLife();
  const auto hook = std::make_shared<CommitHook>();
  DieBeforeCommit(std::stoi(plan.kind), hook.get());
  UseHooks(hook, kKillBatchBytes);
  SqliteDb db;
  db.Open(":memory:");
  MustRun(&db, "SELECT actorkv_store('" + plan.store + "')");
  MustRun(&db, ImportCall(plan.store));
  MustRun(&db, kTables);
  MustRun(&db, "SELECT actorkv_unmigrate('a')");
  // And back to pairs that are made of the rows.
  MustRun(&db, kTables);
  MustRun(&db, "SELECT actorkv_unmigrate('a', 'tables')");
  ChildSay(kSaysDone);
}

class PairKillTest : public KillHarness {
 protected:
  void SetUp() override {
    std::ofstream file(store_ + ".kv.bin", std::ios::binary);
    for (int i = 0; i < kPairs; ++i) {
      file << EncodeKvBinEntry("key" + std::to_string(i * 7919 % kPairs),
                               std::string(200, static_cast<char>(i)));
    }
  }

  // A life that ends before commit `fatal`. True: it reached its end.
  bool Live(int fatal) {
    Close();
    std::filesystem::remove_all(store_);
    return LiveAs(kChild, fatal);
  }

  // Whatever is there is whole: nothing, or all pairs, and in the table as well
  // where that is there.
  void ExpectWhole() {
    const std::string state = Ask("SELECT state FROM actorkv_actors");
    if (state.empty() || state.find("error") == 0) return;
    EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_kv"), std::to_string(kPairs));
    EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
    SqliteDb db;
    ASSERT_EQ(db.Open(ActorUri(store_, "a") + "&mode=ro"), SQLITE_OK);
    if (db.QueryText("SELECT count(*) FROM sqlite_schema") == "0") return;
    EXPECT_EQ(db.QueryText("SELECT count(*) FROM _actorkv_kv"),
              std::to_string(kPairs));
  }

  void GoOn() {
    const std::string imported = Ask(ImportCall(store_));
    EXPECT_TRUE(imported == std::to_string(kPairs) ||
                imported.find("the actor exists already") != std::string::npos)
        << imported;
    EXPECT_EQ(Ask(kTables), "live");
    ExpectWhole();
    const std::string file = store_ + ".out";
    std::filesystem::remove(file);
    EXPECT_EQ(Ask("SELECT actorkv_export('a', '" + file + "', 'kv.bin') > 0"),
              "1");
    EXPECT_EQ(Ask("SELECT count(*) FROM (SELECT key, value FROM "
                  "actorkv_pairs('" +
                  file + "') EXCEPT SELECT key, value FROM actorkv_pairs('" +
                  store_ + ".kv.bin'))"),
              "0");
  }
};

TEST_F(PairKillTest, BeforeEachCommit) {
  ASSERT_TRUE(Live(0));
  ExpectWhole();
  GoOn();
  int commits = 1;
  while (!Live(commits)) {
    SCOPED_TRACE(commits);
    ExpectWhole();
    GoOn();
    ASSERT_FALSE(HasFailure());
    ASSERT_LT(++commits, kMaxCommits);
  }
  EXPECT_GT(commits, 10);
}

}  // namespace
}  // namespace actorkv
