// actorkv_work: what is worked on, as a second connection and another process
// see it.

#include <unistd.h>

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kv/files/work_file.h"
#include "tests/support/child_process.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

constexpr char kRows[] =
    "SELECT what, actor, phase, done_bytes <= total_bytes, pid FROM "
    "actorkv_work";

// Calls `look` in the middle of what `db` does: work asks now and then whether
// it is to go on, by a statement on its connection.
class Looks {
 public:
  Looks(SqliteDb* db, std::function<void()> look)
      : db_(db), look_(std::move(look)) {
    sqlite3_progress_handler(
        db_->get(), 1,
        [](void* self) {
          static_cast<Looks*>(self)->look_();
          return 0;
        },
        this);
  }
  ~Looks() { sqlite3_progress_handler(db_->get(), 0, nullptr, nullptr); }
  Looks(const Looks&) = delete;
  Looks& operator=(const Looks&) = delete;

 private:
  SqliteDb* const db_;
  const std::function<void()> look_;
};

class WorkTest : public SqlTest {
 protected:
  // A legacy actor with a database of some MB.
  void MakeLegacy(const std::string& name) {
    MakeActor("source", 8000);
    Ask("SELECT actorkv_export('source', '$DIR/source.jsonl', 'jsonl')");
    ASSERT_EQ(Ask("SELECT actorkv_import('" + name +
                  "', '$DIR/source.jsonl') > 1000"),
              "1");
    ASSERT_EQ(Ask("SELECT actorkv_purge('source') > 0"), "1");
  }

  // What a second connection sees while the first runs `sql`.
  std::set<std::string> SeenDuring(const std::string& sql,
                                   const std::string& columns) {
    SqliteDb second;
    EXPECT_EQ(second.Open(":memory:"), SQLITE_OK);
    second.QueryText("SELECT actorkv_store('" + File("store") + "')");
    std::set<std::string> seen;
    const Looks looks(db(), [&] {
      seen.insert(second.QueryText("SELECT " + columns + " FROM actorkv_work"));
    });
    const std::string answer = Ask(sql);
    EXPECT_EQ(answer.find("error"), std::string::npos) << answer;
    seen.erase("");
    return seen;
  }
};

TEST_F(WorkTest, NothingIsThereWhenNothingIsDone) {
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_work"), "0");
  MakeActor("alice");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_work"), "0");
  SqliteDb db;
  ASSERT_EQ(db.Open(":memory:"), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM actorkv_work"), "0");
}

TEST_F(WorkTest, AMigrationIsSeenFromASecondConnection) {
  MakeLegacy("alice");
  const std::set<std::string> phases =
      SeenDuring("SELECT actorkv_migrate('alice')", "what, actor, phase");
  EXPECT_EQ(phases.count("migration|alice|recover"), 1u);
  EXPECT_EQ(phases.count("migration|alice|copy"), 1u);
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_work"), "0");
}

TEST_F(WorkTest, BytesOnlyRiseInAPhase) {
  MakeLegacy("alice");
  SqliteDb second;
  ASSERT_EQ(second.Open(":memory:"), SQLITE_OK);
  std::string phase;
  uint64_t done = 0;
  uint64_t largest = 0;
  {
    const Looks looks(db(), [&] {
      if (second.QueryText("SELECT count(*) FROM actorkv_work WHERE store = '" +
                           File("store") +
                           "' AND pid = " + std::to_string(getpid())) != "1") {
        return;
      }
      const std::string now =
          second.QueryText("SELECT phase FROM actorkv_work");
      const auto now_done = static_cast<uint64_t>(
          second.QueryInt("SELECT done_bytes FROM actorkv_work"));
      if (now == phase) {
        EXPECT_GE(now_done, done);
      }
      phase = now;
      done = now_done;
      EXPECT_EQ(second.QueryText("SELECT ifnull(total_bytes, done_bytes) >= "
                                 "done_bytes FROM actorkv_work"),
                "1")
          << phase;
      if (phase == "copy") {
        EXPECT_EQ(second.QueryText("SELECT total_bytes > 0 FROM actorkv_work"),
                  "1");
        largest = std::max(largest, done);
      }
    });
    EXPECT_EQ(Ask("SELECT actorkv_migrate('alice')"), "live");
  }
  EXPECT_GT(largest, uint64_t{3} << 20);
}

// The runbook's "does it move?".
TEST_F(WorkTest, ThePhaseInMigrationsMoves) {
  MakeLegacy("alice");
  SqliteDb second;
  ASSERT_EQ(second.Open(":memory:"), SQLITE_OK);
  second.QueryText("SELECT actorkv_store('" + File("store") + "')");
  std::set<std::string> phases;
  {
    const Looks looks(db(), [&] {
      phases.insert(
          second.QueryText("SELECT state, phase FROM actorkv_migrations"));
    });
    EXPECT_EQ(Ask("SELECT actorkv_migrate('alice')"), "live");
  }
  EXPECT_EQ(phases.count("importing|recover"), 1u);
  EXPECT_EQ(phases.count("importing|copy"), 1u);
  EXPECT_EQ(Ask("SELECT state, phase FROM actorkv_migrations"), "live|commit");
}

TEST_F(WorkTest, EachKindHasItsRow) {
  MakeActor("alice", 3000);
  MakeFile("plain.db", "", 3000);
  MakeFile("wal.db", "PRAGMA journal_mode = WAL", 3000);
  const auto saw = [&](const std::string& sql, const std::string& row) {
    const std::set<std::string> seen = SeenDuring(sql, "what, actor, phase");
    std::string all;
    for (const std::string& each : seen) all += each + "\n";
    EXPECT_EQ(seen.count(row), 1u) << sql << " showed:\n" << all;
  };
  saw("SELECT actorkv_import('bob', '$DIR/plain.db')", "import|bob|read");
  saw("SELECT actorkv_import('wal', '$DIR/wal.db')", "import|wal|read");
  saw("SELECT actorkv_export('alice', '$DIR/a.db')", "export|alice|write");
  saw("SELECT actorkv_export('alice', '$DIR/a.jsonl', 'jsonl')",
      "export|alice|write");
  saw("SELECT actorkv_export('alice', '$DIR/s.db', 'salvage')",
      "export|alice|write");
  saw("SELECT actorkv_export('alice', '$DIR/archive', 'archive')",
      "export|alice|write");
  saw("SELECT count(*) FROM actorkv_export_all('$DIR/all')",
      "export|bob|write");
  saw("SELECT actorkv_import('pairs', '$DIR/a.jsonl')", "import|pairs|read");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('pairs', 'tables')"), "live");
  saw("SELECT actorkv_unmigrate('pairs', 'tables')", "migration|pairs|read");
  saw("SELECT count(*) FROM actorkv_verify", "verify||pages");
  saw("SELECT count(*) FROM actorkv_verify('alice')", "verify|alice|chunks");
  saw("SELECT count(*) FROM actorkv_verify('alice', 'head')",
      "verify|alice|pages");
  saw("SELECT count(*) FROM actorkv_doctor('alice')", "doctor|alice|head");
  saw("SELECT count(*) FROM actorkv_doctor('alice')",
      "doctor|alice|quick_check");
  saw("SELECT actorkv_backup('$DIR/backup')", "backup||checkpoint");
  saw("SELECT actorkv_reclaim()", "reclaim||remove");
  saw("SELECT count(*) FROM actorkv_diff('alice', '-1 commit')",
      "diff|alice|rows");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_work"), "0");
}

TEST_F(WorkTest, WhatEndsWithAnErrorLeavesNoRow) {
  MakeLegacy("alice");
  WriteFile("bad.jsonl", "{\"k\":\"0203\",\"v\":\"00\"}\n{\"k\":");
  EXPECT_NE(Ask("SELECT actorkv_import('bad', '$DIR/bad.jsonl')").find("error"),
            std::string::npos);
  ExpectInterrupted("actorkv_migrate('alice')");
  EXPECT_NE(Ask("SELECT actorkv_export('alice', '$DIR/none/x')").find("error"),
            std::string::npos);
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_work"), "0");
}

TEST_F(WorkTest, OutcomesAreCounted) {
  const auto value = [&](const std::string& name) {
    return std::stoll(
        Ask("SELECT value FROM actorkv_metrics WHERE name = '" + name + "'"));
  };
  const int64_t refused = value("refused_pairs");
  const int64_t failed = value("import_failures");
  WriteFile("twice.jsonl",
            "{\"k\":\"0203\",\"v\":\"00\"}\n{\"k\":\"0203\",\"v\":\"00\"}\n");
  Ask("SELECT actorkv_import('bad', '$DIR/twice.jsonl')");
  EXPECT_EQ(value("refused_pairs") - refused, 1);
  EXPECT_EQ(value("import_failures") - failed, 1);
  const int64_t imports = value("imports");
  const int64_t migrations = value("migrations");
  const int64_t interrupts = value("migration_interrupts");
  const int64_t copies = value("migration_copy_latency_count");
  MakeLegacy("alice");
  {
    SqliteDb second;
    ASSERT_EQ(second.Open(":memory:"), SQLITE_OK);
    const Looks looks(db(), [&] {
      if (second.QueryText("SELECT phase FROM actorkv_work") == "recover") {
        sqlite3_interrupt(db()->get());
      }
    });
    EXPECT_NE(Ask("SELECT actorkv_migrate('alice')").find("interrupted"),
              std::string::npos);
  }
  EXPECT_EQ(Ask("SELECT actorkv_migrate('alice')"), "live");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('alice')"), "live");
  EXPECT_EQ(value("imports") - imports, 1);
  EXPECT_EQ(value("migrations") - migrations, 1);
  EXPECT_EQ(value("migration_interrupts") - interrupts, 1);
  EXPECT_EQ(value("migration_copy_latency_count") - copies, 1);
}

TEST_F(WorkTest, ColdOpensAndFirstReadsAreTimed) {
  const auto value = [&](const std::string& name) {
    return std::stoll(Ask("SELECT value FROM actorkv_metrics WHERE name = '" +
                          name + "_count'"));
  };
  MakeActor("alice", 200);
  StoreRegistry::Instance()->CloseIdle();
  const int64_t opens = value("cold_open_latency");
  const int64_t reads = value("first_read_latency");
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
  ASSERT_EQ(db.QueryText("SELECT count(*) FROM t WHERE length(x) > 0"), "200");
  EXPECT_EQ(value("cold_open_latency") - opens, 1);
  EXPECT_EQ(value("first_read_latency") - reads, 1);
  SqliteDb again;
  ASSERT_EQ(again.Open(Uri("alice")), SQLITE_OK);
  ASSERT_EQ(again.QueryText("SELECT count(*) FROM t WHERE length(x) > 0"),
            "200");
  EXPECT_EQ(value("cold_open_latency") - opens, 1);
  EXPECT_EQ(value("first_read_latency") - reads, 1);
}

// --- Files ------------------------------------------------------------------

TEST_F(WorkTest, AReadOnlyOpenMakesNoFile) {
  MakeActor("alice");
  StoreRegistry::Instance()->CloseIdle();
  const std::string file = File("store/") + kWorkFileName;
  ASSERT_TRUE(std::filesystem::exists(file));
  std::filesystem::remove(file);
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice", "&mode=ro")), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM actorkv_verify"), "0");
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM actorkv_work"), "0");
  EXPECT_FALSE(std::filesystem::exists(file));
}

// A follower's work is shown in its process.
TEST_F(WorkTest, AFollowersWorkIsSeenHere) {
  MakeActor("alice", 3000);
  StoreRegistry::Instance()->CloseIdle();
  const std::set<std::string> seen = SeenDuring(
      "SELECT count(*) FROM actorkv_verify('alice')", "what, actor, phase");
  EXPECT_EQ(seen.count("verify|alice|pages"), 1u);
}

TEST_F(WorkTest, ABackupHasNoneOfIt) {
  MakeActor("alice");
  EXPECT_NE(Ask("SELECT actorkv_backup('$DIR/backup')"), "");
  EXPECT_TRUE(std::filesystem::exists(File("store/") + kWorkFileName));
  EXPECT_FALSE(std::filesystem::exists(File("backup/") + kWorkFileName));
}

TEST_F(WorkTest, AnyFileInItsPlaceIsRead) {
  MakeActor("alice");
  StoreRegistry::Instance()->CloseIdle();
  for (const std::string& bytes :
       {std::string(), std::string("x"), std::string(16384, '\xff')}) {
    WriteFile(std::string("store/") + kWorkFileName, bytes);
    EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_work"), "0");
  }
  MakeActor("bob");
  EXPECT_EQ(std::filesystem::file_size(File("store/") + kWorkFileName), 16384u);
}

// --- Another process ---------------------------------------------------------

// Migrates alice in the store of the argument, and waits in the middle.
TEST(WorkChild, DISABLED_Migrates) {
  SqliteDb db;
  ASSERT_EQ(db.Open(":memory:"), SQLITE_OK);
  SqliteDb second;
  ASSERT_EQ(second.Open(":memory:"), SQLITE_OK);
  bool waited = false;
  const Looks looks(&db, [&] {
    if (waited || second.QueryText("SELECT phase FROM actorkv_work WHERE "
                                   "done_bytes > 0") != "copy") {
      return;
    }
    waited = true;
    ChildSay('r');
    ChildHear();
  });
  EXPECT_EQ(
      db.QueryText("SELECT actorkv_migrate('" + ChildArgument() + "/alice')"),
      "live");
  EXPECT_TRUE(waited);
}

TEST_F(WorkTest, AnotherProcessSeesAMigration) {
  MakeLegacy("alice");
  StoreRegistry::Instance()->CloseIdle();
  ChildProcess child("WorkChild.DISABLED_Migrates", File("store"));
  ASSERT_EQ(child.Hear(), 'r');
  const std::string pid = std::to_string(child.pid());
  EXPECT_EQ(Ask(kRows), "migration|alice|copy|1|" + pid);
  EXPECT_EQ(Ask("SELECT store, rate_bytes_per_s > 0, started_at_ms / 1000 "
                "BETWEEN unixepoch() - 600 AND unixepoch() FROM actorkv_work"),
            File("store") + "|1|1");
  EXPECT_EQ(Ask("SELECT state, phase FROM actorkv_migrations"),
            "importing|copy");
  child.Say('g');
  EXPECT_TRUE(child.WaitForSuccess());
  EXPECT_EQ(Ask(kRows), "");
}

TEST_F(WorkTest, AKilledProcessLeavesNoRow) {
  MakeLegacy("alice");
  StoreRegistry::Instance()->CloseIdle();
  {
    ChildProcess child("WorkChild.DISABLED_Migrates", File("store"));
    ASSERT_EQ(child.Hear(), 'r');
    EXPECT_NE(Ask(kRows), "");
    child.Kill();
  }
  EXPECT_EQ(Ask(kRows), "");
  EXPECT_EQ(Ask("SELECT actorkv_migrate('alice')"), "live");
  EXPECT_EQ(Ask(kRows), "");
}

}  // namespace
}  // namespace actorkv
