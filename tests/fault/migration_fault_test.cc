// Every commit and every read of the engine fails once, in every way, under
// every step of a
// legacy actor's life: import, migration, its tables, the way back, the drop
// of the pairs. Afterwards the actor is as before or as after the step, and
// the step, done again, ends as if nothing had happened.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "kv/process/store_registry.h"
#include "tests/support/forwarding_engine.h"
#include "tests/support/hostile_engine.h"
#include "tests/support/memory_engine.h"
#include "tests/support/migrate_harness.h"
#include "tests/support/store_access.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

constexpr size_t kMaxBatchBytes = 128 << 10;  // so that all takes many

struct Fault {
  const char* name;
  CommitFault commit;
  Status status;
  bool is_read = false;
};

std::vector<Fault> AllFaults() {
  return {
      {"I/O error", CommitFault::kFailed, Status::IOError("injected")},
      {"no space", CommitFault::kFailed, Status::NoSpace("injected")},
      {"conflict", CommitFault::kConflict, Status()},
      {"unknown, landed", CommitFault::kUnknownLanded, Status()},
      {"unknown, lost", CommitFault::kUnknownLost, Status()},
      {"read error", {}, Status::IOError("injected"), true},
      {"damage", {}, Status::Corruption("injected"), true},
  };
}

// A step of the life of actor `a`. $DIR in texts is the test's directory.
struct Step {
  std::vector<std::string> before;  // what comes before it
  std::string sql;
  // What is left of one that failed may be any of these; the last is that of
  // one that did its work.
  std::vector<std::string> states;
};

class MigrationFaultTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string sql =
        "CREATE TABLE t(x); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT "
        "i + 1 FROM c WHERE i < 500) INSERT INTO t SELECT i || "
        "hex(zeroblob(250)) "
        "FROM c;";
    const std::string bytes =
        LegacyDump(temp_.File("src"), sql,
                   {{std::string("\x04key"), "value"},
                    {std::string("\x06\x01\x15\x01", 4), "name"}});
    std::ofstream(temp_.File("a.kv.bin"), std::ios::binary) << bytes;
  }
  void TearDown() override {
    End();
    StoreRegistry::Instance()->SetEngineFactoryForTesting(nullptr);
  }

  // A new world, which has gone as far as the step needs.
  void Begin(const Step& step) {
    End();
    UseEngine(NewMemoryEngine(UnboundedLimits()));
    Open();
    for (const std::string& sql : step.before) {
      ASSERT_EQ(Ask(sql).substr(0, 5).find("error"), std::string::npos)
          << sql << db_.Error();
    }
  }

  // Fails the nth call of the step. False: there is no such call.
  bool Try(const Step& step, const Fault& fault, uint64_t n) {
    Begin(step);
    if (fault.is_read) {
      plan_->FailRead(n, fault.status);
    } else {
      plan_->FailCommit(n, fault.commit, fault.status);
    }
    const std::string answer = Ask(step.sql);
    const int code = db_.ErrorCode() & 0xff;
    const bool fired = plan_->fired_count() > 0;
    plan_->Reset();
    const std::string seen = Look();
    if (code == SQLITE_OK && answer.find("failed") == std::string::npos) {
      EXPECT_EQ(seen, step.states.back()) << answer;
    } else {
      EXPECT_TRUE(fired) << answer;
      EXPECT_EQ(std::count(step.states.begin(), step.states.end(), seen), 1)
          << seen << " after " << answer;
    }
    if (n % 2 == 0) {
      Close();
      Open();
      EXPECT_EQ(Look(), seen) << "after a restart";
    }
    // Nobody holds a lease, and nothing stands in the way.
    const std::string again = Ask(step.sql);
    EXPECT_TRUE((db_.ErrorCode() & 0xff) == SQLITE_OK ||
                again.find("the actor exists already") != std::string::npos)
        << again;
    EXPECT_EQ(Look(), step.states.back()) << again;
    EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
    return fired;
  }

  void FailEveryCall(const Step& step) {
    for (const Fault& fault : AllFaults()) {
      uint64_t n = 1;
      while (Try(step, fault, n)) {
        ASSERT_FALSE(testing::Test::HasFailure())
            << fault.name << " at call " << n;
        ++n;
      }
      ASSERT_FALSE(testing::Test::HasFailure()) << fault.name << " after " << n;
      EXPECT_GT(n, 1u) << fault.name;
    }
  }

  std::string Ask(std::string sql) {
    for (size_t at = 0; (at = sql.find("$DIR")) != std::string::npos;) {
      sql.replace(at, 4, temp_.path());
    }
    return db_.QueryText(sql);
  }

  // "layout content pairs", or "none".
  std::string Look() {
    const std::string layout = Ask("SELECT layout FROM actorkv_actors");
    if (layout.empty() ||
        layout.find("the store is not set up yet") != std::string::npos) {
      return "none";
    }
    SqliteDb db;
    if (db.Open(ActorUri(store_, Actor())) != SQLITE_OK) return LastError();
    return layout + " " + db.QueryText("SELECT count(*) FROM sqlite_master") +
           " " + db.QueryText("PRAGMA integrity_check") + " " +
           db.QueryText(is_archive_ ? "SELECT count(*) FROM ev"
                                    : "SELECT count(*), sum(length(x)) FROM "
                                      "t") +
           " " +
           Ask("SELECT group_concat(value) FROM (SELECT value FROM actorkv_kv "
               "WHERE namespace NOT LIKE 'sqlite%' AND length(value) < 9 ORDER "
               "BY key)");
  }

  void UseEngine(const std::shared_ptr<Engine>& kept) {
    EngineLimits limits = UnboundedLimits();
    limits.max_batch_bytes = kMaxBatchBytes;
    limits.one_process = true;  // the lease of a dead one is free at once
    StoreRegistry::Instance()->SetEngineFactoryForTesting(
        [kept, limits, plan = plan_](const std::string&, OpenMode,
                                     std::unique_ptr<Engine>* engine) {
          *engine = NewHostileEngine(std::make_unique<ForwardingEngine>(kept),
                                     plan, limits);
          return Status::Ok();
        });
  }

  void Open() {
    ASSERT_EQ(db_.Open(":memory:"), SQLITE_OK);
    ASSERT_EQ(Ask("SELECT actorkv_store('$DIR/store')"), store_);
  }
  void Close() {
    db_.Close();
    CloseStore(store_);
  }
  void End() {
    Close();
    std::error_code ignored;
    std::filesystem::remove_all(store_, ignored);
  }

  std::string Actor() const { return is_archive_ ? "a4v2" : "a"; }
  const TempDir& temp() const { return temp_; }
  HostilePlan* plan() { return plan_.get(); }
  const std::string& store() const { return store_; }
  void set_is_archive() { is_archive_ = true; }

 private:
  TempDir temp_;
  const std::string store_ = temp_.File("store");
  const std::shared_ptr<HostilePlan> plan_ = std::make_shared<HostilePlan>();
  SqliteDb db_;
  bool is_archive_ = false;
};

const std::string kImport = "SELECT actorkv_import('a', '$DIR/a.kv.bin')";
const std::string kMigrate = "SELECT actorkv_migrate('a')";
const std::string kTables = "SELECT actorkv_migrate('a', 'tables')";
const std::string kUnmigrate = "SELECT actorkv_unmigrate('a')";
const std::string kDrop = "SELECT actorkv_drop_legacy('a')";

const std::string kContent = " ok 500|251392 value,name";
const std::string kLegacy = "1 1" + kContent;
const std::string kLive = "2 1" + kContent;
// Six tables, and an index for the key of each that has one of its own.
const std::string kLiveWithTables = "2 12" + kContent;
// Eleven tables and five indexes; their rows are seen beside the pairs.
const std::string kLiveWithRivetsTables =
    "2 17 ok 500|251392 value,value,name,name";

TEST_F(MigrationFaultTest, Import) {
  FailEveryCall({{}, kImport, {"none", kLegacy}});
}

TEST_F(MigrationFaultTest, ImportPairs) {
  FailEveryCall({{},
                 "SELECT actorkv_import_pairs('a', actorkv_pair_set(key, "
                 "value)) FROM actorkv_pairs('$DIR/a.kv.bin')",
                 {"none", kLegacy}});
}

TEST_F(MigrationFaultTest, Migrate) {
  FailEveryCall({{kImport}, kMigrate, {kLegacy, kLive}});
}

TEST_F(MigrationFaultTest, MigrateAll) {
  FailEveryCall(
      {{kImport}, "SELECT * FROM actorkv_migrate_all", {kLegacy, kLive}});
}

TEST_F(MigrationFaultTest, MigrateWithTables) {
  FailEveryCall({{kImport}, kTables, {kLegacy, kLive, kLiveWithTables}});
}

TEST_F(MigrationFaultTest, Unmigrate) {
  FailEveryCall({{kImport, kMigrate}, kUnmigrate, {kLive, kLegacy}});
}

// Also where a commit of the tables could not say that it was done.
TEST_F(MigrationFaultTest, UnmigrateAfterTables) {
  FailEveryCall({{kImport, kTables}, kUnmigrate, {kLiveWithTables, kLegacy}});
}

// The pairs are made anew, and the old ones are there until one commit says
// whose they are.
TEST_F(MigrationFaultTest, UnmigrateToTables) {
  FailEveryCall({{kImport, kTables},
                 "SELECT actorkv_unmigrate('a', 'tables')",
                 {kLiveWithTables, kLegacy}});
}

TEST_F(MigrationFaultTest, MigrateWithRivetsTables) {
  FailEveryCall({{kImport},
                 "SELECT actorkv_migrate('a', 'rivet-tables')",
                 {kLegacy, kLive, kLiveWithRivetsTables}});
}

TEST_F(MigrationFaultTest, DropLegacy) {
  const Step step = {{kImport, kMigrate}, kDrop, {kLive}};
  FailEveryCall(step);
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_kv"), "2");
}

// The tables are the migration's own, whatever befell their commit.
TEST_F(MigrationFaultTest, TablesDoNotStandInTheWayBack) {
  for (uint64_t n = 1;; ++n) {
    SCOPED_TRACE(n);
    const Step step = {{kImport, kMigrate}, kTables, {}};
    ASSERT_TRUE(n < 50);
    Begin(step);
    plan()->FailCommit(n, CommitFault::kUnknownLanded);
    (void)Ask(kTables);
    const bool fired = plan()->fired_count() > 0;
    plan()->Reset();
    EXPECT_EQ(Ask(kTables), "live");
    EXPECT_EQ(Ask(kUnmigrate), "legacy");
    if (!fired) break;
  }
}

TEST_F(MigrationFaultTest, ImportOfADatabaseOfRivetsNextLayout) {
  const std::string archive = temp().File("archive");
  std::filesystem::copy("tests/rivet/archive", archive,
                        std::filesystem::copy_options::recursive);
  for (const char* other : {"a1plain", "a2workflow", "a3crashed"}) {
    std::filesystem::remove_all(archive + "/actors/" + other);
  }
  std::ofstream(archive + "/manifest.json")
      << R"({"version":2,"generated_at":1777000001000,"source_cluster":null,)"
      << R"("source_namespace_id":"i","source_namespace_name":"n",)"
      << R"("selector":{"all":true},"actor_count":1})";
  set_is_archive();
  const Step step = {
      {}, "SELECT * FROM actorkv_import_all('$DIR/archive')", {"none", ""}};
  Begin(step);
  const std::string answer = Ask(step.sql);
  ASSERT_EQ(Ask("SELECT state FROM actorkv_actors"), "live") << answer;
  const std::string done = Look();
  EXPECT_NE(done.find(" ok 720 "), std::string::npos) << done;
  FailEveryCall({{}, step.sql, {"none", done}});
}

// On an engine whose readers see the newest pairs, a view of dropped ones
// gives an error, not zeros.
TEST_F(MigrationFaultTest, DroppedPairsAreNeverZeros) {
  Begin({{kImport}, "", {}});
  SqliteDb view;
  ASSERT_EQ(view.Open(ActorUri(store(), "a")), SQLITE_OK);
  view.Exec("PRAGMA cache_size = 5");
  EXPECT_EQ(view.QueryText("SELECT count(*) FROM t WHERE rowid < 9"), "8");
  ASSERT_EQ(Ask(kMigrate), "live");
  ASSERT_EQ(Ask(kDrop + " > 250000"), "1");
  EXPECT_EQ(view.QueryText("SELECT sum(length(x)) FROM t"),
            "error: disk I/O error");
  EXPECT_NE(LastError().find("the legacy pairs went while they were read: open "
                             "the actor again: actor=a"),
            std::string::npos)
      << LastError();
}

}  // namespace
}  // namespace actorkv
