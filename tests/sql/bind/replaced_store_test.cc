// A process that follows a store which others delete, replace or move: a new
// connection shows what is there, and one that is open says that it does not.

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>

#include "kv/files/store_marker.h"
#include "tests/support/sql_harness.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

constexpr char kRows[] = "SELECT group_concat(x) FROM t";

// Stores are made ahead, so that what replaces one is done by the file system
// alone, as another process would, while this one still has the store open.
class ReplacedStoreTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    Make("earlier.made", "old");
    Make("new.made", "new");
    // A plain copy: the same id, the same count and random number.
    Copy("earlier.made", "old.made");
    SqliteDb db;
    ASSERT_EQ(db.Open("file:" + File("old.made") + "/a?vfs=actorkv"),
              SQLITE_OK);
    ASSERT_EQ(db.Exec("INSERT INTO t VALUES('more')"), SQLITE_OK);
    db.Close();
    StoreRegistry::Instance()->CloseIdle();
  }

  void Make(const std::string& name, const std::string& value) {
    SqliteDb db;
    ASSERT_EQ(db.Open("file:" + File(name) + "/a?vfs=actorkv"), SQLITE_OK)
        << LastError();
    ASSERT_EQ(
        db.Exec("CREATE TABLE t(x); INSERT INTO t VALUES('" + value + "')"),
        SQLITE_OK)
        << LastError();
    db.Close();
    StoreRegistry::Instance()->CloseIdle();
  }

  void Copy(const std::string& from, const std::string& to) {
    fs::copy(File(from), File(to));
  }

  int Follow(SqliteDb* db) {
    return db->Open(Uri("a", "&mode=ro"),
                    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
  }

  std::string Look() {
    SqliteDb db;
    if (Follow(&db) != SQLITE_OK) return "error: " + LastError();
    return db.QueryText(kRows);
  }

  // `replace` makes the store "store" another one, with `rows`.
  void Check(const std::function<void()>& replace, const std::string& rows) {
    for (int i = 0; i < 4; ++i) {
      SCOPED_TRACE(i);
      RemoveDirectory(File("store"));
      Copy("old.made", "store");
      // Once with a connection that stays, once with a store that lingers.
      const bool stays = i % 2 == 0;
      SqliteDb kept;
      ASSERT_EQ(Follow(&kept), SQLITE_OK) << LastError();
      ASSERT_EQ(kept.QueryText(kRows), "old,more");
      if (!stays) kept.Close();
      replace();
      if (stays) {
        EXPECT_EQ(kept.QueryText(kRows).substr(0, 6), "error:");
        EXPECT_EQ(kept.ErrorCode(), SQLITE_READONLY_DBMOVED);
        EXPECT_NE(LastError().find("is not the one that was opened"),
                  std::string::npos)
            << LastError();
      }
      for (int j = 0; j < 3; ++j) EXPECT_EQ(Look(), rows);
      if (stays) {
        EXPECT_EQ(kept.QueryText(kRows).substr(0, 6), "error:");
        ASSERT_EQ(Follow(&kept), SQLITE_OK) << LastError();
        EXPECT_EQ(kept.QueryText(kRows), rows);
      }
      kept.Close();
      StoreRegistry::Instance()->CloseIdle();
    }
  }

  void RemoveFiles() {
    for (const auto& entry : fs::directory_iterator(File("store"))) {
      fs::remove(entry);
    }
  }
  void CopyFiles(const std::string& from) {
    fs::copy(File(from), File("store"), fs::copy_options::recursive);
  }
};

TEST_F(ReplacedStoreTest, RemovedAndMadeAgain) {
  Check(
      [this] {
        RemoveDirectory(File("store"));
        Copy("new.made", "store");
      },
      "new");
}

TEST_F(ReplacedStoreTest, ACopyOfItselfFromEarlier) {
  Check(
      [this] {
        RemoveDirectory(File("store"));
        Copy("earlier.made", "store");
      },
      "old");
}

TEST_F(ReplacedStoreTest, AnotherMovedToItsName) {
  Check(
      [this] {
        Copy("new.made", "next");
        fs::rename(File("store"), File("previous"));
        fs::rename(File("next"), File("store"));
        RemoveDirectory(File("previous"));
      },
      "new");
}

// The directory stays, as with rsync --delete.
TEST_F(ReplacedStoreTest, FileByFile) {
  Check(
      [this] {
        RemoveFiles();
        CopyFiles("new.made");
      },
      "new");
}

TEST_F(ReplacedStoreTest, FileByFileFromEarlier) {
  Check(
      [this] {
        RemoveFiles();
        CopyFiles("earlier.made");
      },
      "old");
}

// A version of the past, and a legacy actor, are of a store as well.
TEST_F(ReplacedStoreTest, ThePastAndLegacyActorsGoWithIt) {
  ASSERT_EQ(Ask("SELECT actorkv_store('$DIR/store')"), File("store"));
  MakeActor("alice");
  EXPECT_EQ(Ask("SELECT actorkv_import('erin', 'tests/rivet/"
                "a-rk221-workflow-running.jsonl.gz') > 0"),
            "1");
  StoreRegistry::Instance()->CloseIdle();
  SqliteDb past;
  SqliteDb legacy;
  ASSERT_EQ(past.Open(Uri("alice", "&mode=ro&asof=head")), SQLITE_OK);
  ASSERT_EQ(legacy.Open(Uri("erin", "&mode=ro")), SQLITE_OK);
  EXPECT_EQ(past.QueryText("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(legacy.QueryText("SELECT count(*) > 0 FROM steps"), "1");
  RemoveDirectory(File("store"));
  EXPECT_EQ(past.QueryText("SELECT count(*) FROM t").substr(0, 6), "error:");
  EXPECT_EQ(past.ErrorCode(), SQLITE_READONLY_DBMOVED);
  EXPECT_EQ(legacy.QueryText("SELECT count(*) FROM steps").substr(0, 6),
            "error:");
  EXPECT_EQ(legacy.ErrorCode(), SQLITE_READONLY_DBMOVED);
}

TEST_F(ReplacedStoreTest, GoneAndBack) {
  Copy("old.made", "store");
  SqliteDb kept;
  ASSERT_EQ(Follow(&kept), SQLITE_OK) << LastError();
  fs::rename(File("store"), File("aside"));
  EXPECT_EQ(kept.QueryText(kRows).substr(0, 6), "error:");
  EXPECT_NE(Look().find("no such store"), std::string::npos);
  fs::rename(File("aside"), File("store"));
  EXPECT_EQ(kept.QueryText(kRows), "old,more");
}

TEST_F(ReplacedStoreTest, ABackupHasAnIdOfItsOwn) {
  MakeActor("alice");
  EXPECT_EQ(Ask("SELECT actorkv_backup('$DIR/copy') > 0"), "1");
  Marker store;
  Marker copy;
  ASSERT_OK(ReadMarker(File("store"), &store));
  ASSERT_OK(ReadMarker(File("copy"), &copy));
  EXPECT_EQ(copy.id.size(), 32u);
  EXPECT_NE(copy.id, store.id);
  EXPECT_EQ(Ask("SELECT actorkv_store('$DIR/copy')"), File("copy"));
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
  EXPECT_EQ(Ask("SELECT actor FROM actorkv_actors"), "alice");
}

// The store that a connection's functions serve is the one of its path.
TEST_F(ReplacedStoreTest, FunctionsServeWhatIsThere) {
  Copy("old.made", "store");
  EXPECT_EQ(Ask("SELECT actor FROM actorkv_actors"), "a");
  RemoveDirectory(File("store"));
  Copy("new.made", "store");
  MakeActor("b");
  EXPECT_EQ(Ask("SELECT group_concat(actor) FROM actorkv_actors"), "a,b");
}

}  // namespace
}  // namespace actorkv
