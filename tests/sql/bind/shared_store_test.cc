// A store that several processes share, by SQL: reads and writes in turns, what
// is seen of it, calls in the owner, and the end of the owner.

#include <unistd.h>

#include <string>

#include "tests/support/child_process.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

constexpr char kChild[] = "SharedStoreChild.DISABLED_Work";
constexpr char kWrite[] = "INSERT INTO t VALUES('by a process')";
constexpr char kCount[] = "SELECT count(*) FROM t";

// Opens the actor of the URI, and writes a row for each 'w' that it hears; it
// ends cleanly at 'q'.
TEST(SharedStoreChild, DISABLED_Work) {
  SqliteDb db;
  ASSERT_EQ(db.Open(ChildArgument()), SQLITE_OK) << db.Error();
  ASSERT_EQ(db.Exec("CREATE TABLE IF NOT EXISTS t(a)"), SQLITE_OK);
  ChildSay('r');
  for (char heard = ChildHear(); heard == 'w'; heard = ChildHear()) {
    ASSERT_EQ(db.Exec(kWrite), SQLITE_OK) << db.Error();
    ChildSay('d');
  }
}

class SharedStoreTest : public SqlTest {
 protected:
  // Another process has the store open, the first to have it.
  void StartOwner() {
    Ask("SELECT actorkv_close_idle()");
    owner_ = std::make_unique<ChildProcess>(kChild, Uri("alice"));
    ASSERT_EQ(owner_->Hear(), 'r');
  }

  void OwnerWrites() {
    owner_->Say('w');
    ASSERT_EQ(owner_->Hear(), 'd');
  }

  std::string Info(const std::string& name) {
    return Ask("SELECT value FROM actorkv_info WHERE name = '" + name + "'");
  }

  std::unique_ptr<ChildProcess> owner_;
};

TEST_F(SharedStoreTest, TwoProcessesInTurns) {
  StartOwner();
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK) << db.Error();
  for (int i = 0; i < 10; ++i) {
    OwnerWrites();
    EXPECT_EQ(db.QueryInt(kCount), 2 * i + 1);
    ASSERT_EQ(db.Exec(kWrite), SQLITE_OK) << db.Error();
    EXPECT_EQ(db.QueryInt(kCount), 2 * i + 2);
  }
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
}

TEST_F(SharedStoreTest, WhoOwnsIt) {
  StartOwner();
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK) << db.Error();
  EXPECT_EQ(Info("store_access"), "shares");
  EXPECT_EQ(Info("owner_pid"), std::to_string(owner_->pid()));
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_sessions"), "1");
  EXPECT_EQ(Ask("SELECT pid FROM actorkv_sessions"), std::to_string(getpid()));
}

TEST_F(SharedStoreTest, AReaderSharesToo) {
  StartOwner();
  OwnerWrites();
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice", "&mode=ro")), SQLITE_OK) << db.Error();
  EXPECT_EQ(db.QueryInt(kCount), 1);
  OwnerWrites();
  EXPECT_EQ(db.QueryInt(kCount), 2);
  EXPECT_EQ(Info("store_access"), "shares");
  EXPECT_EQ(db.Exec(kWrite), SQLITE_READONLY);
}

TEST_F(SharedStoreTest, CallsGoToTheOwner) {
  StartOwner();
  OwnerWrites();
  EXPECT_EQ(Ask("SELECT actorkv_retention('alice', '1 hour')"), "24 hours");
  EXPECT_EQ(Ask("SELECT actorkv_retention('alice', '1 hour')"), "1 hour");
  EXPECT_NE(Ask("SELECT actorkv_fork('alice', 'bob')"), "");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_actors"), "2");
  EXPECT_EQ(Ask("SELECT actorkv_delete('nobody')")
                .find("actorkv_delete: no "
                      "such actor"),
            7U)
      << "the text of the function, once";
  // Its child has it open.
  EXPECT_NE(Ask("SELECT actorkv_delete('alice')").find("the actor is open"),
            std::string::npos);
  EXPECT_NE(Ask("SELECT actorkv_delete('bob')"), "");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_actors WHERE state = 'live'"),
            "1");
}

TEST_F(SharedStoreTest, TheOwnerIsKilled) {
  StartOwner();
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK) << db.Error();
  OwnerWrites();
  ASSERT_EQ(db.Exec(kWrite), SQLITE_OK) << db.Error();
  owner_->Kill();
  ASSERT_EQ(db.Exec(kWrite), SQLITE_OK) << db.Error();
  EXPECT_EQ(db.QueryInt(kCount), 3);
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
  // This process is the owner by now, and serves others.
  owner_ = std::make_unique<ChildProcess>(kChild, Uri("alice"));
  ASSERT_EQ(owner_->Hear(), 'r');
  OwnerWrites();
  EXPECT_EQ(db.QueryInt(kCount), 4);
}

TEST_F(SharedStoreTest, TheOwnerEnds) {
  StartOwner();
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK) << db.Error();
  OwnerWrites();
  ASSERT_EQ(db.Exec(kWrite), SQLITE_OK) << db.Error();
  owner_->Say('q');
  EXPECT_TRUE(owner_->WaitForSuccess());
  EXPECT_EQ(db.QueryInt(kCount), 2);
  ASSERT_EQ(db.Exec(kWrite), SQLITE_OK) << db.Error();
  EXPECT_EQ(db.QueryInt(kCount), 3);
}

TEST_F(SharedStoreTest, AStoreThatDoesNotShare) {
  MakeActor("bob");
  EXPECT_EQ(Ask("SELECT actorkv_set('share', 0)"), "1");
  StartOwner();
  SqliteDb db;
  EXPECT_EQ(db.Open(Uri("alice", "&open_timeout_ms=0")), SQLITE_BUSY);
  EXPECT_EQ(Info("store_access"), "follows");
}

}  // namespace
}  // namespace actorkv
