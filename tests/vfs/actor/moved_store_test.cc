// Connections whose store is moved, removed or replaced under them: the next
// write is refused with SQLITE_READONLY_DBMOVED, as the unix VFS does, reads go
// on, and nothing else is touched.

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "kv/process/store_registry.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/testing.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

class MovedActorTest : public testing::Test {
 protected:
  void SetUp() override { Open(&db_, "alice"); }

  void TearDown() override {
    db_.Close();
    StoreRegistry::Instance()->CloseIdle();
  }

  std::string Uri(const std::string& store, const std::string& actor,
                  const std::string& more = "") const {
    return "file:" + dir_.File(store) + "/" + actor + "?vfs=actorkv" + more;
  }

  void Open(SqliteDb* db, const std::string& actor) {
    ASSERT_EQ(db->Open(Uri("store", actor)), SQLITE_OK) << LastError();
    ASSERT_EQ(db->Exec("CREATE TABLE IF NOT EXISTS t(x);"
                       "INSERT INTO t VALUES('before')"),
              SQLITE_OK);
  }

  void MoveAside() { fs::rename(path_, aside_); }

  // Puts another store, with an actor alice of its own, where the store was.
  void Swap() {
    MoveAside();
    SqliteDb other;
    ASSERT_EQ(other.Open(Uri("store", "alice")), SQLITE_OK) << LastError();
    ASSERT_EQ(other.Exec("CREATE TABLE t(x); INSERT INTO t VALUES('other')"),
              SQLITE_OK)
        << LastError();
    other.Close();
    StoreRegistry::Instance()->CloseIdle();
  }

  void ExpectRefused(const std::string& sql) {
    EXPECT_EQ(db_.Exec(sql), SQLITE_READONLY_DBMOVED) << sql << db_.Error();
    EXPECT_NE(LastError().find(path_ + " was moved, removed or replaced"),
              std::string::npos)
        << LastError();
    db_.Exec("ROLLBACK");  // where it is still to be done
    EXPECT_EQ(Rows(), "before");
  }

  std::string Rows() { return db_.QueryText("SELECT group_concat(x) FROM t"); }

  std::string RowsAt(const std::string& store) {
    SqliteDb db;
    EXPECT_EQ(db.Open(Uri(store, "alice", "&mode=ro")), SQLITE_OK)
        << LastError();
    return db.QueryText("SELECT group_concat(x) FROM t");
  }

  std::map<std::string, uintmax_t> Files(const std::string& name) {
    std::map<std::string, uintmax_t> files;
    for (const auto& entry : fs::directory_iterator(dir_.File(name))) {
      files[entry.path().filename().string()] = entry.file_size();
    }
    return files;
  }

  const TempDir dir_;
  const std::string path_ = dir_.File("store");
  const std::string aside_ = dir_.File("aside");
  SqliteDb db_;
};

TEST_F(MovedActorTest, TheNextWriteIsRefusedInEveryMode) {
  for (const std::string mode :
       {"journal_mode = DELETE", "journal_mode = TRUNCATE",
        "journal_mode = PERSIST", "journal_mode = MEMORY", "journal_mode = OFF",
        "locking_mode = EXCLUSIVE"}) {
    SCOPED_TRACE(mode);
    ASSERT_EQ(db_.Exec("DELETE FROM t; INSERT INTO t VALUES('before')"),
              SQLITE_OK)
        << LastError();
    ASSERT_EQ(db_.Exec("PRAGMA " + mode), SQLITE_OK);
    // One transaction in this mode: from the second on an exclusive lock stays.
    ASSERT_EQ(db_.Exec("UPDATE t SET x = 'before'"), SQLITE_OK);
    MoveAside();
    ExpectRefused("INSERT INTO t VALUES('refused')");
    ExpectRefused("CREATE TABLE u(x)");
    ExpectRefused("BEGIN IMMEDIATE; INSERT INTO t VALUES('refused'); COMMIT");
    fs::rename(aside_, path_);
    EXPECT_EQ(db_.Exec("INSERT INTO t VALUES('after')"), SQLITE_OK)
        << LastError();
    EXPECT_EQ(Rows(), "before,after");
    db_.Close();
    StoreRegistry::Instance()->CloseIdle();
    ASSERT_EQ(db_.Open(Uri("store", "alice")), SQLITE_OK) << LastError();
  }
}

TEST_F(MovedActorTest, SwappedForAnother) {
  Swap();
  const auto files = Files("store");
  ExpectRefused("INSERT INTO t VALUES('refused')");
  ExpectRefused("INSERT INTO t VALUES(randomblob(200000))");
  db_.Close();
  StoreRegistry::Instance()->CloseIdle();
  EXPECT_EQ(Files("store"), files);
  EXPECT_EQ(RowsAt("store"), "other");
  EXPECT_EQ(RowsAt("aside"), "before");
}

TEST_F(MovedActorTest, Removed) {
  RemoveDirectory(path_);
  ExpectRefused("INSERT INTO t VALUES('refused')");
  // Its name is free for another, beside this connection.
  SqliteDb second;
  ASSERT_EQ(second.Open(Uri("store", "alice")), SQLITE_OK) << LastError();
  EXPECT_EQ(second.Exec("CREATE TABLE t(x); INSERT INTO t VALUES('new')"),
            SQLITE_OK)
      << LastError();
  ExpectRefused("INSERT INTO t VALUES('refused')");
  EXPECT_EQ(second.QueryText("SELECT x FROM t"), "new");
}

// A transaction that SQLite let begin ends as a whole, in the directory where
// it began or not at all.
TEST_F(MovedActorTest, MovedInTheMiddleOfATransaction) {
  ASSERT_EQ(db_.Exec("BEGIN; INSERT INTO t VALUES('begun')"), SQLITE_OK);
  Swap();
  EXPECT_EQ(db_.Exec("COMMIT"), SQLITE_READONLY_DBMOVED) << LastError();
  db_.Exec("ROLLBACK");
  EXPECT_EQ(Rows(), "before");
  db_.Close();
  StoreRegistry::Instance()->CloseIdle();
  EXPECT_EQ(RowsAt("aside"), "before");
  EXPECT_EQ(RowsAt("store"), "other");
}

TEST_F(MovedActorTest, SeveralActorsInOneTransaction) {
  SqliteDb bob;
  Open(&bob, "bob");
  bob.Close();
  ASSERT_EQ(db_.Exec("ATTACH '" + Uri("store", "bob") + "' AS bob"), SQLITE_OK);
  MoveAside();
  EXPECT_EQ(db_.Exec("BEGIN; INSERT INTO t VALUES('refused');"
                     "INSERT INTO bob.t VALUES('refused'); COMMIT"),
            SQLITE_READONLY_DBMOVED);
  db_.Exec("ROLLBACK");
  EXPECT_EQ(Rows(), "before");
  EXPECT_EQ(db_.QueryText("SELECT group_concat(x) FROM bob.t"), "before");
  fs::rename(aside_, path_);
  EXPECT_EQ(db_.Exec("BEGIN; INSERT INTO t VALUES('after');"
                     "INSERT INTO bob.t VALUES('after'); COMMIT"),
            SQLITE_OK)
      << LastError();
}

// What writes by other ways than a transaction of SQL; and what would open the
// actor by its name.
TEST_F(MovedActorTest, FunctionsAreRefusedToo) {
  SqliteDb bob;
  Open(&bob, "bob");
  bob.Close();
  SqliteDb plain;
  ASSERT_EQ(plain.Open(dir_.File("plain.db")), SQLITE_OK);
  ASSERT_EQ(plain.Exec("CREATE TABLE t(x)"), SQLITE_OK);
  plain.Close();
  ASSERT_EQ(db_.Exec("INSERT INTO t VALUES('second');"
                     "SELECT actorkv_restore_point('alice', 'here')"),
            SQLITE_OK);
  Swap();
  const auto files = Files("store");
  const std::string copy = dir_.File("copy");
  const std::vector<std::string> calls = {
      "SELECT actorkv_restore('alice', '-1 commit')",
      "SELECT actorkv_fork('alice', 'f')",
      "SELECT actorkv_restore_point('alice', 'p')",
      "SELECT actorkv_drop_restore_point('alice', 'here')",
      "SELECT actorkv_retention(NULL, '2 hours')",
      "SELECT actorkv_quota('alice', 1, 0)",
      "SELECT actorkv_set('reclaim_interval_ms', 0)",
      "SELECT actorkv_takeover('alice')",
      "SELECT actorkv_rename('bob', 'bert')",
      "SELECT actorkv_delete('bob')",
      "SELECT actorkv_purge('bob')",
      "SELECT actorkv_import('new', '" + dir_.File("plain.db") + "')",
      "SELECT actorkv_backup('" + copy + "')",
      "SELECT * FROM actorkv_diff('alice', '-1 commit')"};
  for (const std::string& call : calls) {
    const std::string answer = db_.QueryText(call);
    EXPECT_NE(answer.find("is not the one that was opened"), std::string::npos)
        << call << ": " << answer;
  }
  EXPECT_FALSE(fs::exists(copy));
  EXPECT_EQ(Rows(), "before,second");
  db_.Close();
  StoreRegistry::Instance()->CloseIdle();
  EXPECT_EQ(Files("store"), files);
  EXPECT_EQ(RowsAt("store"), "other");
}

// Background work has nowhere to go either.
TEST_F(MovedActorTest, ClosingAMovedStoreLosesNothing) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(db_.Exec("PRAGMA synchronous = NORMAL;"
                       "INSERT INTO t VALUES('more')"),
              SQLITE_OK);
  }
  Swap();
  const auto files = Files("store");
  const std::string rows = Rows();
  db_.Close();
  StoreRegistry::Instance()->CloseIdle();
  EXPECT_EQ(RowsAt("aside"), rows);
  EXPECT_EQ(Files("store"), files);
}

}  // namespace
}  // namespace actorkv
