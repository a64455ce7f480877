// PRAGMA synchronous is understood as SQLite itself understands it.

#include "vfs/sqlite/synchronous.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/sqlite_db.h"

namespace actorkv {
namespace {

TEST(SynchronousTest, SameAsSqlite) {
  const char* const values[] = {
      "0",          "1",
      "2",          "3",
      "4",          "5",
      "6",          "7",
      "8",          "9",
      "10",         "15",
      "16",         "100",
      "255",        "256",
      "257",        "258",
      "511",        "99999",
      "2147483647", "off",
      "OFF",        "no",
      "false",      "on",
      "yes",        "true",
      "normal",     "full",
      "Full",       "extra",
      "EXTRA",      "bogus",
      "ful",        "4294967296",
      "2147483648", "99999999999999999999",
      "1x",
  };
  for (const char* value : values) {
    SqliteDb db;
    ASSERT_EQ(db.Open(":memory:"), SQLITE_OK);
    ASSERT_EQ(db.Exec("PRAGMA synchronous='" + std::string(value) + "'"),
              SQLITE_OK);
    const int64_t level = db.QueryInt("PRAGMA synchronous");
    // SQLite shows levels that it does not name, and masks them when it syncs:
    // OFF or not and FULL or not is what matters.
    EXPECT_EQ(ParseSynchronous(value) >= 2, level >= 2)
        << value << ": " << level << " in SQLite, " << ParseSynchronous(value);
    if (level <= 3) {
      EXPECT_EQ(ParseSynchronous(value), level) << value;
    }
  }
}

}  // namespace
}  // namespace actorkv
