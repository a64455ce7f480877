// Writers of one actor wait in line inside the busy handler: who is next, how
// long it takes, and what ends while one is in the line.

#include "vfs/actor/busy_wait.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kv/process/store_registry.h"
#include "kv/store/actor.h"
#include "kv/store/store.h"
#include "kv/store/writer_queue.h"
#include "tests/support/actor_harness.h"
#include "tests/support/sqlite_db.h"

namespace actorkv {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLongMs = 60'000;  // a timeout that something else ends

int64_t MsSince(Clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() -
                                                               begin)
      .count();
}

// As SQLite calls it. Returns what it says that it slept, microseconds.
int XSleep(int microseconds) {
  sqlite3_vfs* const vfs = sqlite3_vfs_find("actorkv");
  return vfs->xSleep(vfs, microseconds);
}

class BusyWaitTest : public ActorTest {
 protected:
  // Opens the actor; a table is there.
  void Open(SqliteDb* db, int timeout_ms, const std::string& actor = "a") {
    ASSERT_EQ(db->Open(Uri(actor)), SQLITE_OK);
    ASSERT_EQ(sqlite3_busy_timeout(db->get(), timeout_ms), SQLITE_OK);
    ASSERT_EQ(db->Exec("CREATE TABLE IF NOT EXISTS t(x)"), SQLITE_OK);
  }
  // The actor's queue. REQUIRES: the actor is open, and stays open.
  std::shared_ptr<WriterQueue> Queue(const std::string& name = "a") {
    std::shared_ptr<Store> store;
    std::shared_ptr<Actor> actor;
    EXPECT_OK(StoreRegistry::Instance()->Acquire(StorePath(),
                                                 OpenMode::kExisting, &store));
    EXPECT_OK(store->OpenActor(name, &actor));
    return actor->writers();
  }
  void AwaitWaiting(size_t count, const std::string& name = "a") {
    const std::shared_ptr<WriterQueue> queue = Queue(name);
    while (queue->waiting_count() != count) std::this_thread::yield();
  }
};

TEST_F(BusyWaitTest, WhoWaitsIsNext) {
  SqliteDb first;
  SqliteDb second;
  Open(&first, 0);
  Open(&second, kLongMs);
  ASSERT_EQ(first.Exec("BEGIN IMMEDIATE; INSERT INTO t VALUES(1)"), SQLITE_OK);
  const Clock::time_point begin = Clock::now();
  std::thread thread(
      [&] { EXPECT_EQ(second.Exec("BEGIN IMMEDIATE"), SQLITE_OK); });
  AwaitWaiting(1);
  EXPECT_EQ(first.Exec("COMMIT"), SQLITE_OK);
  thread.join();
  EXPECT_LT(MsSince(begin), kLongMs / 2);
  EXPECT_EQ(first.Exec("BEGIN IMMEDIATE"), SQLITE_BUSY);
  // Its snapshot is of after the wait.
  EXPECT_EQ(second.QueryText("SELECT x FROM t"), "1");
  EXPECT_EQ(second.Exec("INSERT INTO t VALUES(2); COMMIT"), SQLITE_OK);
  EXPECT_EQ(first.QueryText("SELECT group_concat(x) FROM t"), "1,2");
}

TEST_F(BusyWaitTest, TheTimeoutIsWhatWasAskedFor) {
  SqliteDb first;
  SqliteDb second;
  Open(&first, 0);
  Open(&second, 300);
  ASSERT_EQ(first.Exec("BEGIN IMMEDIATE"), SQLITE_OK);
  for (const char* sql : {"BEGIN IMMEDIATE", "INSERT INTO t VALUES(1)"}) {
    const Clock::time_point begin = Clock::now();
    EXPECT_EQ(second.Exec(sql), SQLITE_BUSY);
    EXPECT_GE(MsSince(begin), 300) << sql;
    EXPECT_LT(MsSince(begin), kLongMs / 2) << sql;
  }
  EXPECT_EQ(Queue()->waiting_count(), 0u);
}

TEST_F(BusyWaitTest, ExclusiveModeIsWaitedForUntilTheTimeout) {
  SqliteDb first;
  SqliteDb second;
  Open(&first, 0);
  Open(&second, 100);
  ASSERT_EQ(first.Exec("PRAGMA locking_mode=EXCLUSIVE;"
                       "INSERT INTO t VALUES(1);"),
            SQLITE_OK);
  const Clock::time_point begin = Clock::now();
  EXPECT_EQ(second.Exec("INSERT INTO t VALUES(2)"), SQLITE_BUSY);
  EXPECT_GE(MsSince(begin), 100);
  ASSERT_EQ(first.Exec("PRAGMA locking_mode=NORMAL; SELECT * FROM t;"),
            SQLITE_OK);
  EXPECT_EQ(second.Exec("INSERT INTO t VALUES(2)"), SQLITE_OK);
}

// The busy handler is not asked where the transaction has a snapshot already:
// no wait could make that the newest one.
TEST_F(BusyWaitTest, WhoReadBeforeItWritesDoesNotWait) {
  SqliteDb first;
  SqliteDb second;
  Open(&first, 0);
  Open(&second, kLongMs);
  const Clock::time_point begin = Clock::now();
  ASSERT_EQ(second.Exec("BEGIN; SELECT * FROM t;"), SQLITE_OK);
  ASSERT_EQ(first.Exec("BEGIN IMMEDIATE; INSERT INTO t VALUES(1);"), SQLITE_OK);
  EXPECT_EQ(second.Exec("INSERT INTO t VALUES(2)"), SQLITE_BUSY);
  ASSERT_EQ(first.Exec("COMMIT"), SQLITE_OK);
  EXPECT_EQ(second.Exec("INSERT INTO t VALUES(2)"), SQLITE_BUSY_SNAPSHOT);
  EXPECT_LT(MsSince(begin), kLongMs / 2);
  EXPECT_EQ(second.Exec("ROLLBACK; INSERT INTO t VALUES(2);"), SQLITE_OK);
}

// A handler of the application decides for itself, and nothing waits in its
// place.
TEST_F(BusyWaitTest, AHandlerOfTheApplicationPolls) {
  SqliteDb first;
  SqliteDb second;
  Open(&first, 0);
  Open(&second, 0);
  ASSERT_EQ(first.Exec("BEGIN IMMEDIATE"), SQLITE_OK);
  int calls = 0;
  sqlite3_busy_handler(
      second.get(),
      [](void* count, int /*times*/) {
        return ++*static_cast<int*>(count) < 100 ? 1 : 0;
      },
      &calls);
  EXPECT_EQ(second.Exec("BEGIN IMMEDIATE"), SQLITE_BUSY);
  EXPECT_EQ(calls, 100);
  ASSERT_EQ(first.Exec("COMMIT"), SQLITE_OK);
  EXPECT_EQ(second.Exec("BEGIN IMMEDIATE"), SQLITE_OK);
}

// --- Sleeps that are not the busy handler's ---------------------------------

TEST_F(BusyWaitTest, ASleepThatHasNothingToWaitForIsASleep) {
  const Clock::time_point begin = Clock::now();
  const int slept = XSleep(20'000);
  EXPECT_GE(MsSince(begin), 20);
  EXPECT_GE(slept, 20'000);
}

TEST_F(BusyWaitTest, WhatIsRememberedServesForOneSleep) {
  SqliteDb first;
  SqliteDb second;
  Open(&first, 0);
  Open(&second, 0);
  ASSERT_EQ(first.Exec("BEGIN IMMEDIATE"), SQLITE_OK);
  ASSERT_EQ(second.Exec("BEGIN IMMEDIATE"), SQLITE_BUSY);
  EXPECT_GE(XSleep(20'000), 20'000) << "in the line, and nobody gives the word";
  ASSERT_EQ(first.Exec("COMMIT"), SQLITE_OK);
  EXPECT_GE(XSleep(20'000), 20'000) << "an offer would end this one";
}

// A wait of a millisecond would be a try that comes too early. The next ones
// are shorter for it, so that all together take as long as was asked for.
TEST_F(BusyWaitTest, AShortWaitIsLongerAndTheNextOnesCountIt) {
  SqliteDb first;
  SqliteDb second;
  Open(&first, 0);
  Open(&second, 0);
  ASSERT_EQ(first.Exec("BEGIN IMMEDIATE"), SQLITE_OK);
  // A machine that is busy takes its time between the two.
  int shortest = kLongMs;
  for (int i = 0; i < 20 && shortest >= kLeastWaitUs; ++i) {
    ASSERT_EQ(second.Exec("BEGIN IMMEDIATE"), SQLITE_BUSY);
    EXPECT_GE(XSleep(1000), 1000);
    ASSERT_EQ(second.Exec("BEGIN IMMEDIATE"), SQLITE_BUSY);
    shortest = std::min(shortest, XSleep(2000));
    // So long a pause is no part of the same wait.
    std::this_thread::sleep_for(std::chrono::microseconds(2 * kRememberedUs));
  }
  EXPECT_LT(shortest, kLeastWaitUs);
  // What was too long before is over.
  ASSERT_EQ(second.Exec("BEGIN IMMEDIATE"), SQLITE_BUSY);
  EXPECT_GE(XSleep(1000), kLeastWaitUs - 1000);
}

TEST_F(BusyWaitTest, AnOldRefusalIsForgotten) {
  SqliteDb first;
  SqliteDb second;
  Open(&first, 0);
  Open(&second, 0);
  ASSERT_EQ(first.Exec("BEGIN IMMEDIATE"), SQLITE_OK);
  ASSERT_EQ(second.Exec("BEGIN IMMEDIATE"), SQLITE_BUSY);
  std::this_thread::sleep_for(std::chrono::microseconds(kRememberedUs + 1));
  ASSERT_EQ(first.Exec("COMMIT"), SQLITE_OK);
  EXPECT_GE(XSleep(20'000), 20'000);
}

// The thread asks for the word, gets it and never uses it. Others have it
// after a moment.
TEST_F(BusyWaitTest, AWordThatNobodyComesForGoesOn) {
  SqliteDb holder;
  SqliteDb forgetful;
  SqliteDb other;
  Open(&holder, 0);
  Open(&forgetful, 0);
  Open(&other, kLongMs);
  ASSERT_EQ(holder.Exec("BEGIN IMMEDIATE"), SQLITE_OK);
  const Clock::time_point begin = Clock::now();
  std::thread thread([&] {
    // On a machine that is busy the refusal may be forgotten before the sleep.
    do {
      EXPECT_EQ(forgetful.Exec("BEGIN IMMEDIATE"), SQLITE_BUSY);
    } while (XSleep(kLongMs * 10) >= kLongMs * 10);
  });
  AwaitWaiting(1);
  ASSERT_EQ(holder.Exec("COMMIT"), SQLITE_OK);
  thread.join();
  EXPECT_EQ(other.Exec("INSERT INTO t VALUES(1)"), SQLITE_OK);
  EXPECT_LT(MsSince(begin), kLongMs / 2);
}

TEST_F(BusyWaitTest, NothingOfAClosedConnectionIsWaitedFor) {
  SqliteDb first;
  Open(&first, 0);
  {
    SqliteDb second;
    Open(&second, 0);
    ASSERT_EQ(first.Exec("BEGIN IMMEDIATE"), SQLITE_OK);
    ASSERT_EQ(second.Exec("BEGIN IMMEDIATE"), SQLITE_BUSY);
  }
  ASSERT_EQ(first.Exec("COMMIT"), SQLITE_OK);
  EXPECT_GE(XSleep(20'000), 20'000) << "a word offered to nobody";
  EXPECT_EQ(first.Exec("BEGIN IMMEDIATE"), SQLITE_OK);
}

// Also one that is closed while another thread waits for it.
TEST_F(BusyWaitTest, AConnectionIsClosedWhileItIsInTheLine) {
  SqliteDb first;
  Open(&first, 0);
  SqliteDb second;
  Open(&second, 0);
  ASSERT_EQ(first.Exec("BEGIN IMMEDIATE"), SQLITE_OK);
  std::atomic<bool> over{false};
  std::thread thread([&] {
    const Clock::time_point begin = Clock::now();
    EXPECT_EQ(second.Exec("BEGIN IMMEDIATE"), SQLITE_BUSY);
    EXPECT_GE(XSleep(500'000), 500'000) << "the rest is slept";
    EXPECT_GE(MsSince(begin), 500);
    over = true;
  });
  const std::shared_ptr<WriterQueue> queue = Queue();
  while (queue->waiting_count() == 0 && !over) std::this_thread::yield();
  second.Close();
  EXPECT_EQ(queue->waiting_count(), 0u);
  ASSERT_EQ(first.Exec("COMMIT; BEGIN IMMEDIATE"), SQLITE_OK);
  thread.join();
}

// The queue's mutex may be locked for ever in a child of fork().
TEST_F(BusyWaitTest, AChildOfForkOnlySleeps) {
  SqliteDb first;
  SqliteDb second;
  Open(&first, 0);
  Open(&second, 0);
  ASSERT_EQ(first.Exec("BEGIN IMMEDIATE"), SQLITE_OK);
  ASSERT_EQ(second.Exec("BEGIN IMMEDIATE"), SQLITE_BUSY);
  ASSERT_EQ(first.Exec("COMMIT"), SQLITE_OK);
  const pid_t child = fork();
  if (child == 0) _exit(XSleep(20'000) >= 20'000 ? 0 : 1);
  ASSERT_GT(child, 0);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0) << "an offer ended the sleep";
}

// SQLite asks for an interrupt only when the wait is over. The word is not lost
// by it.
TEST_F(BusyWaitTest, AnInterruptWhileOneWaits) {
  SqliteDb first;
  SqliteDb second;
  Open(&first, 0);
  Open(&second, kLongMs);
  ASSERT_EQ(first.Exec("BEGIN IMMEDIATE"), SQLITE_OK);
  std::thread thread([&] {
    EXPECT_EQ(second.Exec("INSERT INTO t VALUES(1)"), SQLITE_INTERRUPT);
  });
  AwaitWaiting(1);
  sqlite3_interrupt(second.get());
  ASSERT_EQ(first.Exec("COMMIT"), SQLITE_OK);
  thread.join();
  EXPECT_EQ(first.Exec("INSERT INTO t VALUES(2)"), SQLITE_OK);
  EXPECT_EQ(second.QueryText("SELECT group_concat(x) FROM t"), "2");
}

TEST_F(BusyWaitTest, AThreadEndsWithWhatItRemembers) {
  SqliteDb first;
  SqliteDb second;
  Open(&first, 0);
  Open(&second, 0);
  ASSERT_EQ(first.Exec("BEGIN IMMEDIATE"), SQLITE_OK);
  std::thread([&] {
    EXPECT_EQ(second.Exec("BEGIN IMMEDIATE"), SQLITE_BUSY);
  }).join();
  EXPECT_EQ(first.Exec("COMMIT; BEGIN IMMEDIATE"), SQLITE_OK);
}

// --- Several actors in one transaction --------------------------------------

// Each has one of two actors and waits for the other one.
TEST_F(BusyWaitTest, OppositeOrdersEndByTheirTimeouts) {
  std::array<SqliteDb, 2> dbs;
  Open(&dbs[0], 0, "a");
  Open(&dbs[1], 0, "b");
  ASSERT_EQ(dbs[0].Exec(Attach("b", "other")), SQLITE_OK);
  ASSERT_EQ(dbs[1].Exec(Attach("a", "other")), SQLITE_OK);
  for (SqliteDb& db : dbs) {
    sqlite3_busy_timeout(db.get(), 200);
    ASSERT_EQ(db.Exec("BEGIN; INSERT INTO main.t VALUES(1);"), SQLITE_OK);
  }
  std::array<int, 2> codes = {};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < dbs.size(); ++i) {
    threads.emplace_back([&, i] {
      codes[i] = dbs[i].Exec("INSERT INTO other.t VALUES(2)");
      if (codes[i] == SQLITE_OK) {
        EXPECT_EQ(dbs[i].Exec("COMMIT"), SQLITE_OK);
      } else {
        EXPECT_EQ(codes[i], SQLITE_BUSY);
        EXPECT_EQ(dbs[i].Exec("ROLLBACK"), SQLITE_OK);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_NE(codes[0] + codes[1], SQLITE_OK) << "both cannot have had both";
  const int committed = (codes[0] == SQLITE_OK) + (codes[1] == SQLITE_OK);
  EXPECT_EQ(dbs[0].QueryInt("SELECT count(*) FROM main.t"), committed);
  EXPECT_EQ(dbs[0].QueryInt("SELECT count(*) FROM other.t"), committed);
}

// --- Many threads -----------------------------------------------------------

struct Share {
  int64_t commit_count = 0;
  int error_count = 0;
};

// Writes until `over`. With two actors each commit is of both.
void WriteUntil(const std::atomic<bool>& over, const std::string& sql,
                SqliteDb* db, Share* share) {
  while (!over) {
    if (db->Exec(sql) == SQLITE_OK) {
      ++share->commit_count;
    } else {
      ++share->error_count;
    }
  }
}

TEST_F(BusyWaitTest, SixteenThreadsShareAnActor) {
  constexpr size_t kThreads = 16;
  std::array<SqliteDb, kThreads> dbs;
  for (SqliteDb& db : dbs) Open(&db, 10'000);
  std::array<Share, kThreads> shares;
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      const std::string sql =
          i % 2 == 0 ? "INSERT INTO t VALUES(1)"
                     : "BEGIN IMMEDIATE; INSERT INTO t VALUES(1); COMMIT";
      WriteUntil(over, sql, &dbs[i], &shares[i]);
    });
  }
  std::this_thread::sleep_for(std::chrono::seconds(1));
  over = true;
  for (std::thread& thread : threads) thread.join();
  int64_t total = 0;
  for (const Share& share : shares) {
    EXPECT_EQ(share.error_count, 0) << "SQLITE_BUSY within 10 s";
    total += share.commit_count;
  }
  // A thread of which the machine runs others for a while commits less.
  const auto [slowest, fastest] = std::minmax_element(
      shares.begin(), shares.end(), [](const Share& a, const Share& b) {
        return a.commit_count < b.commit_count;
      });
  EXPECT_GT(slowest->commit_count * 20, fastest->commit_count);
  EXPECT_EQ(dbs[0].QueryInt("SELECT count(*) FROM t"), total);
  EXPECT_EQ(dbs[0].QueryText("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(Queue()->waiting_count(), 0u);
}

// In one order there is no deadlock, and nobody is busy.
TEST_F(BusyWaitTest, ThreadsThatWriteTwoActorsEach) {
  constexpr size_t kThreads = 6;
  std::array<SqliteDb, kThreads> dbs;
  {
    SqliteDb db;
    Open(&db, 0, "b");
  }
  for (SqliteDb& db : dbs) {
    Open(&db, 30'000);
    ASSERT_EQ(db.Exec(Attach("b", "other")), SQLITE_OK);
  }
  std::array<Share, kThreads> shares;
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      WriteUntil(over,
                 "BEGIN IMMEDIATE; INSERT INTO main.t VALUES(1);"
                 "INSERT INTO other.t VALUES(1); COMMIT",
                 &dbs[i], &shares[i]);
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  over = true;
  for (std::thread& thread : threads) thread.join();
  int64_t total = 0;
  for (const Share& share : shares) {
    EXPECT_EQ(share.error_count, 0);
    total += share.commit_count;
  }
  EXPECT_GT(total, 0);
  EXPECT_EQ(dbs[0].QueryInt("SELECT count(*) FROM main.t"), total);
  EXPECT_EQ(dbs[0].QueryInt("SELECT count(*) FROM other.t"), total);
}

// Connections come and go while others wait: nothing refers to one that is
// closed, and the word is lost with none.
TEST_F(BusyWaitTest, ConnectionsThatAreClosedAmongThoseThatWait) {
  constexpr size_t kThreads = 8;
  SqliteDb keeper;
  Open(&keeper, kLongMs);
  std::atomic<int64_t> commit_count{0};
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      while (!over) {
        SqliteDb db;
        ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
        // A short timeout gives up in the line.
        sqlite3_busy_timeout(db.get(), i % 2 == 0 ? kLongMs : 3);
        for (int round = 0; round < 5; ++round) {
          const int code = db.Exec("INSERT INTO t VALUES(1)");
          if (code == SQLITE_OK) ++commit_count;
          if (i % 2 == 0) {
            EXPECT_EQ(code, SQLITE_OK);
          }
        }
        if (i % 4 == 0) db.Exec("BEGIN IMMEDIATE; INSERT INTO t VALUES(1)");
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  over = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(keeper.QueryInt("SELECT count(*) FROM t"), commit_count.load());
  EXPECT_EQ(keeper.Exec("INSERT INTO t VALUES(1)"), SQLITE_OK);
}

}  // namespace
}  // namespace actorkv
