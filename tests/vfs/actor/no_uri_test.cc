// A host that has turned URIs off, as better-sqlite3 does: in a process of its
// own, because SQLite is told so before it starts (SQLITE_CONFIG_URI). All that
// a URI can say of an actor can be said there too, and nothing is ever made
// under a name that begins with "file:".

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <string>

#include "ext/actorkv.h"
#include "kv/process/store_registry.h"
#include "tests/support/child_process.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/testing.h"
#include "vfs/sqlite/default_vfs.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

constexpr int kNoUri = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;

// Parent and child.
class NoUriTest : public testing::Test {
 protected:
  void TearDown() override { StoreRegistry::Instance()->CloseIdle(); }

  // Runs a test of this suite in a process without URIs, in a directory.
  void RunChild(const std::string& test) {
    ChildProcess child("NoUriTest.DISABLED_" + test, directory_.path());
    EXPECT_TRUE(child.WaitForSuccess());
    for (const auto& entry : fs::directory_iterator(directory_.path())) {
      EXPECT_NE(entry.path().filename().string().rfind("file:", 0), 0u)
          << entry.path();
    }
  }

  // In the child: starts SQLite anew, without URIs.
  void TurnUrisOff(int default_vfs) {
    fs::current_path(ChildArgument());
    sqlite3_shutdown();
    ASSERT_EQ(sqlite3_config(SQLITE_CONFIG_URI, 0), SQLITE_OK);
    ASSERT_EQ(sqlite3_initialize(), SQLITE_OK);
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(sqlite3_actorkv_init));
    ASSERT_EQ(control_.Open(":memory:", kNoUri), SQLITE_OK);
    // SQLite has forgotten all but its own VFSes.
    ASSERT_EQ(sqlite3_vfs_register(OurVfs(), 0), SQLITE_OK);
    ASSERT_EQ(
        Ask("SELECT actorkv_default_vfs(" + std::to_string(default_vfs) + ")"),
        "0");
  }

  std::string Ask(const std::string& sql) { return control_.QueryText(sql); }

  static int Open(SqliteDb* db, const std::string& name, int flags = kNoUri) {
    const int code = db->Open(name, flags);
    return code == SQLITE_OK ? db->Exec("SELECT * FROM sqlite_schema") : code;
  }

  static void ExpectRefused(const std::string& name, const std::string& part,
                            int flags = kNoUri) {
    SqliteDb db;
    EXPECT_EQ(Open(&db, name, flags), SQLITE_CANTOPEN) << name;
    EXPECT_NE(LastError().find(part), std::string::npos)
        << name << ": " << LastError();
  }

  // Everything that a URI says of an actor.
  void UseActors();

  SqliteDb control_;

 private:
  const TempDir directory_;
};

void NoUriTest::UseActors() {
  SqliteDb db;
  ASSERT_EQ(Open(&db, "file:bs.store/alice?vfs=actorkv"), SQLITE_OK)
      << LastError();
  ASSERT_EQ(db.Exec("CREATE TABLE t(x); INSERT INTO t VALUES('old');"),
            SQLITE_OK);
  EXPECT_TRUE(fs::is_directory("bs.store"));
  EXPECT_EQ(db.QueryText("SELECT actorkv_restore_point('alice', 'p1')"), "2");
  ASSERT_EQ(db.Exec("UPDATE t SET x = 'new'"), SQLITE_OK);
  // The past beside the present, and a copy of it.
  ASSERT_EQ(db.Exec("ATTACH 'file:bs.store/alice?vfs=actorkv&asof=p1' AS past;"
                    "ATTACH 'file:bs.store/alice?asof=1&vfs=actorkv' AS first"),
            SQLITE_OK)
      << db.Error() << LastError();
  EXPECT_EQ(db.QueryText("SELECT main.t.x, past.t.x FROM main.t, past.t"),
            "new|old");
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM first.t"), "0");
  EXPECT_EQ(db.Exec("UPDATE past.t SET x = 1"), SQLITE_READONLY);
  ASSERT_EQ(db.Exec("DETACH past; DETACH first;"), SQLITE_OK);
  // A transaction over two actors, with parameters in both names.
  ASSERT_EQ(db.Exec("ATTACH 'file:bs.store/b%23b?vfs=actorkv&mode=rwc' AS b;"
                    "CREATE TABLE b.t(x); BEGIN; UPDATE main.t SET x = 'both';"
                    "INSERT INTO b.t VALUES('both'); COMMIT;"),
            SQLITE_OK)
      << db.Error() << LastError();
  EXPECT_EQ(Ask("SELECT group_concat(actor) FROM (SELECT actor FROM "
                "actorkv_actors)"),
            "alice,b#b");
  ASSERT_EQ(db.Exec("DETACH b"), SQLITE_OK);
  // Read only, and without our SQL.
  SqliteDb reader;
  ASSERT_EQ(Open(&reader, "file:bs.store/alice?vfs=actorkv&mode=ro"),
            SQLITE_OK);
  EXPECT_EQ(sqlite3_db_readonly(reader.get(), "main"), 1);
  EXPECT_EQ(reader.Exec("UPDATE t SET x = 1"), SQLITE_READONLY);
  EXPECT_EQ(reader.QueryText("SELECT x FROM t"), "both");
  ASSERT_EQ(Open(&reader, "file:bs.store/alice?vfs=actorkv&actorkv_sql=0"),
            SQLITE_OK);
  EXPECT_EQ(reader.QueryText("SELECT actorkv_version()"),
            "error: no such function: actorkv_version");
  EXPECT_EQ(sqlite3_db_readonly(reader.get(), "main"), 0);
  // By VACUUM INTO and the backup API.
  ASSERT_EQ(db.Exec("VACUUM INTO 'file:bs.store/copy?vfs=actorkv'"), SQLITE_OK)
      << db.Error() << LastError();
  ASSERT_EQ(db.Exec("VACUUM INTO 'file:plain.db?vfs=unix'"), SQLITE_OK)
      << db.Error() << LastError();
  EXPECT_TRUE(fs::is_regular_file("plain.db"));
  SqliteDb copy;
  ASSERT_EQ(Open(&copy, "file:bs.store/copy?vfs=actorkv"), SQLITE_OK);
  EXPECT_EQ(copy.QueryText("SELECT x FROM t"), "both");
}

// In every setting the names mean the same, once our VFS is asked at all.
TEST_F(NoUriTest, DISABLED_WithTheDefaultVfs) {
  TurnUrisOff(1);
  Ask("SELECT actorkv_store('bs.store')");
  UseActors();
  ExpectRefused("file:bs.store/nobody?mode=ro", "no such actor: actor=nobody");
  ExpectRefused("file:bs.store/nobody?mode=rw", "no such actor: actor=nobody");
  ExpectRefused("file:bs.store/x?mode=rw", "access mode not allowed: rw",
                SQLITE_OPEN_READONLY);
  ExpectRefused("file:bs.store/x?asoff=1", "unknown URI parameter: asoff");
  ExpectRefused("file:bs.store/x?a", "written %3F");
  ExpectRefused("file:bs.store/x#1?vfs=actorkv", "written %23");
  ExpectRefused("file:bs.store/x?mode=memory", "write ':memory:'");
  ExpectRefused("file:bs.store/x?cache=shared", "leave out cache=shared");
  ExpectRefused("file://host/x", "invalid uri authority: host");
  ExpectRefused("file:x.db?vfs=nothere", "no such vfs: nothere");
  ExpectRefused("file:bs.store/x?vfs=unix", "is a store");
  ExpectRefused("file:x.db?vfs=unix&immutable=1",
                "cannot have its parameter immutable=1");
  ExpectRefused("file:bs.store/" + std::string(200, 'x') +
                    "?vfs=actorkv&asof=" + std::string(400, 'y'),
                "the limit is 504");
  EXPECT_FALSE(fs::exists("x.db"));
}

TEST_F(NoUriTest, AllOfAUriWithTheDefaultVfs) { RunChild("WithTheDefaultVfs"); }

TEST_F(NoUriTest, DISABLED_WhereDirectoriesDecide) {
  TurnUrisOff(2);
  Ask("SELECT actorkv_store('bs.store')");
  UseActors();
  // A store that is named, whatever its name.
  SqliteDb db;
  ASSERT_EQ(Open(&db, "file:odd/alice?vfs=actorkv"), SQLITE_OK) << LastError();
  ASSERT_EQ(db.Exec("CREATE TABLE t(x)"), SQLITE_OK);
  EXPECT_TRUE(fs::exists("odd/actorkv.format"));
  ASSERT_EQ(Open(&db, "odd/alice"), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM t"), "0");
  // A plain file, by a URI and by its path.
  ASSERT_EQ(Open(&db, "file:p%6cain2.db"), SQLITE_OK) << LastError();
  ASSERT_EQ(db.Exec("CREATE TABLE p(x); INSERT INTO p VALUES(7);"), SQLITE_OK);
  ASSERT_EQ(Open(&db, "plain2.db"), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT x FROM p"), "7");
  ASSERT_EQ(Open(&db, "file:plain2.db?mode=ro"), SQLITE_OK);
  EXPECT_EQ(db.Exec("INSERT INTO p VALUES(8)"), SQLITE_READONLY);
}

TEST_F(NoUriTest, AllOfAUriWhereDirectoriesDecide) {
  RunChild("WhereDirectoriesDecide");
}

// Our VFS is asked where the connection's own is.
TEST_F(NoUriTest, DISABLED_OnAnActorsConnection) {
  TurnUrisOff(0);
  SqliteDb db;
  sqlite3* raw = nullptr;
  EXPECT_EQ(sqlite3_open_v2("bs.store/main", &raw, kNoUri, "actorkv"),
            SQLITE_CANTOPEN)
      << "no vfs was named in the name, and the store is not there";
  sqlite3_close(raw);
  ASSERT_EQ(sqlite3_open_v2("file:bs.store/main?vfs=actorkv", &raw, kNoUri,
                            "actorkv"),
            SQLITE_OK);
  for (const char* sql :
       {"CREATE TABLE t(x)",
        "ATTACH 'file:bs.store/other?vfs=actorkv' AS other",
        "CREATE TABLE other.t(x)", "BEGIN", "INSERT INTO main.t VALUES(1)",
        "INSERT INTO other.t VALUES(1)", "COMMIT",
        "ATTACH 'file:plain.db?vfs=unix' AS plain",
        "CREATE TABLE plain.t(x)"}) {
    EXPECT_EQ(sqlite3_exec(raw, sql, nullptr, nullptr, nullptr), SQLITE_OK)
        << sql << LastError();
  }
  sqlite3_close(raw);
  EXPECT_TRUE(fs::is_regular_file("plain.db"));
}

TEST_F(NoUriTest, AttachOnAnActorsConnection) {
  RunChild("OnAnActorsConnection");
}

// What a name of another VFS becomes goes to that one: journals, WAL, locks.
TEST_F(NoUriTest, DISABLED_PlainFilesThroughUs) {
  TurnUrisOff(1);
  for (const char* vfs : {"unix", "unix-excl", "unix-none", "unix-dotfile"}) {
    SCOPED_TRACE(vfs);
    const std::string file = std::string("p-") + vfs + ".db";
    const std::string name = "file:" + file + "?vfs=" + vfs;
    SqliteDb db;
    ASSERT_EQ(Open(&db, name), SQLITE_OK) << LastError();
    ASSERT_EQ(db.Exec("PRAGMA journal_mode=PERSIST; CREATE TABLE t(x);"),
              SQLITE_OK)
        << db.Error();
    EXPECT_TRUE(fs::is_regular_file(file + "-journal"));
    ASSERT_EQ(db.Exec("PRAGMA journal_mode=DELETE; INSERT INTO t VALUES(1);"),
              SQLITE_OK);
    EXPECT_FALSE(fs::exists(file + "-journal"));
    if (std::strcmp(vfs, "unix") == 0) {
      EXPECT_EQ(db.QueryText("PRAGMA journal_mode=WAL"), "wal");
      ASSERT_EQ(db.Exec("INSERT INTO t VALUES(2)"), SQLITE_OK);
      EXPECT_TRUE(fs::exists(file + "-wal"));
      EXPECT_TRUE(fs::exists(file + "-shm"));
      SqliteDb other;
      ASSERT_EQ(Open(&other, name + "&mode=ro"), SQLITE_OK);
      EXPECT_EQ(other.QueryText("SELECT count(*) FROM t"), "2");
      EXPECT_EQ(other.Exec("INSERT INTO t VALUES(3)"), SQLITE_READONLY);
    }
    db.Close();
    EXPECT_FALSE(fs::exists(file + "-wal"));
    SqliteDb found;
    ASSERT_EQ(Open(&found, name + "&mode=rw"), SQLITE_OK)
        << found.Error() << LastError();
    EXPECT_NE(found.QueryText("SELECT count(*) FROM t"), "0");
    ExpectRefused("file:missing.db?mode=rw&vfs=" + std::string(vfs), "");
  }
  EXPECT_FALSE(fs::exists("missing.db"));
}

TEST_F(NoUriTest, PlainFilesOfOtherVfses) { RunChild("PlainFilesThroughUs"); }

// A crash leaves a hot journal, which the next open of the name plays back.
TEST_F(NoUriTest, DISABLED_HotJournalOfAPlainFile) {
  TurnUrisOff(1);
  SqliteDb db;
  ASSERT_EQ(Open(&db, "file:hot.db?vfs=unix"), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x); INSERT INTO t VALUES('before');"
                    "PRAGMA cache_size=2; BEGIN; UPDATE t SET x = 'during';"
                    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                    "FROM c WHERE i < 100) INSERT INTO t SELECT "
                    "zeroblob(3000) FROM c;"),
            SQLITE_OK);
  ASSERT_TRUE(fs::exists("hot.db-journal"));
  fs::copy_file("hot.db", "cold.db");
  fs::copy_file("hot.db-journal", "cold.db-journal");
  SqliteDb cold;
  ASSERT_EQ(Open(&cold, "file:cold.db?vfs=unix"), SQLITE_OK);
  EXPECT_EQ(cold.QueryText("SELECT group_concat(x) FROM t"), "before");
  EXPECT_EQ(cold.QueryText("PRAGMA integrity_check"), "ok");
  EXPECT_FALSE(fs::exists("cold.db-journal"));
}

TEST_F(NoUriTest, HotJournalsArePlayedBack) {
  RunChild("HotJournalOfAPlainFile");
}

}  // namespace
}  // namespace actorkv
