// A process ends as it likes, with stores open and their thread at work: it
// ends well, and what it committed is there.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "kv/store_registry.h"
#include "tests/support/child_process.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr int kStores = 6;
constexpr int kLives = 20;

std::string StoreOf(const std::string& directory, int i) {
  return directory + "/s" + std::to_string(i);
}

// Opens stores, so that their thread begins to serve them, and ends at once,
// with connections open.
TEST(ExitChild, DISABLED_Run) {
  const std::string directory = ChildArgument();
  // Never closed; static, so that it is no leak.
  static auto* const connections = new std::vector<SqliteDb>(kStores);
  for (int i = 0; i < kStores; ++i) {
    SqliteDb& db = (*connections)[static_cast<size_t>(i)];
    ASSERT_EQ(db.Open(ActorUri(StoreOf(directory, i), "a")), SQLITE_OK);
    ASSERT_EQ(db.Exec("CREATE TABLE IF NOT EXISTS t(x);"
                      "INSERT INTO t VALUES (1)"),
              SQLITE_OK)
        << db.Error();
  }
}

// The thread that serves stores must need nothing that has been destroyed by
// then: see also exit-time-destructors in .clang-tidy.
TEST(ExitTest, AProcessMayEndWhileItsStoresAreServed) {
  const TempDir temp;
  for (int life = 1; life <= kLives; ++life) {
    ChildProcess child("ExitChild.DISABLED_Run", temp.path());
    ASSERT_TRUE(child.WaitForSuccess()) << "in life " << life;
  }
  for (int i = 0; i < kStores; ++i) {
    SqliteDb db;
    ASSERT_EQ(db.Open(ActorUri(StoreOf(temp.path(), i), "a")), SQLITE_OK);
    EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), kLives);
  }
}

}  // namespace
}  // namespace actorkv
