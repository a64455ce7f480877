// The five lock levels: one writer per actor, BUSY and BUSY_SNAPSHOT where
// they belong, readers that neither wait nor make anyone wait.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/actor_harness.h"
#include "tests/support/sqlite_db.h"

namespace actorkv {
namespace {

// The methods of a connection's file, called as the pager does.
class RawFile {
 public:
  explicit RawFile(SqliteDb* db) {
    sqlite3_file_control(db->get(), "main", SQLITE_FCNTL_FILE_POINTER, &file_);
  }
  int Lock(int level) { return file_->pMethods->xLock(file_, level); }
  int Unlock(int level) { return file_->pMethods->xUnlock(file_, level); }
  int State() {
    int level = -1;
    file_->pMethods->xFileControl(file_, SQLITE_FCNTL_LOCKSTATE, &level);
    return level;
  }
  bool Reserved() {
    int reserved = -1;
    EXPECT_EQ(file_->pMethods->xCheckReservedLock(file_, &reserved), SQLITE_OK);
    return reserved == 1;
  }

 private:
  sqlite3_file* file_ = nullptr;
};

class ActorLockTest : public ActorTest {
 protected:
  void Open(SqliteDb* db) { ASSERT_EQ(db->Open(Uri("a")), SQLITE_OK); }
};

TEST_F(ActorLockTest, FiveLevelsUpAndDown) {
  SqliteDb first;
  SqliteDb second;
  Open(&first);
  Open(&second);
  RawFile a(&first);
  RawFile b(&second);
  EXPECT_EQ(a.State(), SQLITE_LOCK_NONE);
  for (int level = SQLITE_LOCK_SHARED; level <= SQLITE_LOCK_EXCLUSIVE;
       ++level) {
    ASSERT_EQ(a.Lock(level), SQLITE_OK);
    EXPECT_EQ(a.State(), level);
    EXPECT_EQ(a.Reserved(), level >= SQLITE_LOCK_RESERVED);
    EXPECT_EQ(b.Reserved(), level >= SQLITE_LOCK_RESERVED);
    // A reader always gets in, a second writer never does.
    EXPECT_EQ(b.Lock(SQLITE_LOCK_SHARED), SQLITE_OK);
    if (level >= SQLITE_LOCK_RESERVED) {
      EXPECT_EQ(b.Lock(SQLITE_LOCK_RESERVED), SQLITE_BUSY);
      EXPECT_EQ(b.State(), SQLITE_LOCK_SHARED);
    }
    EXPECT_EQ(b.Unlock(SQLITE_LOCK_NONE), SQLITE_OK);
  }
  EXPECT_EQ(a.Lock(SQLITE_LOCK_SHARED), SQLITE_OK) << "a lower level: nothing";
  EXPECT_EQ(a.State(), SQLITE_LOCK_EXCLUSIVE);
  EXPECT_EQ(a.Unlock(SQLITE_LOCK_SHARED), SQLITE_OK);
  EXPECT_EQ(a.State(), SQLITE_LOCK_SHARED);
  EXPECT_FALSE(b.Reserved());
  EXPECT_EQ(b.Lock(SQLITE_LOCK_SHARED), SQLITE_OK);
  EXPECT_EQ(b.Lock(SQLITE_LOCK_RESERVED), SQLITE_OK);
  EXPECT_EQ(a.Unlock(SQLITE_LOCK_NONE), SQLITE_OK);
  EXPECT_EQ(b.State(), SQLITE_LOCK_RESERVED);
  EXPECT_EQ(b.Unlock(SQLITE_LOCK_NONE), SQLITE_OK);
  EXPECT_EQ(b.Unlock(SQLITE_LOCK_NONE), SQLITE_OK) << "again: nothing";
}

TEST_F(ActorLockTest, SecondWriterIsBusyAndTriesAgain) {
  SqliteDb first;
  SqliteDb second;
  Open(&first);
  Open(&second);
  ASSERT_EQ(first.Exec("CREATE TABLE t(x); BEGIN IMMEDIATE;"), SQLITE_OK);
  EXPECT_EQ(second.Exec("INSERT INTO t VALUES(1)"), SQLITE_BUSY);
  EXPECT_EQ(second.Exec("BEGIN IMMEDIATE"), SQLITE_BUSY);
  EXPECT_EQ(first.Exec("INSERT INTO t VALUES(2); COMMIT;"), SQLITE_OK);
  EXPECT_EQ(second.Exec("INSERT INTO t VALUES(1)"), SQLITE_OK);
  EXPECT_EQ(first.QueryText("SELECT group_concat(x) FROM t"), "2,1");
}

// A transaction that began by reading writes on what it read, or not at all.
TEST_F(ActorLockTest, StaleSnapshotIsBusySnapshot) {
  SqliteDb first;
  SqliteDb second;
  Open(&first);
  Open(&second);
  ASSERT_EQ(first.Exec("CREATE TABLE t(x); INSERT INTO t VALUES(1);"),
            SQLITE_OK);
  ASSERT_EQ(second.Exec("BEGIN; SELECT * FROM t;"), SQLITE_OK);
  ASSERT_EQ(first.Exec("UPDATE t SET x = 2"), SQLITE_OK);
  EXPECT_EQ(second.QueryText("SELECT x FROM t"), "1");
  EXPECT_EQ(second.Exec("UPDATE t SET x = x + 10"), SQLITE_BUSY_SNAPSHOT);
  EXPECT_EQ(second.QueryText("SELECT x FROM t"), "1") << "still its snapshot";
  EXPECT_EQ(second.Exec("COMMIT; UPDATE t SET x = x + 10;"), SQLITE_OK);
  EXPECT_EQ(first.QueryText("SELECT x FROM t"), "12");
}

TEST_F(ActorLockTest, ReaderAndWriterNeverWaitForEachOther) {
  SqliteDb writer;
  Open(&writer);
  ASSERT_EQ(writer.Exec("PRAGMA cache_size=5; CREATE TABLE t(x, y);"
                        "INSERT INTO t VALUES(0, zeroblob(50000));"),
            SQLITE_OK);
  std::array<SqliteDb, 7> readers;
  for (SqliteDb& reader : readers) {
    Open(&reader);
    ASSERT_EQ(reader.Exec("BEGIN; SELECT * FROM t;"), SQLITE_OK);
  }
  for (int i = 1; i <= 20; ++i) {
    // EXCLUSIVE by a spill, and open for a while.
    ASSERT_EQ(writer.Exec("BEGIN IMMEDIATE; UPDATE t SET x = x + 1, "
                          "y = randomblob(50000);"),
              SQLITE_OK);
    SqliteDb fresh;
    Open(&fresh);
    EXPECT_EQ(fresh.QueryInt("SELECT x FROM t"), i - 1);
    ASSERT_EQ(writer.Exec("COMMIT"), SQLITE_OK);
    EXPECT_EQ(fresh.QueryInt("SELECT x FROM t"), i);
    for (SqliteDb& reader : readers) {
      EXPECT_EQ(reader.QueryText("SELECT x, sum(length(y)) FROM t"), "0|50000");
    }
  }
  for (SqliteDb& reader : readers) {
    EXPECT_EQ(reader.Exec("COMMIT"), SQLITE_OK);
    EXPECT_EQ(reader.QueryInt("SELECT x FROM t"), 20);
  }
}

TEST_F(ActorLockTest, ExclusiveModeKeepsOutWritersAndLetsReadersIn) {
  SqliteDb owner;
  SqliteDb other;
  Open(&owner);
  Open(&other);
  ASSERT_EQ(owner.Exec("PRAGMA locking_mode=EXCLUSIVE; CREATE TABLE t(x);"
                       "INSERT INTO t VALUES(1);"),
            SQLITE_OK);
  EXPECT_EQ(other.QueryText("SELECT x FROM t"), "1");
  EXPECT_EQ(other.Exec("INSERT INTO t VALUES(2)"), SQLITE_BUSY);
  ASSERT_EQ(owner.Exec("PRAGMA locking_mode=NORMAL; SELECT * FROM t;"),
            SQLITE_OK);
  EXPECT_EQ(other.Exec("INSERT INTO t VALUES(2)"), SQLITE_OK);
  EXPECT_EQ(owner.QueryText("SELECT count(*) FROM t"), "2");
}

TEST_F(ActorLockTest, ClosingAConnectionReleasesItsReservation) {
  SqliteDb other;
  Open(&other);
  ASSERT_EQ(other.Exec("CREATE TABLE t(x)"), SQLITE_OK);
  {
    SqliteDb db;
    Open(&db);
    ASSERT_EQ(db.Exec("BEGIN; INSERT INTO t VALUES(1)"), SQLITE_OK);
    EXPECT_EQ(other.Exec("INSERT INTO t VALUES(2)"), SQLITE_BUSY);
  }
  EXPECT_EQ(other.Exec("INSERT INTO t VALUES(3)"), SQLITE_OK);
  EXPECT_EQ(other.QueryText("SELECT group_concat(x) FROM t"), "3");
}

TEST_F(ActorLockTest, TheSameActorTwiceOnOneConnection) {
  SqliteDb db;
  Open(&db);
  ASSERT_EQ(db.Exec("CREATE TABLE t(x);" + Attach("a", "again")), SQLITE_OK);
  EXPECT_EQ(db.Exec("INSERT INTO main.t VALUES(1)"), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT x FROM again.t"), "1");
  EXPECT_EQ(db.Exec("BEGIN; INSERT INTO main.t VALUES(2);"), SQLITE_OK);
  EXPECT_EQ(db.Exec("INSERT INTO again.t VALUES(3)") & 0xff, SQLITE_BUSY);
  EXPECT_EQ(db.Exec("COMMIT"), SQLITE_OK);
  EXPECT_EQ(db.QueryText("SELECT count(*) FROM again.t"), "2");
}

// Two connections may both look at an actor that does not exist yet.
TEST_F(ActorLockTest, FirstCommitOfANewActorIsSeenByTheOther) {
  SqliteDb first;
  SqliteDb second;
  Open(&first);
  Open(&second);
  ASSERT_EQ(second.Exec("BEGIN; SELECT * FROM sqlite_schema;"), SQLITE_OK);
  ASSERT_EQ(first.Exec("CREATE TABLE t(x)"), SQLITE_OK);
  EXPECT_EQ(second.Exec("CREATE TABLE u(x)"), SQLITE_BUSY_SNAPSHOT);
  EXPECT_EQ(second.Exec("COMMIT; CREATE TABLE u(x);"), SQLITE_OK);
  EXPECT_EQ(first.QueryText("SELECT group_concat(name) FROM sqlite_schema"),
            "t,u");
}

// Threads with a connection each count up; none of the sums is lost, and every
// read is one snapshot.
TEST_F(ActorLockTest, EightThreadsCountTogether) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 40;
  {
    SqliteDb db;
    Open(&db);
    ASSERT_EQ(db.Exec("CREATE TABLE t(k INTEGER PRIMARY KEY, x);"
                      "INSERT INTO t VALUES(1, 0), (2, 0);"),
              SQLITE_OK);
  }
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this] {
      SqliteDb db;
      ASSERT_EQ(db.Open(Uri("a")), SQLITE_OK);
      sqlite3_busy_timeout(db.get(), 60000);
      for (int round = 0; round < kRounds; ++round) {
        ASSERT_EQ(db.Exec("BEGIN IMMEDIATE; UPDATE t SET x = x + 1; COMMIT;"),
                  SQLITE_OK)
            << db.Error();
        EXPECT_EQ(db.QueryText("SELECT min(x) = max(x) FROM t"), "1");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  SqliteDb db;
  Open(&db);
  EXPECT_EQ(db.QueryText("SELECT x FROM t"),
            std::to_string(kThreads * kRounds) + "\n" +
                std::to_string(kThreads * kRounds));
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
}

// The busy handler is asked, as for files.
TEST_F(ActorLockTest, BusyHandlerIsCalled) {
  SqliteDb first;
  SqliteDb second;
  Open(&first);
  Open(&second);
  ASSERT_EQ(first.Exec("CREATE TABLE t(x); BEGIN IMMEDIATE;"), SQLITE_OK);
  int calls = 0;
  sqlite3_busy_handler(
      second.get(),
      [](void* count, int times) {
        ++*static_cast<int*>(count);
        return times < 3 ? 1 : 0;
      },
      &calls);
  EXPECT_EQ(second.Exec("BEGIN IMMEDIATE"), SQLITE_BUSY);
  EXPECT_EQ(calls, 4);
}

}  // namespace
}  // namespace actorkv
