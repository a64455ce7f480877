// Stores and fork(): a child of a process that has opened one is told what it
// cannot do, and why; one of a process that has only loaded the module opens
// stores as any other.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>

#include "kv/process/store_registry.h"
#include "tests/support/child_process.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

constexpr char kMake[] = "CREATE TABLE t(x); INSERT INTO t VALUES (1)";
constexpr char kWayOut[] =
    "; a process that has opened one cannot hand that on by fork(): use stores "
    "in the parent alone, fork before the first one is opened, or exec first";

// What `work` returns in a child of fork(), which ends by exit() or _exit().
int InChildOfFork(bool runs_handlers, const std::function<int()>& work) {
  const pid_t pid = fork();
  if (pid == 0) {
    const int result = work();
    if (runs_handlers) std::exit(result);
    _exit(result);
  }
  int status = 0;
  if (pid < 0 || waitpid(pid, &status, 0) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
}

bool SaysLast(const std::string& text) {
  return LastError().find(text) != std::string::npos;
}

// 0 when all opens are refused with `when`.
int CheckRefused(const std::string& store, const std::string& when) {
  SqliteDb db;
  const std::string text = when + kWayOut;
  if (db.Open(ActorUri(store, "a")) != SQLITE_CANTOPEN) return 1;
  if (!SaysLast(text) || !SaysLast(store)) return 2;
  if (db.Open(ActorUri(store, "a") + "&mode=ro") != SQLITE_CANTOPEN) return 3;
  if (!SaysLast(text)) return 4;
  if (db.Open(ActorUri(store + ".other", "a")) != SQLITE_CANTOPEN) return 5;
  if (!SaysLast(text) && !SaysLast("no such")) return 6;
  SqliteDb plain;
  if (plain.Open(":memory:") != SQLITE_OK) return 7;
  return plain.QueryInt("SELECT actorkv_close_idle()") == 0 ? 0 : 8;
}

TEST(ForkChild, DISABLED_WithAnOpenStore) {
  const std::string store = ChildArgument();
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
  ASSERT_EQ(db.Exec(kMake), SQLITE_OK);
  const std::string when = "a store was open when this process was forked";
  for (const bool runs_handlers : {true, false}) {
    EXPECT_EQ(InChildOfFork(runs_handlers,
                            [&] {
                              if (db.Exec("SELECT * FROM t") == SQLITE_OK) {
                                return 20;
                              }
                              if (!SaysLast("this connection was opened before "
                                            "fork(), in the parent, and only "
                                            "the parent can use it; " +
                                            when + kWayOut)) {
                                return 21;
                              }
                              return CheckRefused(store, when);
                            }),
              0);
    // The same of one that forks once more, as daemons do.
    EXPECT_EQ(InChildOfFork(runs_handlers,
                            [&] {
                              return InChildOfFork(true, [&] {
                                return CheckRefused(store, when);
                              });
                            }),
              0);
  }
  EXPECT_EQ(db.Exec("INSERT INTO t VALUES (2)"), SQLITE_OK) << LastError();
}

TEST(ForkChild, DISABLED_AfterAStore) {
  const std::string store = ChildArgument();
  {
    SqliteDb db;
    ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
    ASSERT_EQ(db.Exec(kMake), SQLITE_OK);
  }
  CloseStore(store);
  for (const bool runs_handlers : {true, false}) {
    EXPECT_EQ(InChildOfFork(runs_handlers,
                            [&] {
                              return CheckRefused(
                                  store,
                                  "a store had been opened, and closed, before "
                                  "this process was forked");
                            }),
              0);
  }
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 1);
}

// Each child writes, with threads of RocksDB at work, and ends.
TEST(ForkChild, DISABLED_LoadedOnly) {
  const std::string store = ChildArgument();
  const std::string uri = ActorUri(store, "a");
  for (int i = 1; i <= 3; ++i) {
    const int done = InChildOfFork(i != 2, [&] {
      SqliteDb db;
      if (db.Open(uri) != SQLITE_OK) return 1;
      if (db.Exec("CREATE TABLE IF NOT EXISTS t(x); INSERT INTO t VALUES (1);"
                  "SELECT actorkv_retention(NULL, '0');"
                  "SELECT actorkv_reclaim()") != SQLITE_OK) {
        return 2;
      }
      return db.QueryInt("SELECT count(*) FROM t") == i ? 0 : 3;
    });
    EXPECT_EQ(done, 0);
  }
  SqliteDb db;
  ASSERT_EQ(db.Open(uri), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 3);
}

class ForkTest : public testing::TestWithParam<const char*> {};

TEST_P(ForkTest, Child) {
  const TempDir temp;
  ChildProcess child(std::string("ForkChild.DISABLED_") + GetParam(),
                     temp.File("store"));
  EXPECT_TRUE(child.WaitForSuccess());
}

INSTANTIATE_TEST_SUITE_P(
    , ForkTest, testing::Values("WithAnOpenStore", "AfterAStore", "LoadedOnly"),
    [](const auto& parameter) { return std::string(parameter.param); });

}  // namespace
}  // namespace actorkv
