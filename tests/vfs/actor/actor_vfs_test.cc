// Opening: names, URI parameters, stores that are made, refused or not there,
// and what the VFS does with names that are no actors.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "kv/process/store_registry.h"
#include "tests/support/child_process.h"
#include "tests/support/forked_child.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/testing.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

// With RocksDB: what is in directories matters here.
class ActorVfsTest : public testing::Test {
 protected:
  void TearDown() override { StoreRegistry::Instance()->CloseIdle(); }

  std::string Uri(const std::string& name, const std::string& more = "") const {
    return "file:" + directory_.File(name) + "?vfs=actorkv" + more;
  }
  const TempDir& directory() const { return directory_; }

  // Opens and runs a statement, so that errors of late opening show.
  static int Try(const std::string& uri,
                 int flags = SqliteDb::kReadWriteCreate) {
    SqliteDb db;
    if (int code = db.Open(uri, flags); code != SQLITE_OK) return code;
    return db.Exec("SELECT * FROM sqlite_schema");
  }

  static void Make(const std::string& uri, const std::string& value = "1") {
    SqliteDb db;
    ASSERT_EQ(db.Open(uri), SQLITE_OK) << LastError();
    ASSERT_EQ(
        db.Exec("CREATE TABLE t(x); INSERT INTO t VALUES('" + value + "');"),
        SQLITE_OK)
        << db.Error() << LastError();
  }
  static std::string Read(const std::string& uri) {
    SqliteDb db;
    if (db.Open(uri) != SQLITE_OK) return "cannot open: " + LastError();
    return db.QueryText("SELECT x FROM t");
  }
  static void ExpectLastError(const std::string& part) {
    EXPECT_NE(LastError().find(part), std::string::npos) << LastError();
  }

 private:
  const TempDir directory_;
};

// Makes a directory the current one while it lives.
class InDirectory {
 public:
  explicit InDirectory(const std::string& path) { fs::current_path(path); }
  ~InDirectory() { fs::current_path(before_); }
  InDirectory(const InDirectory&) = delete;
  InDirectory& operator=(const InDirectory&) = delete;

 private:
  const fs::path before_ = fs::current_path();
};

TEST_F(ActorVfsTest, OpenMakesTheStoreAndTheFirstCommitTheActor) {
  {
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("store/alice")), SQLITE_OK);
    EXPECT_EQ(db.QueryText("SELECT count(*) FROM sqlite_schema"), "0");
    EXPECT_TRUE(fs::is_directory(directory().File("store")));
  }
  // Nothing was committed, so there is no actor.
  EXPECT_EQ(Try(Uri("store/alice"), SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI),
            SQLITE_CANTOPEN);
  ExpectLastError("no such actor: actor=alice");
  Make(Uri("store/alice"));
  EXPECT_EQ(Read(Uri("store/alice")), "1");
}

TEST_F(ActorVfsTest, OpenWithoutCreateMakesNothing) {
  for (const char* mode : {"rw", "ro"}) {
    EXPECT_EQ(Try(Uri("store/alice", std::string("&mode=") + mode)),
              SQLITE_CANTOPEN);
    ExpectLastError("no such store: " + directory().File("store"));
  }
  EXPECT_FALSE(fs::exists(directory().File("store")));
}

TEST_F(ActorVfsTest, ForeignDirectoryIsRefusedAndUntouched) {
  fs::create_directory(directory().File("photos"));
  std::ofstream(directory().File("photos/cat.jpg")) << "meow";
  EXPECT_EQ(Try(Uri("photos/alice")), SQLITE_CANTOPEN);
  ExpectLastError("photos");
  EXPECT_EQ(std::distance(fs::directory_iterator(directory().File("photos")),
                          fs::directory_iterator()),
            1);
}

TEST_F(ActorVfsTest, EmptyDirectoryBecomesAStore) {
  fs::create_directory(directory().File("empty"));
  Make(Uri("empty/alice"));
  EXPECT_EQ(Read(Uri("empty/alice")), "1");
}

TEST_F(ActorVfsTest, FileInPlaceOfTheStoreIsRefused) {
  std::ofstream(directory().File("file")) << "I am a file";
  EXPECT_EQ(Try(Uri("file/alice")), SQLITE_CANTOPEN);
  ExpectLastError("file");
  EXPECT_EQ(fs::file_size(directory().File("file")), 11u);
}

TEST_F(ActorVfsTest, MissingParentOfTheStoreIsRefused) {
  EXPECT_EQ(Try(Uri("no/such/place/alice")), SQLITE_CANTOPEN);
  ExpectLastError("no/such/place");
}

// In a process of its own: root has every permission, and what was opened
// before stays open.
TEST_F(ActorVfsTest, DISABLED_TriesAsNobody) {
  constexpr uid_t kNobody = 65534;
  const bool root = geteuid() == 0;
  if (root) {
    ASSERT_EQ(seteuid(kNobody), 0);
  }
  EXPECT_EQ(Try("file:" + ChildArgument() + "/alice?vfs=actorkv"),
            SQLITE_CANTOPEN);
  ExpectLastError("Permission denied");
  if (root) {
    ASSERT_EQ(seteuid(0), 0);
  }
}

TEST_F(ActorVfsTest, DirectoryWithoutPermissionIsRefused) {
  fs::permissions(directory().path(), fs::perms{0755});
  for (const int mode : {0, 0500}) {
    const std::string store = directory().File("m" + std::to_string(mode));
    fs::create_directory(store);
    fs::permissions(store, fs::perms{static_cast<unsigned>(mode)});
    ChildProcess child("ActorVfsTest.DISABLED_TriesAsNobody", store);
    EXPECT_TRUE(child.WaitForSuccess()) << mode;
    fs::permissions(store, fs::perms{0700});
    EXPECT_TRUE(fs::is_empty(store));
  }
}

// For drivers without URIs: a plain path is STORE/ACTOR, and SQLite's files
// need a VFS then.
TEST_F(ActorVfsTest, DefaultVfs) {
  // A bare name is then looked for in the current directory, which is no store.
  fs::create_directory(directory().File("here"));
  std::ofstream(directory().File("here/letter.txt")) << "x";
  const InDirectory here(directory().File("here"));
  SqliteDb db;
  ASSERT_EQ(db.Open(":memory:"), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT actorkv_default_vfs(1)"), "0");
  EXPECT_EQ(db.QueryText("SELECT actorkv_default_vfs(1)"), "1");
  constexpr int kNoUri = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  {
    SqliteDb plain;
    EXPECT_EQ(plain.Open(directory().File("store/alice"), kNoUri), SQLITE_OK);
    EXPECT_EQ(plain.Exec("CREATE TABLE t(x); INSERT INTO t VALUES(1);"
                         "CREATE TEMP TABLE u(x); INSERT INTO u VALUES(1);"),
              SQLITE_OK);
    EXPECT_EQ(plain.Open("alice", kNoUri), SQLITE_CANTOPEN)
        << "there is no default store here";
    ExpectLastError("not a store, and not empty (letter.txt)");
  }
  EXPECT_EQ(db.QueryText("SELECT actorkv_default_vfs(0)"), "1");
  EXPECT_EQ(Read(Uri("store/alice")), "1");
  SqliteDb file;
  ASSERT_EQ(file.Open(directory().File("plain.db"), kNoUri), SQLITE_OK);
  EXPECT_EQ(file.Exec("CREATE TABLE t(x)"), SQLITE_OK);
  EXPECT_TRUE(fs::is_regular_file(directory().File("plain.db")));
}

// A bare name in a directory that could become a store, and must not.
TEST_F(ActorVfsTest, ABareNameMakesNoStoreOfTheCurrentDirectory) {
  fs::create_directory(directory().File("empty"));
  {
    const InDirectory here(directory().File("empty"));
    EXPECT_EQ(Try("file:alice?vfs=actorkv"), SQLITE_CANTOPEN);
    ExpectLastError("no store is named: write STORE/ACTOR");
    ExpectLastError("./alice");
    EXPECT_TRUE(fs::is_empty("."));
    // Whoever wants it says so; from then on the bare name is there.
    Make("file:./alice?vfs=actorkv", "here");
    EXPECT_EQ(Read("file:alice?vfs=actorkv"), "here");
  }
  EXPECT_EQ(Read(Uri("empty/alice")), "here");
}

TEST_F(ActorVfsTest, WhatMayBeTheRestOfANameIsToldAsThat) {
  EXPECT_EQ(Try("file:" + directory().File("store/what?now") + "&vfs=actorkv"),
            SQLITE_CANTOPEN);
  ExpectLastError(
      "unknown URI parameter: now; a '?' that is part of a name is written "
      "%3F");
}

TEST_F(ActorVfsTest, BadNamesAreRefusedWithTheReason) {
  struct Case {
    std::string name;
    std::string part;
  };
  const Case cases[] = {
      {"store/", "actor name is empty"},
      {"store/" + std::string(256, 'x'), "the limit is 255"},
      {"store/%ff%fe", "not UTF-8"},
      {"store/..", "actor name is a directory's"},
      {std::string(200, 'd') + "/" + std::string(200, 'e') + "/" +
           std::string(200, 'x'),
       "the limit is 504"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Try(Uri(c.name)), SQLITE_CANTOPEN) << c.name;
    ExpectLastError(c.part);
  }
  EXPECT_FALSE(fs::exists(directory().File("store")));
}

// SQLite keeps 8 of the VFS's 512 bytes for "-journal". The limit is ours, so
// that there is a text.
TEST_F(ActorVfsTest, SqliteOpensNamesOf504Bytes) {
  const std::string actor(250, 'x');
  const size_t rest = directory().File("/" + actor).size();
  const std::string store(504 - rest, 's');
  EXPECT_EQ(Try(Uri(store + "/" + actor)), SQLITE_OK) << LastError();
  for (size_t more : {1U, 8U}) {
    EXPECT_EQ(Try(Uri(store + std::string(more, 's') + "/" + actor)),
              SQLITE_CANTOPEN);
    ExpectLastError("the limit is 504");
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(directory().path()),
                          fs::directory_iterator()),
            1);
}

TEST_F(ActorVfsTest, UnusualNamesAreActorsOfTheirOwn) {
  const char* const names[] = {
      "alice",    "alice-wal", "alice-journal", "alice-journal-journal",
      "a%20b",    "%25",       "%3f",           "a-mj00000A90B",
      "%e2%82%ac"};
  for (const char* name : names) Make(Uri(std::string("store/") + name), name);
  for (const char* name : names) {
    EXPECT_EQ(Read(Uri(std::string("store/") + name)), name);
  }
  // Writing to one, with its journal and a super-journal, leaves the others.
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("store/alice")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA journal_mode=PERSIST; ATTACH '" +
                    Uri("store/alice-journal") +
                    "' AS j; BEGIN; UPDATE main.t SET x = 'new';"
                    "UPDATE j.t SET x = 'new'; ROLLBACK; BEGIN;"
                    "UPDATE main.t SET x = 'new'; UPDATE j.t SET x = 'newj';"
                    "COMMIT;"),
            SQLITE_OK)
      << db.Error();
  EXPECT_EQ(Read(Uri("store/alice")), "new");
  EXPECT_EQ(Read(Uri("store/alice-journal")), "newj");
  EXPECT_EQ(Read(Uri("store/alice-wal")), "alice-wal");
}

TEST_F(ActorVfsTest, AllPathsToAStoreAreOneStore) {
  fs::create_directory(directory().File("sub"));
  fs::create_directory_symlink(directory().File("store"),
                               directory().File("link"));
  const InDirectory here(directory().path());
  Make("file:store/alice?vfs=actorkv", "here");
  SqliteDb writer;
  ASSERT_EQ(writer.Open(Uri("store/alice")), SQLITE_OK);
  ASSERT_EQ(writer.Exec("BEGIN IMMEDIATE"), SQLITE_OK);
  for (const char* name :
       {"store/alice", "./store/alice", "sub/../store/alice", "link/alice",
        "store//alice", "sto%72e/alice", "store/./alice"}) {
    SqliteDb db;
    ASSERT_EQ(db.Open("file:" + std::string(name) + "?vfs=actorkv"), SQLITE_OK)
        << name << " " << LastError();
    EXPECT_EQ(db.QueryText("SELECT x FROM t"), "here") << name;
    EXPECT_EQ(db.Exec("BEGIN IMMEDIATE"), SQLITE_BUSY) << name;
    EXPECT_EQ(sqlite3_db_filename(db.get(), "main"),
              directory().File("store/alice"));
  }
}

TEST_F(ActorVfsTest, UnknownUriParameterIsNamed) {
  EXPECT_EQ(Try(Uri("store/alice", "&asoff=7")), SQLITE_CANTOPEN);
  ExpectLastError("unknown URI parameter: asoff");
  EXPECT_FALSE(fs::exists(directory().File("store")));
}

TEST_F(ActorVfsTest, TheOpenTimeoutIsANumber) {
  for (const char* good : {"0", "1", "5000", "99999999999999999999999"}) {
    EXPECT_EQ(Try(Uri("store/alice", std::string("&open_timeout_ms=") + good)),
              SQLITE_OK)
        << LastError();
  }
  for (const char* bad : {"", "-1", "5s", "1.5", "0x10", " 5", "five"}) {
    EXPECT_EQ(Try(Uri("store/alice", std::string("&open_timeout_ms=") + bad)),
              SQLITE_CANTOPEN)
        << bad;
    ExpectLastError(std::string("open_timeout_ms is not a whole number of "
                                "milliseconds from 0 on: ") +
                    bad);
  }
}

TEST_F(ActorVfsTest, DeletionNeverRemovesAnActor) {
  Make(Uri("store/alice"));
  sqlite3_vfs* vfs = sqlite3_vfs_find("actorkv");
  const std::string name = directory().File("store/alice");
  EXPECT_EQ(vfs->xDelete(vfs, name.c_str(), 1), SQLITE_IOERR_DELETE);
  ExpectLastError("actorkv_delete()");
  for (const char* suffix : {"-journal", "-wal"}) {
    EXPECT_EQ(vfs->xDelete(vfs, (name + suffix).c_str(), 1), SQLITE_OK);
  }
  EXPECT_EQ(Read(Uri("store/alice")), "1");
}

TEST_F(ActorVfsTest, AccessSpeaksOfActors) {
  Make(Uri("store/alice"));
  Make(Uri("store/bob-wal"));
  sqlite3_vfs* vfs = sqlite3_vfs_find("actorkv");
  struct Case {
    const char* name;
    int exists;
  };
  for (const Case& c : {Case{"alice", 1}, Case{"bob", 0}, Case{"bob-wal", 0},
                        Case{"alice-journal", 0}, Case{"alice-wal", 0}}) {
    int exists = -1;
    const std::string name = directory().File(std::string("store/") + c.name);
    EXPECT_EQ(vfs->xAccess(vfs, name.c_str(), SQLITE_ACCESS_EXISTS, &exists),
              SQLITE_OK);
    EXPECT_EQ(exists, c.exists) << c.name;
  }
  int exists = -1;
  const std::string elsewhere = directory().File("nothing/alice");
  EXPECT_EQ(vfs->xAccess(vfs, elsewhere.c_str(), SQLITE_ACCESS_EXISTS, &exists),
            SQLITE_OK);
  EXPECT_EQ(exists, 0);
  EXPECT_FALSE(fs::exists(directory().File("nothing")));
}

// SQLite hands such names to the VFS of main.
TEST_F(ActorVfsTest, PlainNamesOnAnActorsConnectionSayWhatToWrite) {
  const InDirectory here(directory().path());
  SqliteDb db;
  ASSERT_EQ(db.Open("file:store/alice?vfs=actorkv"), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x); INSERT INTO t VALUES(5);"), SQLITE_OK);
  for (const char* sql : {"ATTACH 'x.db' AS x", "VACUUM INTO 'x.db'",
                          "ATTACH 'store2/x.db' AS x"}) {
    EXPECT_EQ(db.Exec(sql) & 0xff, SQLITE_CANTOPEN) << sql;
    ExpectLastError("x.db?vfs=unix");
  }
  EXPECT_FALSE(fs::exists("store2"));
  EXPECT_FALSE(fs::exists("x.db"));
  EXPECT_EQ(db.Exec("VACUUM INTO 'file:x.db?vfs=unix'"), SQLITE_OK)
      << db.Error();
  EXPECT_EQ(Read("file:x.db?vfs=unix"), "5");
  EXPECT_EQ(db.Exec("VACUUM INTO 'file:store/copy?vfs=actorkv'"), SQLITE_OK)
      << db.Error() << LastError();
  EXPECT_EQ(Read("file:store/copy?vfs=actorkv"), "5");
  EXPECT_EQ(db.Exec("VACUUM INTO 'file:store/copy?vfs=actorkv'"), SQLITE_ERROR)
      << "it exists";
}

TEST_F(ActorVfsTest, ForkedChildIsRefusedAndExitsCleanly) {
  if (!kChildrenAreWhole) GTEST_SKIP() << "not under a sanitizer";
  Make(Uri("store/alice"));
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("store/alice")), SQLITE_OK);
  ASSERT_EQ(db.Exec("SELECT * FROM t"), SQLITE_OK);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    int failures = 0;
    if (db.Exec("SELECT * FROM t") == SQLITE_OK) failures |= 1;
    if (db.Exec("INSERT INTO t VALUES(2)") == SQLITE_OK) failures |= 2;
    if (LastError().find("fork") == std::string::npos) failures |= 4;
    if (Try(Uri("store/alice")) != SQLITE_OK) failures |= 8;
    exit(failures);  // with all exit handlers
  }
  int status = -1;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(db.Exec("INSERT INTO t VALUES(2)"), SQLITE_OK) << db.Error();
  EXPECT_EQ(Read(Uri("store/alice")), "1\n2");
}

}  // namespace
}  // namespace actorkv
