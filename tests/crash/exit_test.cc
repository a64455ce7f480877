// A process ends as it likes: with stores open and their thread at work, in the
// middle of its first open, with threads that go on and on. It ends with its
// status, and what it committed is there.

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kv/process/store_registry.h"
#include "tests/support/child_process.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr int kStores = 6;
constexpr int kLives = 20;
constexpr int kThreads = 4;

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

// "STORE\nMICROSECONDS"
struct Task {
  std::string store;
  useconds_t delay = 0;
};

Task ToldTask() {
  const std::string told = ChildArgument();
  const size_t end = told.find('\n');
  return {told.substr(0, end),
          static_cast<useconds_t>(std::stoul(told.substr(end + 1)))};
}

void RunLives(const std::string& child, useconds_t step) {
  const TempDir temp;
  for (int life = 0; life < kLives; ++life) {
    const std::string store = StoreOf(temp.path(), life % kStores);
    ChildProcess process(
        child,
        store + "\n" + std::to_string(static_cast<useconds_t>(life) * step));
    ASSERT_TRUE(process.WaitForSuccess()) << "in life " << life;
  }
  for (int i = 0; i < kStores; ++i) {
    SqliteDb db;
    ASSERT_EQ(db.Open(ActorUri(StoreOf(temp.path(), i), "a")), SQLITE_OK);
    EXPECT_EQ(db.QueryText("SELECT * FROM actorkv_verify"), "");
    EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
  }
}

TEST(ExitChild, DISABLED_FirstOpen) {
  const Task task = ToldTask();
  std::thread([uri = ActorUri(task.store, "a")] {
    sqlite3* db = nullptr;
    sqlite3_open_v2(uri.c_str(), &db, SqliteDb::kReadWriteCreate, nullptr);
    sqlite3_exec(db, "CREATE TABLE IF NOT EXISTS t(x)", nullptr, nullptr,
                 nullptr);
    // Its end would come under exit(), too.
    for (;;) pause();
  }).detach();
  usleep(task.delay);
  std::exit(0);
}

TEST(ExitTest, AProcessMayEndInItsFirstOpen) {
  RunLives("ExitChild.DISABLED_FirstOpen", 700);
}

// Does what makes RocksDB's threads work as well, and never ends.
void WorkOn(const std::string& store, int thread, std::atomic<int>* begun) {
  const std::string name = "t" + std::to_string(thread);
  const std::string actor = thread == 0 ? "a" : name;
  const std::string work =
      "CREATE TABLE IF NOT EXISTS t(x); INSERT INTO t SELECT hex(randomblob("
      "3000)) FROM (VALUES (1),(2),(3),(4),(5),(6),(7),(8),(9));"
      "DELETE FROM t WHERE rowid < (SELECT max(rowid) FROM t) - 99; VACUUM;"
      "SELECT count(*) FROM actorkv_verify; SELECT actorkv_reclaim();"
      "SELECT actorkv_export('" +
      actor + "', '" + store + "." + name + "', 'db', 'head', 1)";
  for (bool first = true;; first = false) {
    sqlite3* db = nullptr;
    sqlite3_open_v2(ActorUri(store, actor).c_str(), &db,
                    SqliteDb::kReadWriteCreate, nullptr);
    sqlite3_exec(db, work.c_str(), nullptr, nullptr, nullptr);
    sqlite3_close(db);
    if (first) ++*begun;
  }
}

TEST(ExitChild, DISABLED_AtWork) {
  const Task task = ToldTask();
  static std::atomic<int> begun{0};
  for (int i = 0; i < kThreads; ++i) {
    std::thread([store = task.store, i] { WorkOn(store, i, &begun); }).detach();
  }
  while (begun < 1) std::this_thread::yield();
  usleep(task.delay);
  std::exit(0);
}

TEST(ExitTest, AProcessMayEndWhileItsThreadsWork) {
  RunLives("ExitChild.DISABLED_AtWork", 5000);
}

// The status is the one that was asked for.
TEST(ExitChild, DISABLED_Status) {
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(ChildArgument(), "a")), SQLITE_OK);
  std::exit(7);
}

TEST(ExitTest, TheStatusIsThatOfExit) {
  const TempDir temp;
  ChildProcess child("ExitChild.DISABLED_Status", temp.File("s"));
  EXPECT_EQ(child.WaitForStatus(), 7);
}

}  // namespace
}  // namespace actorkv
