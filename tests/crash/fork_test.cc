// Stores and fork(): what the parent had open is refused in the child, which
// opens it anew: to share it with whoever has it open, or to own it.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kv/base/events.h"
#include "kv/process/store_registry.h"
#include "kv/store/store.h"
#include "tests/support/child_process.h"
#include "tests/support/forked_child.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

constexpr char kMake[] = "CREATE TABLE t(x); INSERT INTO t VALUES (1)";

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

// How this process has the store of the connection open: "owns" or "shares".
std::string AccessOf(SqliteDb* db) {
  return db->QueryText(
      "SELECT value FROM actorkv_info WHERE name = 'store_access'");
}

// 0 when the child can write to the store, `count` rows, each in a transaction
// of its own, and has it open as `access` says.
int Write(const std::string& store, int count, const std::string& access) {
  SqliteDb db;
  if (db.Open(ActorUri(store, "a")) != SQLITE_OK) return 11;
  sqlite3_busy_timeout(db.get(), 60'000);
  for (int i = 0; i < count; ++i) {
    if (db.Exec("INSERT INTO t VALUES (2)") != SQLITE_OK) return 12;
  }
  if (!access.empty() && AccessOf(&db) != access) return 13;
  SqliteDb reader;
  if (reader.Open(ActorUri(store, "a") + "&mode=ro") != SQLITE_OK) return 14;
  if (reader.QueryInt("SELECT count(*) FROM t") <= count) return 15;
  // Work in the background as well, which needs threads of the engine.
  if (access == "owns" &&
      db.Exec(
          "SELECT actorkv_retention(NULL, '0'); SELECT actorkv_reclaim()") !=
          SQLITE_OK) {
    return 16;
  }
  SqliteDb plain;
  if (plain.Open(":memory:") != SQLITE_OK) return 17;
  db.Close();
  reader.Close();
  return plain.QueryInt("SELECT actorkv_close_idle()") >= 1 ? 0 : 18;
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
                                                    : Write(store, 1, "shares");
                            }),
              0);
    // Its own is its child's parent's.
    EXPECT_EQ(
        InChildOfFork(runs_handlers,
                      [&] {
                        SqliteDb own;
                        if (own.Open(ActorUri(store, "a")) != SQLITE_OK)
                          return 1;
                        if (own.Exec("INSERT INTO t VALUES (5)") != SQLITE_OK) {
                          return 2;
                        }
                        return InChildOfFork(true, [&] {
                          const int inherited = CheckInherited(&own);
                          return inherited != 0 ? inherited
                                                : Write(store, 1, "shares");
                        });
                      }),
        0);
    // The same of one that forks once more, as daemons do.
    EXPECT_EQ(InChildOfFork(runs_handlers,
                            [&] {
                              return InChildOfFork(true, [&] {
                                return Write(store, 1, "shares");
                              });
                            }),
              0);
  }
  EXPECT_EQ(db.Exec("INSERT INTO t VALUES (2)"), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 10);
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

// The parent has closed what it had open. So its children own the store, and
// theirs.
TEST(ForkChild, DISABLED_AfterAStore) {
  const std::string store = ChildArgument();
  {
    SqliteDb db;
    ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
    ASSERT_EQ(db.Exec(kMake), SQLITE_OK);
  }
  CloseStore(store);
  for (const bool runs_handlers : {true, false}) {
    EXPECT_EQ(
        InChildOfFork(runs_handlers, [&] { return Write(store, 1, "owns"); }),
        0);
    EXPECT_EQ(InChildOfFork(runs_handlers,
                            [&] {
                              const int own = Write(store, 1, "owns");
                              if (own != 0) return own;
                              return InChildOfFork(true, [&] {
                                return Write(store, 1, "owns");
                              });
                            }),
              0);
  }
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 7);
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(AccessOf(&db), "owns");
  EXPECT_EQ(InChildOfFork(true, [&] { return Write(store, 1, "shares"); }), 0);
}

// The parent had it open at the fork, and closes it after.
TEST(ForkChild, DISABLED_BeforeTheStoreIsClosed) {
  const std::string store = ChildArgument();
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
  ASSERT_EQ(db.Exec(kMake), SQLITE_OK);
  int closed[2];
  ASSERT_EQ(pipe(closed), 0);
  const pid_t child = StartChild(true, [&] {
    close(closed[1]);
    char byte = 0;
    if (read(closed[0], &byte, 1) != 0) return 1;
    return Write(store, 3, "owns");
  });
  db.Close();
  CloseStore(store);
  close(closed[0]);
  close(closed[1]);
  EXPECT_EQ(AwaitChild(child), 0);
}

// A statement that reads a table of ours is left as it is.
TEST(ForkChild, DISABLED_InAStatement) {
  const std::string store = ChildArgument();
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
  ASSERT_EQ(db.Exec(kMake), SQLITE_OK);
  sqlite3_stmt* statement = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(db.get(), "SELECT * FROM actorkv_dump", -1,
                               &statement, nullptr),
            SQLITE_OK);
  ASSERT_EQ(sqlite3_step(statement), SQLITE_ROW);
  EXPECT_EQ(InChildOfFork(true,
                          [&] {
                            if (sqlite3_step(statement) == SQLITE_ROW) return 1;
                            if (!SaysLast("this statement began before fork()"))
                              return 2;
                            sqlite3_finalize(statement);
                            db.Close();
                            return Write(store, 1, "shares");
                          }),
            0);
  EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
  sqlite3_finalize(statement);
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
        StartChild(i % 2 == 0, [&] { return Write(store, kRows, "shares"); }));
  }
  for (int i = 0; i < kRows; ++i) {
    EXPECT_EQ(db.Exec("INSERT INTO t VALUES (1)"), SQLITE_OK) << LastError();
  }
  for (const pid_t pid : children) EXPECT_EQ(AwaitChild(pid), 0);
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 1 + kRows * (kChildren + 1));
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
}

// 0 when the child can make a store, and owns it.
int Make(const std::string& store) {
  {
    SqliteDb db;
    if (db.Open(ActorUri(store, "a")) != SQLITE_OK) return 31;
    if (db.Exec(kMake) != SQLITE_OK) return 32;
  }
  return Write(store, 1, "owns");
}

// Takes and frees the locks of a process as long as it is told to, and has
// threads of the engine at work. Without SQLite, whose own locks a child does
// not find free.
void KeepBusy(const std::string& store, uint64_t id,
              const std::atomic<bool>& ends) {
  const std::string value(100'000, 'v');
  for (uint64_t round = 0; !ends; ++round) {
    std::shared_ptr<Store> own;
    StoreRegistry* const registry = StoreRegistry::Instance();
    ASSERT_OK(registry->Acquire(store, OpenMode::kCreate, &own));
    Batch batch;
    const std::string key = std::to_string(round % 100);
    batch.Put({PartitionKind::kBranch, id}, key, value);
    ASSERT_TRUE(own->engine()->Commit(batch, Durability::kBuffered).done());
    NoteEvent({EventKind::kFlatten, store, "", ""});
    KeepError(SQLITE_BUSY, "busy", {nullptr, store});
    own.reset();
    if (round % 20 == 0) registry->CloseIdle();
  }
}

// Locks of the parent's are held at any moment, and by threads that its
// children do not have.
TEST(ForkChild, DISABLED_UnderLoad) {
  const std::string store = ChildArgument();
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
  ASSERT_EQ(db.Exec(kMake), SQLITE_OK);
  std::atomic<bool> ends{false};
  std::vector<std::thread> busy;
  for (uint64_t id : {1, 2, 3}) {
    busy.emplace_back([&, id] { KeepBusy(store + ".busy", id, ends); });
  }
  constexpr int kRounds = 6;
  constexpr int kAtATime = 3;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<pid_t> children;
    for (int i = 0; i < kAtATime; ++i) {
      children.push_back(StartChild(i != 0, [&] {
        const int shared = Write(store, 1, "shares");
        if (shared != 0) return shared;
        return Make(store + "." + std::to_string(round * kAtATime + i));
      }));
    }
    for (const pid_t pid : children) EXPECT_EQ(AwaitChild(pid), 0);
  }
  ends = true;
  for (std::thread& thread : busy) thread.join();
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 1 + kRounds * kAtATime);
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
}

constexpr int kOrphans = 8;

// Says what came of each step: beside its parent, and after the end of that,
// which is the end of a pipe to which nobody else writes.
int LiveOnAsOrphan(const std::string& store, const int (&parent)[2]) {
  close(parent[1]);
  SqliteDb db;
  if (db.Open(ActorUri(store, "a")) != SQLITE_OK) return 1;
  sqlite3_busy_timeout(db.get(), 60'000);
  const bool wrote = db.Exec("INSERT INTO t VALUES (2)") == SQLITE_OK;
  ChildSay(wrote ? 'w' : 'x');
  char byte = 0;
  if (read(parent[0], &byte, 1) != 0) return 2;
  const bool goes_on = db.Exec("INSERT INTO t VALUES (3)") == SQLITE_OK;
  ChildSay(goes_on ? 'd' : 'x');
  // Until all have written: who owns the store now serves the others.
  if (ChildHear() != 'e') return 3;
  return 0;
}

// Ends when it is told by SIGUSR1: all that is said is for its children, which
// have its ends of the pipes.
TEST(ForkChild, DISABLED_ParentOfOrphans) {
  const std::string store = ChildArgument();
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGUSR1);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &end, nullptr), 0);
  int parent[2];
  ASSERT_EQ(pipe(parent), 0);
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
  ASSERT_EQ(db.Exec(kMake), SQLITE_OK);
  for (int i = 0; i < kOrphans; ++i) {
    StartChild(i != 0, [&] { return LiveOnAsOrphan(store, parent); });
  }
  int signal = 0;
  ASSERT_EQ(sigwait(&end, &signal), 0);
}

// Whether nobody has a lock on the file. Opened anew, as all that this process
// has would not count.
bool IsFree(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool is_known = fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0;
  if (fd >= 0) close(fd);
  return is_known && lock.l_type == F_UNLCK;
}

bool IsFreeStore(const std::string& store) {
  return IsFree(store + "/actorkv.pid") && IsFree(store + "/LOCK");
}

class OrphansTest : public testing::TestWithParam<bool> {};

// The parent ends, or is killed; one of its children owns the store then.
TEST_P(OrphansTest, GoOn) {
  if (!kChildrenAreWhole) GTEST_SKIP() << "not under a sanitizer";
  const TempDir temp;
  const std::string store = temp.File("store");
  ChildProcess parent("ForkChild.DISABLED_ParentOfOrphans", store);
  for (int i = 0; i < kOrphans; ++i) ASSERT_EQ(parent.Hear(), 'w');
  if (GetParam()) {
    parent.Kill();
  } else {
    ASSERT_EQ(kill(parent.pid(), SIGUSR1), 0);
    EXPECT_TRUE(parent.WaitForSuccess());
  }
  for (int i = 0; i < kOrphans; ++i) ASSERT_EQ(parent.Hear(), 'd');
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 1 + 2 * kOrphans);
  EXPECT_EQ(AccessOf(&db), "shares");
  for (int i = 0; i < kOrphans; ++i) parent.Say('e');
  EXPECT_EQ(parent.Hear(), '\0') << "all have ended";
  EXPECT_EQ(db.Exec("INSERT INTO t VALUES (4)"), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
  db.Close();
  CloseStore(store);
  EXPECT_TRUE(IsFreeStore(store));
}

INSTANTIATE_TEST_SUITE_P(, OrphansTest, testing::Bool(),
                         [](const auto& parameter) {
                           return std::string(parameter.param ? "Killed"
                                                              : "Ended");
                         });

// Has opened nothing itself.
TEST(ForkChild, DISABLED_ParentOfAnIdleChild) {
  const std::string store = ChildArgument();
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
  ASSERT_EQ(db.Exec(kMake), SQLITE_OK);
  StartChild(true, [&] { return ChildHear() == 'e' ? 0 : 1; });
  ChildSay('r');
  ASSERT_EQ(ChildHear(), 'x') << "is killed";
}

// A child has copies of all descriptors of its parent. With that of a lock it
// would keep the store from everybody, and with that of the socket have them
// wait for an owner that is not there.
TEST(ForkTest, AChildKeepsNothingOfADeadParent) {
  const TempDir temp;
  const std::string store = temp.File("store");
  ChildProcess parent("ForkChild.DISABLED_ParentOfAnIdleChild", store);
  ASSERT_EQ(parent.Hear(), 'r');
  EXPECT_FALSE(IsFreeStore(store));
  parent.Kill();
  EXPECT_TRUE(IsFreeStore(store));
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
  EXPECT_EQ(AccessOf(&db), "owns");
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 1);
  parent.Say('e');
  EXPECT_EQ(parent.Hear(), '\0') << "the child has ended";
  db.Close();
  CloseStore(store);
  EXPECT_TRUE(IsFreeStore(store));
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
  if (!kChildrenAreWhole) GTEST_SKIP() << "not under a sanitizer";
  const TempDir temp;
  ChildProcess child(std::string("ForkChild.DISABLED_") + GetParam(),
                     temp.File("store"));
  EXPECT_TRUE(child.WaitForSuccess());
}

INSTANTIATE_TEST_SUITE_P(
    , ForkKindTest,
    testing::Values("WithAnOpenStore", "InATransaction", "InAStatement",
                    "AfterAStore", "BeforeTheStoreIsClosed", "ManyChildren",
                    "UnderLoad", "LoadedOnly"),
    [](const auto& parameter) { return std::string(parameter.param); });

}  // namespace
}  // namespace actorkv
