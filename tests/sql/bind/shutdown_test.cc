// sqlite3_shutdown() and sqlite3_initialize(): SQLite keeps the VFS and drops
// what else it was told, so that is told it again.

#include <gtest/gtest.h>

#include <string>

#include "kv/process/store_registry.h"
#include "tests/support/child_process.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

// In a process of its own: nothing of SQLite may be in use.
TEST(ShutdownChild, DISABLED_Run) {
  const std::string store = ChildArgument();
  SqliteDb db;
  ASSERT_EQ(db.Open(":memory:"), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT actorkv_default_vfs(1)"), "0");
  ASSERT_EQ(db.Close(), SQLITE_OK);
  for (int i = 1; i <= 2; ++i) {
    ASSERT_EQ(sqlite3_shutdown(), SQLITE_OK);
    ASSERT_EQ(sqlite3_initialize(), SQLITE_OK);
    ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK);
    EXPECT_EQ(db.Exec("CREATE TABLE IF NOT EXISTS t(x);"
                      "INSERT INTO t VALUES (1)"),
              SQLITE_OK);
    EXPECT_EQ(db.QueryText("SELECT actor FROM actorkv_actors"), "a");
    EXPECT_EQ(db.QueryText("SELECT actorkv_default_vfs(0)"), "0")
        << "SQLite has its own default again";
    SqliteDb later;
    ASSERT_EQ(later.Open(":memory:"), SQLITE_OK);
    EXPECT_NE(later.QueryText("SELECT actorkv_version()"), "");
    EXPECT_EQ(later.ErrorCode(), SQLITE_OK);
    EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), i);
    later.Close();
    db.Close();
  }
}

TEST(ShutdownTest, FunctionsAndTablesComeBackWithAnActor) {
  const TempDir temp;
  ChildProcess child("ShutdownChild.DISABLED_Run", temp.File("store"));
  EXPECT_TRUE(child.WaitForSuccess());
}

}  // namespace
}  // namespace actorkv
