// actorkv_default_vfs(2): an actor where the directory of a name is a store,
// and elsewhere a plain file, as the VFS that was the default before opens it.

#include "vfs/sqlite/default_vfs.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "kv/process/store_registry.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/testing.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

constexpr int kNoUri = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;

class DefaultVfsTest : public testing::Test {
 protected:
  void SetUp() override {
    before_ = fs::current_path();
    fs::current_path(directory_.path());
    Set(DefaultVfs::kStores);
  }
  void TearDown() override {
    Set(DefaultVfs::kBase);
    SetDefaultStore("");
    fs::current_path(before_);
    StoreRegistry::Instance()->CloseIdle();
  }

  static DefaultVfs Set(DefaultVfs value) {
    DefaultVfs previous = DefaultVfs::kBase;
    EXPECT_OK(SetDefaultVfs(value, &previous));
    return previous;
  }

  static void Make(const std::string& name, const std::string& value) {
    SqliteDb db;
    ASSERT_EQ(db.Open(name, kNoUri), SQLITE_OK) << name << LastError();
    ASSERT_EQ(
        db.Exec("CREATE TABLE t(x); INSERT INTO t VALUES('" + value + "');"),
        SQLITE_OK)
        << db.Error() << LastError();
  }
  static std::string Read(const std::string& name,
                          int flags = SqliteDb::kReadWriteCreate) {
    SqliteDb db;
    if (db.Open(name, flags) != SQLITE_OK) return "cannot open " + LastError();
    return db.QueryText("SELECT group_concat(x) FROM t");
  }
  std::string File(const std::string& name) const {
    return directory_.File(name);
  }

 private:
  const TempDir directory_;
  fs::path before_;
};

// Such as one that traces or encrypts: SQLite asks it, and it asks ours.
TEST_F(DefaultVfsTest, AnotherVfsMayStandBeforeOurs) {
  for (const DefaultVfs value : {DefaultVfs::kActors, DefaultVfs::kStores}) {
    Set(value);
    sqlite3_vfs above = *OurVfs();
    above.zName = "above";
    ASSERT_EQ(sqlite3_vfs_register(&above, 1), SQLITE_OK);
    EXPECT_EQ(GetDefaultVfs(), value);
    const std::string name =
        "new" + std::to_string(static_cast<int>(value)) + ".store/alice";
    Make(name, "an actor");
    EXPECT_EQ(Read(name), "an actor");
    sqlite3_vfs_unregister(&above);
  }
}

TEST_F(DefaultVfsTest, TheFunctionSetsAndTells) {
  SqliteDb db;
  ASSERT_EQ(db.Open(":memory:"), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT actorkv_default_vfs(1)"), "2");
  EXPECT_EQ(db.QueryText("SELECT actorkv_default_vfs(2)"), "1");
  EXPECT_EQ(db.QueryText("SELECT actorkv_default_vfs(2)"), "2");
  EXPECT_EQ(db.QueryText("SELECT actorkv_default_vfs(0)"), "2");
  EXPECT_EQ(db.QueryText("SELECT actorkv_default_vfs(2)"), "0");
  for (const char* value : {"3", "-1", "'on'", "NULL", "0.5"}) {
    const std::string answer =
        db.QueryText(std::string("SELECT actorkv_default_vfs(") + value + ")");
    EXPECT_NE(answer.find("neither 0 nor 1 nor 2"), std::string::npos)
        << value << ": " << answer;
  }
}

TEST_F(DefaultVfsTest, TheDirectoryDecides) {
  // Missing, empty, and a store by then.
  Make("new.store/alice", "an actor");
  fs::create_directory("empty.store");
  Make("empty.store/alice", "another");
  EXPECT_TRUE(fs::exists("new.store/actorkv.format"));
  EXPECT_FALSE(fs::exists("new.store/alice"));
  EXPECT_EQ(Read("file:empty.store/alice?vfs=actorkv"), "another");
  // A store of another name.
  fs::rename("empty.store", "shop");
  StoreRegistry::Instance()->CloseIdle();
  fs::create_directory_symlink("shop", "link");
  EXPECT_EQ(Read("shop/alice", kNoUri), "another");
  EXPECT_EQ(Read(File("link/alice"), kNoUri), "another");
  // All else is a file.
  fs::create_directory("plain");
  fs::create_directory("full.store");
  std::ofstream("full.store/letter.txt") << "x";
  for (const char* name : {"bare", "plain/x.db", "./y.db", "full.store/z.db"}) {
    Make(name, "a file");
    EXPECT_TRUE(fs::is_regular_file(name)) << name;
    EXPECT_EQ(Read("file:" + std::string(name) + "?vfs=unix"), "a file");
  }
  EXPECT_NE(Read("missing/x.db", kNoUri).find("cannot open"),
            std::string::npos);
  EXPECT_FALSE(fs::exists("missing"));
}

TEST_F(DefaultVfsTest, ABareNameIsAFileAlsoWithADefaultStore) {
  Make("s.store/alice", "an actor");
  SetDefaultStore(File("s.store"));
  Make("alice", "a file");
  EXPECT_TRUE(fs::is_regular_file("alice"));
  EXPECT_EQ(Read("alice", kNoUri), "a file");
  // Where the current directory is a store it is an actor's.
  fs::current_path("s.store");
  EXPECT_EQ(Read("alice", kNoUri), "an actor");
  fs::current_path("..");
}

TEST_F(DefaultVfsTest, UrisThatSqliteReads) {
  EXPECT_EQ(Read("file:odd/alice?vfs=actorkv"), "error: no such table: t");
  EXPECT_TRUE(fs::exists("odd/actorkv.format"));
  Make("s.store/alice", "an actor");
  EXPECT_EQ(Read("file:s.store/alice?mode=ro"), "an actor");
  EXPECT_EQ(Read("file:s.store/alice?asof=1"), "");
  Make("x.db", "a file");
  EXPECT_EQ(Read("file:x.db?mode=ro"), "a file");
  EXPECT_EQ(Read("file:x.db?immutable=1"), "a file");
}

TEST_F(DefaultVfsTest, APlainFileIsOneInEveryRespect) {
  SqliteDb db;
  ASSERT_EQ(db.Open("p.db", kNoUri), SQLITE_OK);
  EXPECT_STREQ(sqlite3_db_filename(db.get(), "main"), File("p.db").c_str());
  ASSERT_EQ(db.Exec("PRAGMA journal_mode=PERSIST; CREATE TABLE t(x);"),
            SQLITE_OK);
  EXPECT_TRUE(fs::exists("p.db-journal"));
  EXPECT_EQ(db.QueryText("PRAGMA journal_mode=WAL"), "wal");
  ASSERT_EQ(db.Exec("INSERT INTO t VALUES('in the wal')"), SQLITE_OK);
  EXPECT_TRUE(fs::exists("p.db-wal"));
  EXPECT_TRUE(fs::exists("p.db-shm"));
  EXPECT_EQ(Read("file:p.db?vfs=unix"), "in the wal");
  EXPECT_EQ(db.QueryText("PRAGMA journal_mode=DELETE"), "delete");
  EXPECT_FALSE(fs::exists("p.db-wal"));
  // Locks are those of the file, whoever holds them.
  SqliteDb other;
  ASSERT_EQ(other.Open("file:p.db?vfs=unix"), SQLITE_OK);
  ASSERT_EQ(other.Exec("BEGIN IMMEDIATE; INSERT INTO t VALUES('other')"),
            SQLITE_OK);
  EXPECT_EQ(db.Exec("INSERT INTO t VALUES('not now')"), SQLITE_BUSY);
  ASSERT_EQ(other.Exec("COMMIT"), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TEMP TABLE u(x); INSERT INTO u VALUES(1);"
                    "INSERT INTO t VALUES('mine'); VACUUM INTO 'q.db';"),
            SQLITE_OK)
      << db.Error();
  EXPECT_TRUE(fs::is_regular_file("q.db"));
  EXPECT_EQ(Read("file:q.db?vfs=unix"), "in the wal,other,mine");
  SqliteDb copy;
  ASSERT_EQ(copy.Open("bk.db", kNoUri), SQLITE_OK);
  sqlite3_backup* backup =
      sqlite3_backup_init(copy.get(), "main", db.get(), "main");
  EXPECT_EQ(sqlite3_backup_step(backup, -1), SQLITE_DONE);
  EXPECT_EQ(sqlite3_backup_finish(backup), SQLITE_OK);
  EXPECT_EQ(Read("file:bk.db?vfs=unix"), "in the wal,other,mine");
}

TEST_F(DefaultVfsTest, BackupAndVacuumOfAnActorMakeFiles) {
  SqliteDb db;
  ASSERT_EQ(db.Open("s.store/alice", kNoUri), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x); INSERT INTO t VALUES('row');"
                    "VACUUM INTO 'x.db'; VACUUM INTO 's.store/copy';"),
            SQLITE_OK)
      << db.Error() << LastError();
  EXPECT_EQ(Read("file:x.db?vfs=unix"), "row");
  EXPECT_EQ(Read("file:s.store/copy?vfs=actorkv"), "row");
  SqliteDb copy;
  ASSERT_EQ(copy.Open("bk.db", kNoUri), SQLITE_OK);
  sqlite3_backup* backup =
      sqlite3_backup_init(copy.get(), "main", db.get(), "main");
  EXPECT_EQ(sqlite3_backup_step(backup, -1), SQLITE_DONE);
  EXPECT_EQ(sqlite3_backup_finish(backup), SQLITE_OK);
  EXPECT_EQ(Read("file:bk.db?vfs=unix"), "row");
}

// A super-journal beside main, in a directory that is remembered.
TEST_F(DefaultVfsTest, SeveralFilesAndActorsOnOneConnection) {
  SqliteDb db;
  ASSERT_EQ(db.Open("p.db", kNoUri), SQLITE_OK);
  fs::create_directory("sub");
  ASSERT_EQ(db.Exec("ATTACH 'sub/q.db' AS q; ATTACH 's.store/alice' AS a;"
                    "CREATE TABLE main.t(x); CREATE TABLE q.t(x);"
                    "CREATE TABLE a.t(x);"),
            SQLITE_OK)
      << db.Error() << LastError();
  ASSERT_EQ(db.Exec("BEGIN; INSERT INTO main.t VALUES(1);"
                    "INSERT INTO q.t VALUES(1); COMMIT;"),
            SQLITE_OK)
      << db.Error() << LastError();
  ASSERT_EQ(db.Exec("INSERT INTO a.t VALUES(1)"), SQLITE_OK);
  EXPECT_NE(db.Exec("BEGIN; INSERT INTO a.t VALUES(2);"
                    "INSERT INTO q.t VALUES(2); COMMIT;"),
            SQLITE_OK);
  EXPECT_NE(LastError().find("would not be atomic"), std::string::npos);
  db.Exec("ROLLBACK");
  EXPECT_EQ(db.QueryText("SELECT (SELECT count(*) FROM main.t), (SELECT "
                         "count(*) FROM q.t), (SELECT count(*) FROM a.t)"),
            "1|1|1");
  for (const auto& entry : fs::directory_iterator(".")) {
    EXPECT_EQ(entry.path().string().find("-mj"), std::string::npos);
  }
}

TEST_F(DefaultVfsTest, AHotJournalIsPlayedBack) {
  {
    SqliteDb db;
    ASSERT_EQ(db.Open("hot.db", kNoUri), SQLITE_OK);
    ASSERT_EQ(db.Exec("CREATE TABLE t(x); INSERT INTO t VALUES('before');"
                      "PRAGMA cache_size=2; BEGIN; UPDATE t SET x = 'during';"
                      "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                      "FROM c WHERE i < 100) INSERT INTO t SELECT "
                      "zeroblob(3000) FROM c;"),
              SQLITE_OK);
    ASSERT_TRUE(fs::exists("hot.db-journal"));
    fs::copy_file("hot.db", "cold.db");
    fs::copy_file("hot.db-journal", "cold.db-journal");
  }
  EXPECT_EQ(Read("cold.db", kNoUri), "before");
  EXPECT_FALSE(fs::exists("cold.db-journal"));
}

// Connections outlive the setting.
TEST_F(DefaultVfsTest, AFileStaysOneWhenTheSettingChanges) {
  SqliteDb file;
  SqliteDb actor;
  ASSERT_EQ(file.Open("p.db", kNoUri), SQLITE_OK);
  ASSERT_EQ(actor.Open("s.store/alice", kNoUri), SQLITE_OK);
  for (SqliteDb* db : {&file, &actor}) {
    ASSERT_EQ(db->Exec("PRAGMA journal_mode=PERSIST; CREATE TABLE t(x)"),
              SQLITE_OK);
  }
  for (const DefaultVfs value :
       {DefaultVfs::kActors, DefaultVfs::kBase, DefaultVfs::kStores}) {
    Set(value);
    for (SqliteDb* db : {&file, &actor}) {
      EXPECT_EQ(
          db->Exec("PRAGMA journal_mode=DELETE; INSERT INTO t VALUES(1);"
                   "BEGIN; DELETE FROM t; ROLLBACK;"
                   "PRAGMA journal_mode=PERSIST; UPDATE t SET x = x + 1;"),
          SQLITE_OK)
          << db->Error() << LastError();
    }
    EXPECT_TRUE(fs::exists("p.db-journal"));
  }
  EXPECT_EQ(file.QueryText("SELECT group_concat(x) FROM t"), "4,3,2");
  EXPECT_EQ(actor.QueryText("SELECT group_concat(x) FROM t"), "4,3,2");
  EXPECT_FALSE(fs::exists("s.store/alice-journal"));
}

// A directory that held plain files, and is a store after they are gone.
TEST_F(DefaultVfsTest, ADirectoryMayBecomeAStoreLater) {
  fs::create_directory("d");
  Make("d/x.db", "a file");
  fs::remove("d/x.db");
  SqliteDb db;
  ASSERT_EQ(db.Open("file:d/x.db?vfs=actorkv"), SQLITE_OK) << LastError();
  ASSERT_EQ(db.Exec("PRAGMA journal_mode=PERSIST; CREATE TABLE t(x);"
                    "INSERT INTO t VALUES('an actor');"),
            SQLITE_OK)
      << db.Error() << LastError();
  EXPECT_FALSE(fs::exists("d/x.db"));
  EXPECT_FALSE(fs::exists("d/x.db-journal"));
  EXPECT_EQ(Read("d/x.db", kNoUri), "an actor");
}

TEST_F(DefaultVfsTest, ErrnoIsThatOfWhatFailed) {
  const auto errno_of = [](const std::string& name, int flags) {
    SqliteDb db;
    EXPECT_EQ(db.Open(name, flags), SQLITE_CANTOPEN) << name;
    return sqlite3_system_errno(db.get());
  };
  Make("s.store/alice", "an actor");
  EXPECT_EQ(errno_of("file:s.store/nobody?mode=ro", SqliteDb::kReadWriteCreate),
            ENOENT);
  EXPECT_EQ(errno_of("file:no.store/x?mode=rw", SqliteDb::kReadWriteCreate),
            ENOENT);
  EXPECT_EQ(errno_of("file:no.store/x?vfs=actorkv&mode=ro",
                     SqliteDb::kReadWriteCreate),
            ENOENT);
  EXPECT_EQ(errno_of("file:s.store/alice?asoff=1", SqliteDb::kReadWriteCreate),
            EINVAL);
  // Of the file system, also where an actor failed before.
  EXPECT_EQ(errno_of("s.store", kNoUri), EISDIR);
  EXPECT_EQ(errno_of("missing/x.db", kNoUri), ENOENT);
}

}  // namespace
}  // namespace actorkv
