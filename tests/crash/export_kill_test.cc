// Exports and backups that are killed at each step: what they replace or make
// is the old or the new, whole, and what they leave beside it goes with the
// next one. tests/kv/files/new_file_test.cc has the same of files and
// directories alone.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "kv/files/temporary.h"
#include "tests/support/listing.h"
#include "tests/support/pair_files.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/step_kill.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

std::string Uri(const std::string& directory) {
  return "file:" + directory + "/store/alice?vfs=actorkv";
}

// What the child does, with the directory for $DIR.
std::string Statement(const std::string& name, const std::string& directory) {
  const std::string out = "'" + directory + "/out/target'";
  if (name == "backup") return "SELECT actorkv_backup(" + out + ")";
  if (name == "archive") {
    return "SELECT count(*) FROM actorkv_export_all(" + out + ", 'archive')";
  }
  if (name == "all") {
    return "SELECT count(*) FROM actorkv_export_all(" + out + ")";
  }
  return "SELECT actorkv_export('alice', " + out + ", '" + name +
         "', 'head', 1)";
}

// The argument: the name of the statement, a colon, the directory.
TEST(ExportKillChild, DISABLED_Write) {
  const std::string argument = ChildArgument();
  const size_t colon = argument.find(':');
  const std::string directory = argument.substr(colon + 1);
  const std::string sql = Statement(argument.substr(0, colon), directory);
  SqliteDb db;
  if (db.Open(Uri(directory)) != SQLITE_OK ||
      db.Exec("CREATE TABLE IF NOT EXISTS t(x); INSERT INTO t VALUES (1)") !=
          SQLITE_OK) {
    EndSteps(false);
  }
  BeginSteps();
  EndSteps(db.QueryText(sql).compare(0, 5, "error") != 0);
}

// Opens the backup and says whether it is sound.
TEST(ExportKillChild, DISABLED_Verify) {
  SqliteDb db;
  ASSERT_EQ(db.Open("file:" + ChildArgument() + "/alice?vfs=actorkv"),
            SQLITE_OK);
  EXPECT_GT(db.QueryInt("SELECT count(*) FROM t"), 0);
  EXPECT_EQ(db.QueryText("SELECT * FROM actorkv_verify"), "");
}

bool IsSoundStore(const std::string& path) {
  ChildProcess child("ExportKillChild.DISABLED_Verify", path);
  return child.WaitForSuccess();
}

bool IsSoundDatabase(const std::string& path) {
  SqliteDb db;
  return db.Open("file:" + path + "?vfs=unix&mode=ro") == SQLITE_OK &&
         db.QueryText("PRAGMA integrity_check") == "ok" &&
         db.QueryInt("SELECT count(*) FROM t") > 0;
}

class ExportKillTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directory(directory_.File("out")); }

  std::string Target() const { return directory_.File("out/target"); }

  // Kills it at each step; `check` looks at what is there then. Fewer lives
  // than these would be no test.
  void Kill(const std::string& name, int least,
            const std::function<void(bool finished)>& check) {
    const auto prepare = [&] {
      fs::remove_all(Target());
      if (name == "db") WriteContents(Target(), "old");
    };
    const auto check_all = [&](bool finished) {
      check(finished);
      RemoveLeftovers(directory_.File("out"));
      EXPECT_EQ(Listing(directory_.File("out")),
                fs::exists(Target()) ? "target" : "");
    };
    const int steps =
        KillAtEachStep("ExportKillChild.DISABLED_Write",
                       name + ":" + directory_.path(), prepare, check_all);
    if (steps == 0) GTEST_SKIP() << "tracing is not allowed";
    EXPECT_GE(steps, least);
  }

  TempDir directory_;
};

TEST_F(ExportKillTest, ADatabaseThatIsReplaced) {
  Kill("db", 6, [&](bool finished) {
    if (FileContents(Target()) == "old") {
      EXPECT_FALSE(finished);
    } else {
      EXPECT_TRUE(IsSoundDatabase(Target()));
    }
  });
}

TEST_F(ExportKillTest, ABackup) {
  Kill("backup", 20, [&](bool finished) {
    if (fs::exists(Target())) {
      EXPECT_TRUE(IsSoundStore(Target()));
    } else {
      EXPECT_FALSE(finished);
    }
  });
}

TEST_F(ExportKillTest, ADirectoryOfDatabases) {
  Kill("all", 5, [&](bool finished) {
    const std::string file = Target() + "/alice.db";
    if (fs::exists(file)) {
      EXPECT_TRUE(IsSoundDatabase(file));
    } else {
      EXPECT_FALSE(finished);
    }
    if (!fs::exists(Target())) return;
    RemoveLeftovers(Target());
    EXPECT_EQ(Listing(Target()), fs::exists(file) ? "alice.db" : "");
  });
}

TEST_F(ExportKillTest, AnArchive) {
  Kill("archive", 15, [&](bool finished) {
    if (!fs::exists(Target())) return;
    RemoveLeftovers(Target());
    const bool is_there = fs::exists(Target() + "/actors/alice");
    EXPECT_TRUE(is_there || !finished);
    for (const auto& entry : fs::directory_iterator(Target())) {
      const std::string name = entry.path().filename();
      EXPECT_TRUE(name == "actors" || name == "manifest.json") << name;
    }
    if (is_there) {
      EXPECT_EQ(Listing(Target() + "/actors/alice"), "kv.bin metadata.json");
    }
  });
}

}  // namespace
}  // namespace actorkv
