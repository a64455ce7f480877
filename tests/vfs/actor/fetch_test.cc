// Pages read in place (PRAGMA mmap_size): the same answers as copies, from
// memory that stays.

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/support/actor_harness.h"
#include "tests/support/sqlite_db.h"

namespace actorkv {
namespace {

constexpr int kPage = 4096;

class FetchTest : public ActorTest {
 protected:
  void Fill(SqliteDb* db) {
    ASSERT_EQ(db->Open(Uri("a")), SQLITE_OK);
    ASSERT_EQ(db->Exec("CREATE TABLE t(k INTEGER PRIMARY KEY, v);"
                       "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT "
                       "i + 1 FROM c WHERE i < 100) INSERT INTO t SELECT i, "
                       "hex(zeroblob(400)) FROM c;"),
              SQLITE_OK);
  }

  static sqlite3_file* FileOf(SqliteDb* db) {
    sqlite3_file* file = nullptr;
    sqlite3_file_control(db->get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
    return file;
  }

  static const char* Fetch(sqlite3_file* file, sqlite3_int64 offset, int size) {
    void* page = nullptr;
    EXPECT_EQ(file->pMethods->xFetch(file, offset, size, &page), SQLITE_OK);
    return static_cast<const char*>(page);
  }

  static void Unfetch(sqlite3_file* file, sqlite3_int64 offset,
                      const char* page) {
    EXPECT_EQ(file->pMethods->xUnfetch(file, offset, const_cast<char*>(page)),
              SQLITE_OK);
  }
};

TEST_F(FetchTest, IsOffUntilAsked) {
  SqliteDb db;
  Fill(&db);
  ASSERT_EQ(db.Exec("BEGIN; SELECT count(*) FROM t"), SQLITE_OK);
  EXPECT_EQ(Fetch(FileOf(&db), kPage, kPage), nullptr);
  EXPECT_EQ(db.QueryText("PRAGMA mmap_size"), "0");
  EXPECT_EQ(db.QueryText("PRAGMA mmap_size = 1000000"), "1000000");
  EXPECT_EQ(db.QueryText("PRAGMA mmap_size"), "1000000");
  const char* const page = Fetch(FileOf(&db), kPage, kPage);
  EXPECT_NE(page, nullptr);
  Unfetch(FileOf(&db), kPage, page);
}

TEST_F(FetchTest, GivesWholePagesOfTheSnapshotOnly) {
  SqliteDb db;
  Fill(&db);
  ASSERT_EQ(db.Exec("PRAGMA mmap_size = 1000000"), SQLITE_OK);
  sqlite3_file* const file = FileOf(&db);
  EXPECT_EQ(Fetch(file, kPage, kPage), nullptr) << "without a lock";
  ASSERT_EQ(db.Exec("BEGIN; SELECT count(*) FROM t"), SQLITE_OK);
  sqlite3_int64 end = 0;
  ASSERT_EQ(file->pMethods->xFileSize(file, &end), SQLITE_OK);
  EXPECT_EQ(Fetch(file, 0, kPage), nullptr) << "page 1 has counters";
  EXPECT_EQ(Fetch(file, kPage, kPage / 2), nullptr);
  EXPECT_EQ(Fetch(file, kPage + 1, kPage), nullptr);
  EXPECT_EQ(Fetch(file, end, kPage), nullptr);
  for (sqlite3_int64 at = kPage; at < end; at += kPage) {
    std::string copy(kPage, 'x');
    ASSERT_EQ(file->pMethods->xRead(file, copy.data(), kPage, at), SQLITE_OK);
    const char* const page = Fetch(file, at, kPage);
    ASSERT_NE(page, nullptr);
    EXPECT_EQ(std::memcmp(page, copy.data(), kPage), 0);
    Unfetch(file, at, page);
  }
}

TEST_F(FetchTest, APageStaysAsItWasFetched) {
  SqliteDb db;
  Fill(&db);
  ASSERT_EQ(db.Exec("PRAGMA mmap_size = 1000000; BEGIN; "
                    "SELECT count(*) FROM t"),
            SQLITE_OK);
  sqlite3_file* const file = FileOf(&db);
  const char* const first = Fetch(file, kPage, kPage);
  const char* const again = Fetch(file, kPage, kPage);
  ASSERT_NE(first, nullptr);
  const std::string before(first, kPage);
  SqliteDb writer;
  ASSERT_EQ(writer.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(writer.Exec("UPDATE t SET v = k; VACUUM"), SQLITE_OK);
  Unfetch(file, kPage, again);
  EXPECT_EQ(std::string(first, kPage), before);
  Unfetch(file, kPage, first);
  ASSERT_EQ(db.Exec("COMMIT"), SQLITE_OK);
}

// More pages than are kept when they were given back, each fetched twice, in
// two snapshots: always the bytes that a copy has.
TEST_F(FetchTest, ManyPagesAgainAndAgain) {
  SqliteDb writer;
  SqliteDb db;
  Fill(&writer);
  ASSERT_EQ(writer.Exec("UPDATE t SET v = hex(zeroblob(8000))"), SQLITE_OK);
  ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA mmap_size = 1000000"), SQLITE_OK);
  sqlite3_file* const file = FileOf(&db);
  for (const char* change : {"UPDATE t SET v = k || v", "DELETE FROM t",
                             "INSERT INTO t SELECT 1, 'x'"}) {
    ASSERT_EQ(db.Exec("BEGIN; SELECT count(*) FROM t"), SQLITE_OK);
    sqlite3_int64 size = 0;
    ASSERT_EQ(file->pMethods->xFileSize(file, &size), SQLITE_OK);
    ASSERT_GT(size, 300 * kPage);
    for (int round = 0; round < 2; ++round) {
      std::vector<const char*> pages;
      for (sqlite3_int64 at = kPage; at < size; at += kPage) {
        pages.push_back(Fetch(file, at, kPage));
        ASSERT_NE(pages.back(), nullptr);
        EXPECT_EQ(Fetch(file, at, kPage), pages.back()) << "one version";
      }
      for (size_t i = 0; i < pages.size(); ++i) {
        const auto at = static_cast<sqlite3_int64>(i + 1) * kPage;
        std::string copy(kPage, 'x');
        ASSERT_EQ(file->pMethods->xRead(file, copy.data(), kPage, at),
                  SQLITE_OK);
        EXPECT_EQ(std::memcmp(pages[i], copy.data(), kPage), 0) << at;
        Unfetch(file, at, pages[i]);
        if (i % 3 != 0) Unfetch(file, at, pages[i]);
      }
      for (size_t i = 0; i < pages.size(); i += 3) {
        Unfetch(file, static_cast<sqlite3_int64>(i + 1) * kPage, pages[i]);
      }
    }
    ASSERT_EQ(db.Exec("COMMIT"), SQLITE_OK);
    ASSERT_EQ(writer.Exec(change), SQLITE_OK);
  }
}

// What a transaction wrote is in no version yet.
TEST_F(FetchTest, ATransactionReadsItsOwnPagesByCopy) {
  SqliteDb db;
  Fill(&db);
  ASSERT_EQ(db.Exec("PRAGMA mmap_size = 1000000; PRAGMA cache_size = 5; BEGIN; "
                    "UPDATE t SET v = v || 'x'"),
            SQLITE_OK);
  EXPECT_EQ(Fetch(FileOf(&db), kPage, kPage), nullptr);
  EXPECT_EQ(db.QueryText("SELECT sum(length(v)) FROM t"), "80100");
  ASSERT_EQ(db.Exec("ROLLBACK"), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT sum(length(v)) FROM t"), "80000");
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
}

// The same work with and without, in small caches and at other page sizes.
TEST_F(FetchTest, GivesTheSameAnswers) {
  const auto work = [this](const std::string& actor, const char* mmap_size) {
    SqliteDb db;
    EXPECT_EQ(db.Open(Uri(actor)), SQLITE_OK);
    SqliteDb other;
    EXPECT_EQ(other.Open(Uri(actor)), SQLITE_OK);
    const std::string pragmas =
        std::string("PRAGMA mmap_size = ") + mmap_size + ";";
    EXPECT_EQ(
        db.Exec("PRAGMA page_size = 1024; PRAGMA cache_size = 5;" + pragmas),
        SQLITE_OK);
    EXPECT_EQ(other.Exec(pragmas), SQLITE_OK);
    EXPECT_EQ(db.Exec("CREATE TABLE t(k INTEGER PRIMARY KEY, v);"
                      "CREATE INDEX i ON t(v);"),
              SQLITE_OK);
    std::string answers;
    for (int i = 0; i < 12; ++i) {
      const std::string n = std::to_string(i);
      const std::string statement =
          "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c "
          "WHERE i < 60) INSERT INTO t(v) SELECT i * 7919 % 97 || "
          "hex(zeroblob(i * " +
          n + ")) FROM c; DELETE FROM t WHERE k % 5 = " + n +
          "; UPDATE t SET v = v || 'x' WHERE k % 3 = 1;";
      EXPECT_EQ(db.Exec(statement), SQLITE_OK);
      EXPECT_EQ(db.Exec(i == 6 ? "VACUUM" : ""), SQLITE_OK);
      answers += other.QueryText(
          "SELECT count(*), sum(length(v)), min(v), max(v) FROM t");
      answers += db.QueryText(
          "SELECT group_concat(v) FROM (SELECT v FROM t "
          "INDEXED BY i ORDER BY v LIMIT 20)");
    }
    EXPECT_EQ(other.QueryText("PRAGMA integrity_check"), "ok");
    return answers;
  };
  EXPECT_EQ(work("mapped", "100000000"), work("copied", "0"));
}

}  // namespace
}  // namespace actorkv
