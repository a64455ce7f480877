// The entry point as SQLite calls it. That main() registers it for every
// connection is tested by all others.

#include <gtest/gtest.h>

#include <string>

#include "ext/actorkv.h"
#include "tests/support/sqlite_db.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {
namespace {

const sqlite3_api_routines* seen_api = nullptr;
int seen_count = 0;

int Look(sqlite3* /*db*/, char** /*error*/, const sqlite3_api_routines* api) {
  seen_api = api;
  ++seen_count;
  return SQLITE_OK;
}

// An extension that is called after actorkv, and is told the API table.
class EntryPointTest : public testing::Test {
 protected:
  void SetUp() override {
    seen_count = 0;
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(Look));
    ASSERT_EQ(db_.Open(":memory:"), SQLITE_OK);
    ASSERT_NE(seen_api, nullptr);
  }
  void TearDown() override {
    sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(Look));
  }

  SqliteDb db_;
};

// SQLITE_OK_LOAD_PERMANENTLY would do neither: SQLite takes every code but
// SQLITE_OK for a failure there (loadext.c sqlite3AutoLoadExtensions, 3.40.1).
TEST_F(EntryPointTest, AnOpenGoesOnAndSoDoOtherExtensions) {
  EXPECT_EQ(seen_count, 1);
  SqliteDb extended;
  EXPECT_EQ(extended.Open(":memory:",
                          SqliteDb::kReadWriteCreate | SQLITE_OPEN_EXRESCODE),
            SQLITE_OK);
  EXPECT_EQ(seen_count, 2);
}

TEST_F(EntryPointTest, AgainOnTheSameConnection) {
  for (int i = 0; i < 3; ++i) {
    char* error = nullptr;
    EXPECT_EQ(sqlite3_actorkv_init(db_.get(), &error, seen_api), SQLITE_OK);
    EXPECT_EQ(error, nullptr);
  }
  EXPECT_NE(db_.QueryText("SELECT actorkv_version()"), "");
}

TEST_F(EntryPointTest, AnotherSqliteIsRefused) {
  const sqlite3_api_routines other = *seen_api;
  char* error = nullptr;
  EXPECT_EQ(sqlite3_actorkv_init(db_.get(), &error, &other), SQLITE_ERROR);
  ASSERT_NE(error, nullptr);
  EXPECT_NE(std::string(error).find("another SQLite library in this process"),
            std::string::npos)
      << error;
  sqlite3_free(error);
  EXPECT_EQ(sqlite3_actorkv_init(db_.get(), nullptr, &other), SQLITE_ERROR);
  EXPECT_NE(db_.QueryText("SELECT actorkv_version()"), "") << "still the first";
}

}  // namespace
}  // namespace actorkv
