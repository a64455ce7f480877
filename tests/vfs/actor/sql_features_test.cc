// What SQLite does with a file, done with an actor: every setting crossed with
// every other, VACUUM, blobs, the backup API, savepoints, large transactions,
// interrupts, and the page at 1 GiB.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kv/base/types.h"
#include "kv/format/keys.h"
#include "kv/store/store.h"
#include "tests/support/actor_harness.h"
#include "tests/support/sqlite_db.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

class SqlFeaturesTest : public ActorTest {
 protected:
  static std::string Fill(int rows, int bytes) {
    return "CREATE TABLE t(k INTEGER PRIMARY KEY, v);"
           "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c "
           "WHERE i < " +
           std::to_string(rows) +
           ") INSERT INTO t SELECT i, substr(hex(i * 104729) || "
           "hex(zeroblob(" +
           std::to_string(bytes) + ")), 1, " + std::to_string(bytes) +
           ") FROM c;";
  }
  static std::string Content(SqliteDb* db) {
    return db->QueryText("SELECT count(*), sum(k), group_concat(v) FROM t");
  }

  // Copies all of `from` to `to` with the backup API, `step` pages at a time.
  static int Backup(SqliteDb* from, SqliteDb* to, int step) {
    sqlite3_backup* backup =
        sqlite3_backup_init(to->get(), "main", from->get(), "main");
    if (backup == nullptr) return sqlite3_extended_errcode(to->get());
    while (sqlite3_backup_step(backup, step) == SQLITE_OK) {
    }
    return sqlite3_backup_finish(backup);
  }
};

TEST_F(SqlFeaturesTest, EverySettingWithEveryOther) {
  int actor = 0;
  for (const char* journal :
       {"delete", "truncate", "persist", "memory", "off"}) {
    for (const char* synchronous : {"OFF", "NORMAL", "FULL", "EXTRA"}) {
      for (const char* locking : {"NORMAL", "EXCLUSIVE"}) {
        for (const char* page_size : {"512", "4096", "65536"}) {
          for (const char* vacuum : {"NONE", "FULL", "INCREMENTAL"}) {
            const std::string pragmas =
                std::string("PRAGMA page_size=") + page_size +
                "; PRAGMA auto_vacuum=" + vacuum +
                "; PRAGMA journal_mode=" + journal +
                "; PRAGMA synchronous=" + synchronous +
                "; PRAGMA locking_mode=" + locking + "; PRAGMA cache_size=10;";
            SCOPED_TRACE(pragmas);
            const std::string uri = Uri("m" + std::to_string(++actor));
            std::string content;
            {
              SqliteDb db;
              ASSERT_EQ(db.Open(uri), SQLITE_OK);
              ASSERT_EQ(db.Exec(pragmas + Fill(60, 900)), SQLITE_OK);
              ASSERT_EQ(db.Exec("CREATE INDEX i ON t(v);"
                                "DELETE FROM t WHERE k % 3 = 0;"
                                "PRAGMA incremental_vacuum;"
                                "BEGIN; UPDATE t SET v = v || k; COMMIT;"),
                        SQLITE_OK)
                  << db.Error();
              if (std::string(journal) != "off") {
                ASSERT_EQ(db.Exec("BEGIN; DELETE FROM t; ROLLBACK;"),
                          SQLITE_OK);
              }
              content = Content(&db);
            }
            SqliteDb db;
            ASSERT_EQ(db.Open(uri), SQLITE_OK);
            ASSERT_TRUE(Content(&db) == content);
            ASSERT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
            ASSERT_EQ(db.QueryText("PRAGMA page_size"), page_size);
          }
        }
      }
    }
  }
}

TEST_F(SqlFeaturesTest, IncrementalBlob) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(b); INSERT INTO t VALUES(zeroblob(99999))"),
            SQLITE_OK);
  sqlite3_blob* blob = nullptr;
  ASSERT_EQ(sqlite3_blob_open(db.get(), "main", "t", "b", 1, 1, &blob),
            SQLITE_OK);
  for (int offset = 0; offset < 99990; offset += 5003) {
    ASSERT_EQ(sqlite3_blob_write(blob, "here", 4, offset), SQLITE_OK);
  }
  ASSERT_EQ(sqlite3_blob_close(blob), SQLITE_OK);
  SqliteDb other;
  ASSERT_EQ(other.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(sqlite3_blob_open(other.get(), "main", "t", "b", 1, 0, &blob),
            SQLITE_OK);
  for (int offset = 0; offset < 99990; offset += 5003) {
    char text[4];
    ASSERT_EQ(sqlite3_blob_read(blob, text, 4, offset), SQLITE_OK);
    EXPECT_EQ(std::string(text, 4), "here");
  }
  sqlite3_blob_close(blob);
}

TEST_F(SqlFeaturesTest, BackupInEveryDirectionAndPageSize) {
  const std::string sizes[] = {"512", "4096", "16384"};
  int round = 0;
  for (const std::string& from : sizes) {
    for (const std::string& to : sizes) {
      for (const int step : {-1, 7}) {
        for (int direction = 0; direction < 3; ++direction) {
          SCOPED_TRACE(from + " to " + to + " direction " +
                       std::to_string(direction));
          const std::string number = std::to_string(++round);
          const std::string source =
              direction == 0 ? PlainUri("s" + number) : Uri("s" + number);
          const std::string target =
              direction == 2 ? PlainUri("t" + number) : Uri("t" + number);
          SqliteDb a;
          ASSERT_EQ(a.Open(source), SQLITE_OK);
          ASSERT_EQ(a.Exec("PRAGMA page_size=" + from + ";" + Fill(90, 500)),
                    SQLITE_OK);
          SqliteDb b;
          ASSERT_EQ(b.Open(target), SQLITE_OK);
          // A target that has a page size already, and more pages.
          ASSERT_EQ(b.Exec("PRAGMA page_size=" + to + ";" + Fill(400, 700)),
                    SQLITE_OK);
          ASSERT_EQ(Backup(&a, &b, step), SQLITE_OK) << LastError();
          EXPECT_TRUE(Content(&a) == Content(&b));
          EXPECT_EQ(b.QueryText("PRAGMA integrity_check"), "ok");
          SqliteDb fresh;
          ASSERT_EQ(fresh.Open(target), SQLITE_OK);
          EXPECT_TRUE(Content(&a) == Content(&fresh));
          EXPECT_EQ(b.Exec("INSERT INTO t(v) VALUES('more')"), SQLITE_OK);
          EXPECT_EQ(fresh.QueryInt("SELECT count(*) FROM t"), 91);
        }
      }
    }
  }
}

TEST_F(SqlFeaturesTest, BackupOfAFileInWalMode) {
  for (const char* before : {"", "CREATE TABLE old(x);"}) {
    SCOPED_TRACE(before);
    const std::string name = *before == '\0' ? "new" : "old";
    SqliteDb source;
    ASSERT_EQ(source.Open(PlainUri(name + ".db")), SQLITE_OK);
    ASSERT_EQ(source.Exec("PRAGMA journal_mode=WAL;" + Fill(50, 500)),
              SQLITE_OK);
    SqliteDb target;
    ASSERT_EQ(target.Open(Uri(name)), SQLITE_OK);
    ASSERT_EQ(target.Exec(before), SQLITE_OK);
    for (int i = 0; i < 2; ++i) {
      ASSERT_EQ(Backup(&source, &target, -1), SQLITE_OK) << LastError();
      EXPECT_TRUE(Content(&source) == Content(&target)) << target.Error();
      EXPECT_EQ(target.QueryText("PRAGMA journal_mode"), "delete");
      EXPECT_EQ(target.Exec("UPDATE t SET v = 'changed' WHERE k = 1"),
                SQLITE_OK)
          << target.Error();
    }
    SqliteDb fresh;
    ASSERT_EQ(fresh.Open(Uri(name)), SQLITE_OK);
    EXPECT_EQ(fresh.QueryText("SELECT v FROM t WHERE k = 1"), "changed");
    EXPECT_EQ(fresh.QueryText("PRAGMA integrity_check"), "ok");
  }
}

// A database in WAL mode without any table, to an actor without any page.
TEST_F(SqlFeaturesTest, BackupOfAnEmptyFileInWalMode) {
  SqliteDb source;
  ASSERT_EQ(source.Open(PlainUri("e.db")), SQLITE_OK);
  ASSERT_EQ(source.Exec("PRAGMA journal_mode=WAL; CREATE TABLE t(x);"
                        "DROP TABLE t; VACUUM;"),
            SQLITE_OK);
  SqliteDb target;
  ASSERT_EQ(target.Open(Uri("e")), SQLITE_OK);
  EXPECT_EQ(Backup(&source, &target, -1), SQLITE_OK) << LastError();
  EXPECT_EQ(target.Exec("CREATE TABLE u(x)"), SQLITE_OK) << target.Error();
}

TEST_F(SqlFeaturesTest, Savepoints) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA cache_size=5;" + Fill(300, 900)), SQLITE_OK);
  ASSERT_EQ(db.Exec("SAVEPOINT a; UPDATE t SET v = 'a' || hex(randomblob(400));"
                    "SAVEPOINT b; DELETE FROM t; ROLLBACK TO b; SAVEPOINT c;"
                    "INSERT INTO t(v) SELECT hex(zeroblob(500)) FROM t;"
                    "RELEASE c; ROLLBACK TO b; RELEASE a;"),
            SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT count(*), sum(v LIKE 'a%') FROM t"),
            "300|300");
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
}

// Past the memory of a transaction, and past that of a journal.
TEST_F(SqlFeaturesTest, LargeTransactionAndItsRollback) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA cache_size=50; CREATE TABLE t(k INTEGER PRIMARY "
                    "KEY, v); CREATE TABLE keep(x); INSERT INTO keep "
                    "VALUES(1);"),
            SQLITE_OK);
  const std::string grow =
      "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE "
      "i < 6000) INSERT INTO t(v) SELECT randomblob(4000) FROM c;";
  static_assert(kTransactionMemoryBytes < size_t{6000} * 4000, "too small");
  ASSERT_EQ(db.Exec("BEGIN;" + grow + "UPDATE keep SET x = 2; ROLLBACK;"),
            SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT x, (SELECT count(*) FROM t) FROM keep"),
            "1|0");
  ASSERT_EQ(db.Exec("BEGIN;" + grow + "UPDATE keep SET x = 3; COMMIT;"),
            SQLITE_OK);
  const std::string sum = "SELECT x, (SELECT sum(length(v)) FROM t) FROM keep";
  EXPECT_EQ(db.QueryText(sum), "3|24000000");
  ASSERT_EQ(db.Exec("BEGIN; UPDATE t SET v = randomblob(4000); ROLLBACK;"),
            SQLITE_OK);
  SqliteDb other;
  ASSERT_EQ(other.Open(Uri("a")), SQLITE_OK);
  EXPECT_EQ(other.QueryText(sum), "3|24000000");
  EXPECT_EQ(other.QueryText("PRAGMA integrity_check"), "ok");
  ASSERT_EQ(db.Exec("UPDATE t SET v = zeroblob(10); VACUUM;"), SQLITE_OK);
  EXPECT_EQ(other.QueryText(sum), "3|60000");
  EXPECT_EQ(other.QueryText("PRAGMA integrity_check"), "ok");
}

TEST_F(SqlFeaturesTest, Interrupt) {
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA cache_size=5;" + Fill(300, 900)), SQLITE_OK);
  const std::string before = Content(&db);
  int calls = 0;
  sqlite3_progress_handler(
      db.get(), 100,
      [](void* count) { return ++*static_cast<int*>(count) > 3 ? 1 : 0; },
      &calls);
  EXPECT_EQ(db.Exec("UPDATE t SET v = hex(randomblob(900))"), SQLITE_INTERRUPT);
  sqlite3_progress_handler(db.get(), 0, nullptr, nullptr);
  EXPECT_TRUE(Content(&db) == before);
  EXPECT_EQ(db.Exec("UPDATE t SET v = 1"), SQLITE_OK);
}

// The page that holds byte 2^30 is never stored.
TEST_F(SqlFeaturesTest, DatabasePastOneGibibyte) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer's own allocator runs out of memory";
#endif
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA page_size=65536; PRAGMA synchronous=OFF;"
                    "PRAGMA cache_size=-20000; CREATE TABLE t(b);"
                    "INSERT INTO t VALUES(zeroblob(540000000));"
                    "INSERT INTO t VALUES(zeroblob(540000000));"),
            SQLITE_OK)
      << db.Error() << LastError();
  const PageNo lock_page = LockPage(65536);
  ASSERT_GT(db.QueryInt("PRAGMA page_count"), lock_page + 10);
  ASSERT_EQ(db.Exec("INSERT INTO t VALUES('after');"), SQLITE_OK);
  std::shared_ptr<Store> store;
  ASSERT_OK(StoreRegistry::Instance()->Acquire(StorePath(), OpenMode::kExisting,
                                               &store));
  std::shared_ptr<Actor> actor;
  ASSERT_OK(store->OpenActor("a", &actor));
  std::shared_ptr<const HeadState> state;
  ASSERT_OK(actor->Current(&state));
  for (const BranchPoint& point : *state->lineage) {
    std::vector<KeyValue> pairs;
    ASSERT_OK(store->engine()->NewReader()->Scan(
        BranchPartition(point.branch), ChunkKey(lock_page, TxId{~uint64_t{0}}),
        1, &pairs));
    if (pairs.empty()) continue;
    EXPECT_FALSE(pairs[0].key.substr(0, 5) ==
                 ChunkKey(lock_page, TxId{1}).substr(0, 5))
        << "the lock page is stored";
  }
  sqlite3_file* file = nullptr;
  sqlite3_file_control(db.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  std::string page(65536, 'x');
  EXPECT_EQ(file->pMethods->xRead(file, page.data(), 65536, 1 << 30),
            SQLITE_OK);
  EXPECT_TRUE(page == std::string(65536, '\0'));
  EXPECT_EQ(db.QueryText("PRAGMA quick_check"), "ok");
  EXPECT_EQ(db.QueryText("SELECT b FROM t WHERE typeof(b) = 'text'"), "after");
  ASSERT_EQ(db.Exec("DELETE FROM t WHERE rowid < 3; VACUUM;"), SQLITE_OK);
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(db.QueryInt("PRAGMA page_count"), 2);
}

}  // namespace
}  // namespace actorkv
