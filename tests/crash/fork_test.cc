// Stores and fork(): what the parent had open is refused in the child, which
// opens it anew. A child of a process that has opened one shares what others
// own; one of a process that has only loaded the module opens stores as any
// other.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kv/process/store_registry.h"
#include "tests/support/child_process.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

constexpr char kMake[] = "CREATE TABLE t(x); INSERT INTO t VALUES (1)";
constexpr char kNobodyOwns[] =
    "the process that this one was forked from had a store open, so this one "
    "may use a store only while another process has it open";

// Starts `work` in a child of fork(), which ends by exit() or _exit() with what
// it returns; by SIGALRM where it hangs.
pid_t StartChild(bool runs_handlers, const std::function<int()>& work) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  alarm(120);
  const int result = work();
  if (runs_handlers) std::exit(result);
  _exit(result);
}

int AwaitChild(pid_t pid) {
  int status = 0;
  if (pid < 0 || waitpid(pid, &status, 0) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
}

int InChildOfFork(bool runs_handlers, const std::function<int()>& work) {
  return AwaitChild(StartChild(runs_handlers, work));
}

bool SaysLast(const std::string& text) {
  return LastError().find(text) != std::string::npos;
}

// 0 when all opens are refused, as nobody owns a store.
int CheckRefused(const std::string& store) {
  SqliteDb db;
  if (db.Open(ActorUri(store, "a")) != SQLITE_CANTOPEN) return 1;
  if (!SaysLast(kNobodyOwns) || !SaysLast(store)) return 2;
  if (db.Open(ActorUri(store, "a") + "&mode=ro") != SQLITE_CANTOPEN) return 3;
  if (!SaysLast(kNobodyOwns)) return 4;
  if (db.Open(ActorUri(store + ".other", "a")) != SQLITE_CANTOPEN) return 5;
  if (!SaysLast(kNobodyOwns)) return 6;
  SqliteDb plain;
  if (plain.Open(":memory:") != SQLITE_OK) return 7;
  return plain.QueryInt("SELECT actorkv_close_idle()") == 0 ? 0 : 8;
}

// 0 when the child can write to the store that somebody else has open, `count`
// rows, each in a transaction of its own.
int Write(const std::string& store, int count) {
  SqliteDb db;
  if (db.Open(ActorUri(store, "a")) != SQLITE_OK) return 11;
  sqlite3_busy_timeout(db.get(), 60'000);
  for (int i = 0; i < count; ++i) {
    if (db.Exec("INSERT INTO t VALUES (2)") != SQLITE_OK) return 12;
  }
  SqliteDb reader;
  if (reader.Open(ActorUri(store, "a") + "&mode=ro") != SQLITE_OK) return 13;
  if (reader.QueryInt("SELECT count(*) FROM t") <= count) return 14;
  SqliteDb plain;
  if (plain.Open(":memory:") != SQLITE_OK) return 15;
  db.Close();
  reader.Close();
  return plain.QueryInt("SELECT actorkv_close_idle()") == 1 ? 0 : 16;
}

// 0 when a connection of the parent's is refused, and closed.
int CheckInherited(SqliteDb* db) {
  if (db->Exec("SELECT * FROM t") == SQLITE_OK) return 20;
  if (!SaysLast("this connection was opened before fork(), in the parent, and "
                "only the parent can use it")) {
    return 21;
  }
  if (db->Exec("INSERT INTO t VALUES (3)") == SQLITE_OK) return 22;
  // By the name of the store alone.
  if (db->Exec("SELECT actorkv_reclaim()") != SQLITE_OK) return 23;
  db->Close();
  return 0;
}

TEST(ForkChild, DISABLED_WithAnOpenStore) {
  const std::string store = ChildArgument();
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
  ASSERT_EQ(db.Exec(kMake), SQLITE_OK);
  for (const bool runs_handlers : {true, false}) {
    EXPECT_EQ(InChildOfFork(runs_handlers,
                            [&] {
                              const int inherited = CheckInherited(&db);
                              return inherited != 0 ? inherited
                                                    : Write(store, 1);
                            }),
              0);
    // The same of one that forks once more, as daemons do.
    EXPECT_EQ(InChildOfFork(runs_handlers,
                            [&] {
                              return InChildOfFork(
                                  true, [&] { return Write(store, 1); });
                            }),
              0);
  }
  EXPECT_EQ(db.Exec("INSERT INTO t VALUES (2)"), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 6);
}

// The parent is forked in the middle of a transaction.
TEST(ForkChild, DISABLED_InATransaction) {
  const std::string store = ChildArgument();
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
  ASSERT_EQ(db.Exec(kMake), SQLITE_OK);
  ASSERT_EQ(db.Exec("BEGIN; INSERT INTO t VALUES (2)"), SQLITE_OK);
  EXPECT_EQ(InChildOfFork(
                true,
                [&] {
                  if (db.Exec("COMMIT") == SQLITE_OK) return 1;
                  db.Close();
                  SqliteDb other;
                  if (other.Open(ActorUri(store, "a")) != SQLITE_OK) {
                    return 2;
                  }
                  if (other.Exec("INSERT INTO t VALUES (3)") != SQLITE_BUSY) {
                    return 3;
                  }
                  return other.QueryInt("SELECT count(*) FROM t") == 1 ? 0 : 4;
                }),
            0);
  EXPECT_EQ(db.Exec("COMMIT"), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 2);
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
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
    EXPECT_EQ(InChildOfFork(runs_handlers, [&] { return CheckRefused(store); }),
              0);
  }
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 1);
  EXPECT_EQ(InChildOfFork(true, [&] { return Write(store, 1); }), 0);
}

TEST(ForkChild, DISABLED_ManyChildren) {
  const std::string store = ChildArgument();
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
  ASSERT_EQ(db.Exec(kMake), SQLITE_OK);
  sqlite3_busy_timeout(db.get(), 60'000);
  constexpr int kChildren = 8;
  constexpr int kRows = 20;
  std::vector<pid_t> children;
  for (int i = 0; i < kChildren; ++i) {
    children.push_back(
        StartChild(i % 2 == 0, [&] { return Write(store, kRows); }));
  }
  for (int i = 0; i < kRows; ++i) {
    EXPECT_EQ(db.Exec("INSERT INTO t VALUES (1)"), SQLITE_OK) << LastError();
  }
  for (const pid_t pid : children) EXPECT_EQ(AwaitChild(pid), 0);
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 1 + kRows * (kChildren + 1));
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
}

constexpr int kOrphans = 3;

// Says what came of each step: of its parent's store, of nobody's, of another
// process's.
int LiveOnAsOrphan(const std::string& store) {
  SqliteDb db;
  if (db.Open(ActorUri(store, "a")) != SQLITE_OK) return 1;
  sqlite3_busy_timeout(db.get(), 60'000);
  const bool wrote = db.Exec("INSERT INTO t VALUES (2)") == SQLITE_OK;
  std::shared_ptr<Store> shared;
  StoreRegistry* const registry = StoreRegistry::Instance();
  if (!registry->Acquire(store, OpenMode::kExisting, &shared).ok()) return 2;
  registry->ClientOf(shared.get())
      ->SetOwnerWait(std::chrono::milliseconds(300));
  ChildSay(wrote ? 'w' : 'x');
  if (ChildHear() != 'g') return 3;
  const bool refused =
      db.Exec("INSERT INTO t VALUES (3)") != SQLITE_OK && SaysLast(kNobodyOwns);
  ChildSay(refused ? 'r' : 'x');
  if (ChildHear() != 'g') return 4;
  const bool goes_on = db.Exec("INSERT INTO t VALUES (4)") == SQLITE_OK;
  ChildSay(goes_on ? 'd' : 'x');
  return 0;
}

TEST(ForkChild, DISABLED_ParentOfOrphans) {
  const std::string store = ChildArgument();
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
  ASSERT_EQ(db.Exec(kMake), SQLITE_OK);
  for (int i = 0; i < kOrphans; ++i) {
    StartChild(i != 0, [&] { return LiveOnAsOrphan(store); });
  }
  ASSERT_EQ(ChildHear(), 'e');
}

TEST(ForkTest, OrphansGoOnWithAnotherOwner) {
  const TempDir temp;
  const std::string store = temp.File("store");
  ChildProcess parent("ForkChild.DISABLED_ParentOfOrphans", store);
  for (int i = 0; i < kOrphans; ++i) ASSERT_EQ(parent.Hear(), 'w');
  parent.Say('e');
  EXPECT_TRUE(parent.WaitForSuccess());
  for (int i = 0; i < kOrphans; ++i) parent.Say('g');
  for (int i = 0; i < kOrphans; ++i) ASSERT_EQ(parent.Hear(), 'r');
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 1 + kOrphans);
  for (int i = 0; i < kOrphans; ++i) parent.Say('g');
  for (int i = 0; i < kOrphans; ++i) ASSERT_EQ(parent.Hear(), 'd');
  EXPECT_EQ(parent.Hear(), '\0') << "all have ended";
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 1 + 2 * kOrphans);
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
  db.Close();
  CloseStore(store);
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

class ForkKindTest : public testing::TestWithParam<const char*> {};

TEST_P(ForkKindTest, Child) {
  const TempDir temp;
  ChildProcess child(std::string("ForkChild.DISABLED_") + GetParam(),
                     temp.File("store"));
  EXPECT_TRUE(child.WaitForSuccess());
}

INSTANTIATE_TEST_SUITE_P(, ForkKindTest,
                         testing::Values("WithAnOpenStore", "InATransaction",
                                         "AfterAStore", "ManyChildren",
                                         "LoadedOnly"),
                         [](const auto& parameter) {
                           return std::string(parameter.param);
                         });

}  // namespace
}  // namespace actorkv
