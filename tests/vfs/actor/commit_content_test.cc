// What a commit stores: pages cut by the new page size, the size that page 1
// says, counters that rise, never a page in WAL mode, and no chunk for what
// lives in the head (vfs/actor/transaction.h).

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/actor_harness.h"
#include "tests/support/sqlite_db.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

class CommitContentTest : public ActorTest {
 protected:
  std::string Elsewhere(const std::string& sql) {
    SqliteDb db;
    EXPECT_EQ(db.Open(Uri("a")), SQLITE_OK);
    return db.QueryText(sql);
  }

  static std::string Rows(int count, int bytes) {
    return "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c "
           "WHERE i < " +
           std::to_string(count) +
           ") INSERT INTO t(v) SELECT substr(hex(i * 7919) || "
           "hex(zeroblob(" +
           std::to_string(bytes) + ")), 1, " + std::to_string(bytes) +
           ") FROM c;";
  }

  // Bytes of the file as the VFS gives them.
  static std::string ReadFile(SqliteDb* db, int size, sqlite3_int64 offset) {
    sqlite3_file* file = nullptr;
    sqlite3_file_control(db->get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
    std::string bytes(static_cast<size_t>(size), 'x');
    EXPECT_EQ(file->pMethods->xRead(file, bytes.data(), size, offset),
              SQLITE_OK);
    return bytes;
  }
  static uint32_t Big32(const std::string& bytes, size_t at) {
    uint32_t value = 0;
    for (size_t i = at; i < at + 4; ++i) {
      value = value << 8 | static_cast<unsigned char>(bytes[i]);
    }
    return value;
  }
  static sqlite3_int64 FileSize(SqliteDb* db) {
    sqlite3_file* file = nullptr;
    sqlite3_file_control(db->get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
    sqlite3_int64 size = -1;
    EXPECT_EQ(file->pMethods->xFileSize(file, &size), SQLITE_OK);
    return size;
  }
};

constexpr int kPageSizes[] = {512, 1024, 4096, 8192, 65536};

// VACUUM to another page size writes in pages of the old size.
TEST_F(CommitContentTest, VacuumFromAnyPageSizeToAnyOther) {
  int actor = 0;
  for (const int from : kPageSizes) {
    for (const int to : kPageSizes) {
      SCOPED_TRACE(std::to_string(from) + " to " + std::to_string(to));
      const std::string uri = Uri("v" + std::to_string(++actor));
      SqliteDb db;
      ASSERT_EQ(db.Open(uri), SQLITE_OK);
      ASSERT_EQ(db.Exec("PRAGMA page_size=" + std::to_string(from) +
                        "; CREATE TABLE t(k INTEGER PRIMARY KEY, v);" +
                        Rows(400, 700) + "CREATE INDEX i ON t(v);"),
                SQLITE_OK);
      const std::string before =
          db.QueryText("SELECT count(*), group_concat(v || k) FROM t");
      ASSERT_EQ(db.Exec("PRAGMA page_size=" + std::to_string(to) + "; VACUUM;"),
                SQLITE_OK)
          << db.Error() << " " << LastError();
      SqliteDb other;
      ASSERT_EQ(other.Open(uri), SQLITE_OK);
      EXPECT_EQ(other.QueryInt("PRAGMA page_size"), to);
      EXPECT_EQ(other.QueryText("PRAGMA integrity_check"), "ok");
      EXPECT_TRUE(before == other.QueryText("SELECT count(*), "
                                            "group_concat(v || k) FROM t"));
      EXPECT_EQ(FileSize(&other), to * other.QueryInt("PRAGMA page_count"));
      ASSERT_EQ(db.Exec("INSERT INTO t(v) VALUES('more')"), SQLITE_OK);
      EXPECT_EQ(other.QueryText("SELECT count(*) FROM t"), "401");
    }
  }
}

TEST_F(CommitContentTest, SizeComesFromPageOneAfterAShrink) {
  for (const char* sql : {"VACUUM;", "PRAGMA incremental_vacuum;"}) {
    SCOPED_TRACE(sql);
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri(sql[0] == 'V' ? "v" : "i")), SQLITE_OK);
    ASSERT_EQ(db.Exec("PRAGMA auto_vacuum=INCREMENTAL;"
                      "CREATE TABLE t(k INTEGER PRIMARY KEY, v);" +
                      Rows(500, 900) + "DELETE FROM t WHERE k > 20;"),
              SQLITE_OK);
    const sqlite3_int64 big = FileSize(&db);
    ASSERT_EQ(db.Exec(sql), SQLITE_OK);
    EXPECT_LT(FileSize(&db), big / 4);
    EXPECT_EQ(FileSize(&db), 4096 * db.QueryInt("PRAGMA page_count"));
    EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
  }
}

// SQLite may write 9 of 51 new pages. What it did not write reads as zeros,
// not as the pages that a shrink took away earlier.
TEST_F(CommitContentTest, GrowthAfterAShrinkBringsNoOldPageBack) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA secure_delete=OFF; CREATE TABLE s(x);"
                    "CREATE TABLE t(k INTEGER PRIMARY KEY, v);" +
                    Rows(300, 3000) + "DROP TABLE t; VACUUM;"),
            SQLITE_OK);
  const int small_size = static_cast<int>(FileSize(&db));
  // Pages of the free list are not written when they are new.
  ASSERT_EQ(db.Exec("CREATE TABLE t(x); BEGIN;"
                    "INSERT INTO t VALUES(zeroblob(200000));"
                    "INSERT INTO s VALUES(1); DELETE FROM t; COMMIT;"),
            SQLITE_OK);
  const int pages = static_cast<int>(db.QueryInt("PRAGMA page_count"));
  ASSERT_GT(db.QueryInt("PRAGMA freelist_count"), 40);
  int zero_pages = 0;
  for (int pgno = small_size / 4096 + 3; pgno <= pages; ++pgno) {
    const std::string page =
        ReadFile(&db, 4096, sqlite3_int64{pgno - 1} * 4096);
    EXPECT_EQ(page.find("0000000000"), std::string::npos)
        << "page " << pgno << " came back";
    if (page == std::string(4096, '\0')) ++zero_pages;
  }
  EXPECT_GT(zero_pages, 30);
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
}

// In exclusive mode the pager raises the counter only once; every other
// connection goes by it.
TEST_F(CommitContentTest, EveryCommitRaisesBothCounters) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x); INSERT INTO t VALUES(0);"
                    "PRAGMA locking_mode=EXCLUSIVE;"),
            SQLITE_OK);
  SqliteDb reader;
  ASSERT_EQ(reader.Open(Uri("a")), SQLITE_OK);
  uint32_t counter = Big32(ReadFile(&db, 100, 0), 24);
  for (int i = 1; i <= 5; ++i) {
    ASSERT_EQ(db.Exec("UPDATE t SET x = " + std::to_string(i)), SQLITE_OK);
    EXPECT_EQ(reader.QueryInt("SELECT x FROM t"), i);
    const std::string header = ReadFile(&db, 100, 0);
    EXPECT_GT(Big32(header, 24), counter);
    EXPECT_EQ(Big32(header, 24), Big32(header, 92));
    EXPECT_EQ(ReadFile(&reader, 100, 0), header);
    counter = Big32(header, 24);
  }
  EXPECT_EQ(reader.QueryText("PRAGMA integrity_check"), "ok");
}

// The counters live in the head: a change of nothing else stores one chunk for
// the page that changed, and none for page 1.
TEST_F(CommitContentTest, CounterAloneStoresNoChunk) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x); INSERT INTO t VALUES(0);"), SQLITE_OK);
  engine_log()->Clear();
  ASSERT_EQ(db.Exec("UPDATE t SET x = 1"), SQLITE_OK);
  EXPECT_EQ(engine_log()->commit_count(), 1u);
  EXPECT_EQ(engine_log()->PutCount(PartitionKind::kBranch), 1u);
  // user_version lives in page 1.
  engine_log()->Clear();
  ASSERT_EQ(db.Exec("PRAGMA user_version=7"), SQLITE_OK);
  EXPECT_EQ(engine_log()->PutCount(PartitionKind::kBranch), 1u);
}

TEST_F(CommitContentTest, WalIsRefusedAndTheModeIsToldTruly) {
  for (const char* locking : {"NORMAL", "EXCLUSIVE"}) {
    for (const char* mode : {"wal", "WAL", "w", "'wal'"}) {
      SCOPED_TRACE(std::string(locking) + " " + mode);
      SqliteDb db;
      ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
      db.Exec(std::string("PRAGMA locking_mode=") + locking +
              "; CREATE TABLE IF NOT EXISTS t(x); INSERT INTO t VALUES(1);");
      const std::string set = std::string("PRAGMA journal_mode=") + mode;
      EXPECT_EQ(db.QueryText(set), "delete");
      EXPECT_EQ(db.QueryText("PRAGMA journal_mode"), "delete");
      EXPECT_EQ(db.Exec("INSERT INTO t VALUES(2)"), SQLITE_OK) << db.Error();
      const std::string header = ReadFile(&db, 100, 0);
      EXPECT_EQ(header[18], 1);
      EXPECT_EQ(header[19], 1);
      db.Close();
      EXPECT_EQ(Elsewhere("PRAGMA integrity_check"), "ok");
    }
  }
}

// A pragma without a schema reaches attached actors past their own file
// control; under exclusive locking SQLite would enter WAL mode without shared
// memory, and leave an actor that no one can open.
TEST_F(CommitContentTest, WalThroughTheMainDatabaseIsRefusedToo) {
  for (const char* locking : {"NORMAL", "EXCLUSIVE"}) {
    SCOPED_TRACE(locking);
    SqliteDb db;
    ASSERT_EQ(db.Open(":memory:"), SQLITE_OK);
    ASSERT_EQ(db.Exec(Attach("a", "a") +
                      "CREATE TABLE IF NOT EXISTS a.t(x);"
                      "INSERT INTO a.t VALUES(1);"
                      "PRAGMA locking_mode=" +
                      locking + ";"),
              SQLITE_OK);
    // SQLite may say "wal" after its pragma failed; it journals as before.
    const bool supported = std::string(locking) == "EXCLUSIVE";
    EXPECT_EQ(db.Exec("PRAGMA journal_mode=wal"),
              supported ? SQLITE_IOERR_FSYNC : SQLITE_OK);
    EXPECT_EQ(db.Exec("PRAGMA a.journal_mode=wal"), SQLITE_OK);
    EXPECT_EQ(db.Exec("INSERT INTO a.t VALUES(2)"), SQLITE_OK)
        << db.Error() << " " << LastError();
    EXPECT_EQ(db.QueryText("SELECT max(x) FROM a.t"), "2");
    EXPECT_EQ(db.QueryText("PRAGMA a.journal_mode=delete"), "delete");
    db.Close();
    EXPECT_EQ(Elsewhere("SELECT max(x) FROM t"), "2");
    EXPECT_EQ(Elsewhere("PRAGMA integrity_check"), "ok");
  }
}

TEST_F(CommitContentTest, EveryJournalModeAnswersItself) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x)"), SQLITE_OK);
  for (const char* mode : {"delete", "truncate", "persist", "memory", "off"}) {
    EXPECT_EQ(db.QueryText(std::string("PRAGMA journal_mode=") + mode), mode);
    EXPECT_EQ(db.QueryText("PRAGMA journal_mode=wal"), mode);
    EXPECT_EQ(db.Exec("INSERT INTO t VALUES(1)"), SQLITE_OK) << mode;
  }
}

// A raw user of the file locks, writes and syncs, without file controls.
TEST_F(CommitContentTest, RawSyncPublishes) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x); INSERT INTO t VALUES('old');"),
            SQLITE_OK);
  sqlite3_file* file = nullptr;
  sqlite3_file_control(db.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  std::string page = ReadFile(&db, 4096, 4096);
  const size_t at = page.find("old");
  ASSERT_NE(at, std::string::npos);
  page.replace(at, 3, "raw");
  engine_log()->Clear();
  for (int level :
       {SQLITE_LOCK_SHARED, SQLITE_LOCK_RESERVED, SQLITE_LOCK_EXCLUSIVE}) {
    ASSERT_EQ(file->pMethods->xLock(file, level), SQLITE_OK);
  }
  ASSERT_EQ(file->pMethods->xWrite(file, page.data(), 4096, 4096), SQLITE_OK);
  EXPECT_EQ(engine_log()->commit_count(), 0u);
  ASSERT_EQ(file->pMethods->xSync(file, SQLITE_SYNC_FULL), SQLITE_OK);
  EXPECT_EQ(engine_log()->commit_count(), 1u);
  ASSERT_EQ(file->pMethods->xSync(file, SQLITE_SYNC_FULL), SQLITE_OK);
  EXPECT_EQ(engine_log()->commit_count(), 1u) << "nothing more to publish";
  ASSERT_EQ(file->pMethods->xUnlock(file, SQLITE_LOCK_NONE), SQLITE_OK);
  EXPECT_EQ(Elsewhere("SELECT x FROM t"), "raw");
  EXPECT_EQ(db.QueryText("SELECT x FROM t"), "raw");
}

// A rollback at synchronous=OFF sends FCNTL_SYNC and no xSync; it must not be
// taken for the announcement of a later raw xSync.
TEST_F(CommitContentTest, RawSyncAfterARollbackPublishes) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA synchronous=OFF; PRAGMA cache_size=5;"
                    "CREATE TABLE t(k INTEGER PRIMARY KEY, v);" +
                    Rows(100, 2000) + "BEGIN; UPDATE t SET v = 1; ROLLBACK;"),
            SQLITE_OK);
  sqlite3_file* file = nullptr;
  sqlite3_file_control(db.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  std::string page = ReadFile(&db, 4096, 8192);
  page[4000] = static_cast<char>(page[4000] + 1);
  for (int level :
       {SQLITE_LOCK_SHARED, SQLITE_LOCK_RESERVED, SQLITE_LOCK_EXCLUSIVE}) {
    ASSERT_EQ(file->pMethods->xLock(file, level), SQLITE_OK);
  }
  ASSERT_EQ(file->pMethods->xWrite(file, page.data(), 4096, 8192), SQLITE_OK);
  ASSERT_EQ(file->pMethods->xSync(file, SQLITE_SYNC_FULL), SQLITE_OK);
  ASSERT_EQ(file->pMethods->xUnlock(file, SQLITE_LOCK_NONE), SQLITE_OK);
  EXPECT_TRUE(ReadFile(&db, 4096, 8192) == page);
}

}  // namespace
}  // namespace actorkv
