// Faults beside the main road of tests/fault/commit_fault_test.cc: in the
// creation of an actor, in a takeover, under an exclusive lock, and two at
// once: the outcome of a commit is not known, and the head that would tell
// cannot be read.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "kv/pages/commit.h"
#include "kv/process/store_registry.h"
#include "kv/store/store.h"
#include "tests/fault/fault_world.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

constexpr CommitFault kAllFaults[] = {
    CommitFault::kConflict, CommitFault::kFailed, CommitFault::kUnknownLanded,
    CommitFault::kUnknownLost};
constexpr CommitFault kUnknown[] = {CommitFault::kUnknownLanded,
                                    CommitFault::kUnknownLost};

class RareFaultTest : public testing::Test {
 protected:
  // What the connection reads of the counter, and what a new one reads.
  void ExpectCount(SqliteDb* db, int64_t count) {
    SqliteDb fresh;
    ASSERT_EQ(fresh.Open(ActorUri(world_.store(), "a")), SQLITE_OK);
    EXPECT_EQ(fresh.QueryInt("SELECT n FROM counter"), count);
    EXPECT_EQ(db->QueryInt("SELECT n FROM counter"), count);
    EXPECT_EQ(db->QueryText("PRAGMA integrity_check"), "ok");
  }

  FaultWorld world_{FaultWorld::Base::kMemory};
};

TEST_F(RareFaultTest, CreationHappensOrNot) {
  int actors = 0;
  for (CommitFault fault : kAllFaults) {
    bool fired = true;
    for (uint64_t n = 1; fired; ++n) {
      const std::string name = "new" + std::to_string(++actors);
      SqliteDb db;
      ASSERT_EQ(db.Open(ActorUri(world_.store(), name)), SQLITE_OK);
      world_.plan()->FailCommit(n, fault);
      const int code = db.Exec("CREATE TABLE t(x)");
      fired = world_.plan()->fired_count() > 0;
      world_.plan()->Reset();
      SqliteDb other;
      const int found = other.Open(ActorUri(world_.store(), name),
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI);
      EXPECT_EQ(found, code == SQLITE_OK ? SQLITE_OK : SQLITE_CANTOPEN) << n;
      EXPECT_EQ(db.Exec("CREATE TABLE IF NOT EXISTS t(x)"), SQLITE_OK);
      EXPECT_EQ(db.Exec("INSERT INTO t VALUES(1)"), SQLITE_OK);
      EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
    }
  }
}

TEST_F(RareFaultTest, TakeoverHappensOrNot) {
  std::shared_ptr<Store> store;
  std::shared_ptr<Actor> actor;
  ASSERT_OK(StoreRegistry::Instance()->Acquire(world_.store(),
                                               OpenMode::kExisting, &store));
  ASSERT_OK(store->OpenActor("a", &actor));
  int64_t count = 0;
  for (CommitFault fault : kAllFaults) {
    SqliteDb db;
    ASSERT_EQ(db.Open(ActorUri(world_.store(), "a")), SQLITE_OK);
    ASSERT_EQ(db.Exec("UPDATE counter SET n = n + 1"), SQLITE_OK);
    ++count;
    world_.plan()->FailCommit(1, fault);
    Generation generation;
    // A conflict is met by beginning again.
    const bool happens = fault == CommitFault::kConflict;
    EXPECT_EQ(TakeOver(store.get(), actor.get(), &generation).ok(), happens);
    world_.plan()->Reset();
    const int code = db.Exec("UPDATE counter SET n = n + 1");
    if (happens || fault == CommitFault::kUnknownLanded) {
      EXPECT_EQ(code, SQLITE_READONLY_DBMOVED) << LastError();
    } else {
      EXPECT_EQ(code, SQLITE_OK) << LastError();
      ++count;
    }
    ExpectCount(&db, count);
  }
}

// The statement fails, its work may be there; the same connection sees which.
TEST_F(RareFaultTest, AnUnknownOutcomeThatCannotBeLookedUp) {
  int64_t count = 0;
  for (CommitFault fault : kUnknown) {
    for (uint64_t nth_read = 1; nth_read <= 8; ++nth_read) {
      world_.plan()->FailCommit(1, fault);
      world_.plan()->FailRead(nth_read, Status::IOError("injected"));
      const int code = world_.one()->Exec("UPDATE counter SET n = n + 1");
      world_.plan()->Reset();
      if (code != SQLITE_OK) {
        EXPECT_EQ(code & 0xff, SQLITE_IOERR)
            << code << world_.one()->Error() << LastError();
        EXPECT_NE(sqlite3_get_autocommit(world_.one()->get()), 0);
      }
      const int64_t now = world_.two()->QueryInt("SELECT n FROM a.counter");
      EXPECT_TRUE(now == count ||
                  (now == count + 1 && fault == CommitFault::kUnknownLanded))
          << now;
      count = now;
      ExpectCount(world_.one(), count);
      EXPECT_EQ(world_.one()->Exec("UPDATE counter SET n = n + 1"), SQLITE_OK)
          << LastError();
      ExpectCount(world_.one(), ++count);
    }
  }
}

// The pager never lets go of its lock and hardly ever looks whether its cache
// is stale.
TEST_F(RareFaultTest, ExclusiveLockingWorksOn) {
  int64_t count = 0;
  world_.two()->Close();
  SqliteDb* const db = world_.one();
  ASSERT_EQ(db->QueryText("PRAGMA main.locking_mode = EXCLUSIVE"), "exclusive");
  for (CommitFault fault : kAllFaults) {
    for (uint64_t nth_read = 0; nth_read <= 8; ++nth_read) {
      ASSERT_EQ(db->Exec("UPDATE counter SET n = n + 1"), SQLITE_OK)
          << LastError();
      ++count;
      world_.plan()->FailCommit(1, fault);
      if (nth_read > 0) {
        world_.plan()->FailRead(nth_read, Status::IOError("injected"));
      }
      const int code = db->Exec("UPDATE counter SET n = n + 1");
      world_.plan()->Reset();
      if (code == SQLITE_OK) ++count;
      // A connection that was in doubt may need one error to forget its cache.
      if (code != SQLITE_OK) (void)db->Exec("SELECT n FROM counter");
      const int64_t now = db->QueryInt("SELECT n FROM counter");
      if (fault == CommitFault::kUnknownLanded && code != SQLITE_OK) {
        EXPECT_TRUE(now == count || now == count + 1) << now;
        count = now;
      }
      ASSERT_NO_FATAL_FAILURE(ExpectCount(db, count));
      ASSERT_FALSE(HasFailure()) << "fault " << static_cast<int>(fault)
                                 << " read " << nth_read << ": " << code;
    }
  }
}

}  // namespace
}  // namespace actorkv
