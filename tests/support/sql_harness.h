// SqlTest: the fixture of tests of SQL functions and tables: a directory with
// a real store in it, and a connection.

#ifndef ACTORKV_TESTS_SUPPORT_SQL_HARNESS_H_
#define ACTORKV_TESTS_SUPPORT_SQL_HARNESS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "kv/process/store_registry.h"
#include "tests/support/listing.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/testing.h"

namespace actorkv {

// A statement that fails, with which code and text.
struct BadCase {
  const char* sql;
  int code;
  const char* text;  // contained in the message
};

class SqlTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(db_.Open(":memory:"), SQLITE_OK);
    ASSERT_EQ(Ask("SELECT actorkv_store(" + Quoted("store") + ")"),
              File("store"));
  }

  void TearDown() override {
    db_.Close();
    StoreRegistry::Instance()->CloseIdle();
  }

  std::string File(const std::string& name) const {
    return directory_.File(name);
  }
  std::string Quoted(const std::string& name) const {
    return "'" + File(name) + "'";
  }
  std::string Uri(const std::string& actor,
                  const std::string& more = "") const {
    return "file:" + File("store") + "/" + actor + "?vfs=actorkv" + more;
  }

  // The answer of the fixture's connection; $DIR/ in `sql` is the directory.
  std::string Ask(const std::string& sql) { return db_.QueryText(Fill(sql)); }

  // Makes an actor with a table t of `rows` rows of 500 bytes.
  void MakeActor(const std::string& name, int rows = 1) {
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri(name)), SQLITE_OK) << db.Error();
    FillTable(&db, rows);
  }

  // The same as a plain file; `before` is run first.
  void MakeFile(const std::string& name, const std::string& before,
                int rows = 1) {
    SqliteDb db;
    ASSERT_EQ(db.Open(File(name)), SQLITE_OK);
    ASSERT_EQ(db.Exec(before), SQLITE_OK) << db.Error();
    FillTable(&db, rows);
  }

  static void FillTable(SqliteDb* db, int rows) {
    ASSERT_EQ(db->Exec("CREATE TABLE t(x); WITH RECURSIVE c(i) AS (SELECT 1 "
                       "UNION ALL SELECT i + 1 FROM c WHERE i < " +
                       std::to_string(rows) +
                       ") INSERT INTO t SELECT i || zeroblob(500) FROM c;"),
              SQLITE_OK)
        << db->Error();
  }

  void ExpectBad(const std::vector<BadCase>& cases) {
    for (const BadCase& bad : cases) {
      SCOPED_TRACE(bad.sql);
      const std::string answer = Ask(bad.sql);
      EXPECT_NE(answer.find(Fill(bad.text)), std::string::npos) << answer;
      EXPECT_EQ(db_.ErrorCode(), bad.code);
      EXPECT_EQ(answer.substr(0, 7), "error: ") << answer;
    }
    // The connection works on.
    EXPECT_EQ(Ask("SELECT 1"), "1");
  }

  // `call`, with $DIR in it, ends interrupted: in one statement, so that it
  // finds the interrupt already there.
  void ExpectInterrupted(const std::string& call) {
    sqlite3_create_function(
        db_.get(), "interrupt_me", 0, SQLITE_UTF8, nullptr,
        [](sqlite3_context* context, int, sqlite3_value**) {
          sqlite3_interrupt(sqlite3_context_db_handle(context));
        },
        nullptr, nullptr);
    const std::string answer = Ask("SELECT interrupt_me(), " + call);
    EXPECT_EQ(db_.ErrorCode(), SQLITE_INTERRUPT) << answer;
  }

  // Names in the directory, sorted, joined by blanks.
  std::string Listing() const { return actorkv::Listing(directory_.path()); }

  std::string Contents(const std::string& name) const {
    return FileContents(File(name));
  }
  void WriteFile(const std::string& name, const std::string& bytes) const {
    std::ofstream(File(name), std::ios::binary) << bytes;
  }

  std::shared_ptr<Store> OpenStore(const std::string& name = "store") const {
    std::shared_ptr<Store> store;
    EXPECT_OK(StoreRegistry::Instance()->Acquire(File(name),
                                                 OpenMode::kExisting, &store));
    return store;
  }

  SqliteDb* db() { return &db_; }

 private:
  std::string Fill(std::string text) const {
    const std::string mark = "$DIR";
    for (size_t at = 0; (at = text.find(mark)) != std::string::npos;) {
      text.replace(at, mark.size(), directory_.path());
    }
    return text;
  }

  const TempDir directory_;
  SqliteDb db_;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_SQL_HARNESS_H_
