// Functions and opens that find the store in use by another process. The
// holder file is held here, as that process would.

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "kv/rocksdb/holder_file.h"
#include "tests/support/sql_harness.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

class TurnsTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    MakeActor("alice");
    Ask("SELECT actorkv_close_idle()");
    ASSERT_OK(HolderFile::Take(File("store"), &holder_));
  }

  // The other process is done as soon as somebody waits for it.
  std::thread LetGoWhenAsked() {
    return std::thread([this] {
      while (!holder_->IsWaitedFor()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      holder_.reset();
    });
  }

  // A connection whose main is a plain file, and which has a default store.
  void OpenPlain(const std::string& parameters, SqliteDb* db) {
    ASSERT_EQ(db->Open("file:" + File("plain.db") + parameters), SQLITE_OK);
    ASSERT_EQ(db->QueryText("SELECT actorkv_store(" + Quoted("store") + ")"),
              File("store"));
  }

  std::unique_ptr<HolderFile> holder_;
};

constexpr char kChange[] = "SELECT actorkv_retention('alice', '1 hour')";

TEST_F(TurnsTest, AnOpenWaits) {
  std::thread other = LetGoWhenAsked();
  SqliteDb db;
  EXPECT_EQ(db.Open(Uri("alice", "&open_timeout_ms=600000")), SQLITE_OK)
      << LastError();
  other.join();
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 1);
}

TEST_F(TurnsTest, AnOpenThatMayNotWaitIsBusy) {
  SqliteDb db;
  EXPECT_EQ(db.Open(Uri("alice", "&open_timeout_ms=0")), SQLITE_BUSY);
  EXPECT_NE(LastError().find("store is open in process"), std::string::npos)
      << LastError();
  // Who only reads does not care.
  EXPECT_EQ(db.Open(Uri("alice", "&mode=ro")), SQLITE_OK) << LastError();
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM t"), 1);
}

// ATTACH is an open.
TEST_F(TurnsTest, AttachWaits) {
  SqliteDb db;
  ASSERT_EQ(db.Open(":memory:"), SQLITE_OK);
  EXPECT_EQ(db.Exec("ATTACH '" + Uri("alice", "&open_timeout_ms=0") + "' AS a"),
            SQLITE_BUSY);
  std::thread other = LetGoWhenAsked();
  EXPECT_EQ(
      db.Exec("ATTACH '" + Uri("alice", "&open_timeout_ms=600000") + "' AS a"),
      SQLITE_OK)
      << db.Error();
  other.join();
}

TEST_F(TurnsTest, AFunctionWaits) {
  std::thread other = LetGoWhenAsked();
  EXPECT_EQ(Ask(kChange), "24 hours");
  other.join();
}

// As the URI of main says, which need not be an actor.
TEST_F(TurnsTest, AFunctionThatMayNotWaitIsBusy) {
  SqliteDb db;
  OpenPlain("?open_timeout_ms=0", &db);
  EXPECT_NE(db.QueryText(kChange).find("store is open in process"),
            std::string::npos);
  EXPECT_EQ(db.ErrorCode(), SQLITE_BUSY);
  EXPECT_EQ(db.QueryText("SELECT actor FROM actorkv_actors"), "alice")
      << "it follows";
}

TEST_F(TurnsTest, AFunctionThatWaitsIsInterrupted) {
  SqliteDb db;
  OpenPlain("?open_timeout_ms=600000", &db);
  std::atomic<bool> done{false};
  std::thread user([&] {
    while (!holder_->IsWaitedFor()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    sqlite3_interrupt(db.get());
    done = true;
  });
  db.QueryText(kChange);
  EXPECT_EQ(db.ErrorCode(), SQLITE_INTERRUPT);
  user.join();
  EXPECT_TRUE(done);
}

TEST_F(TurnsTest, CloseIdle) {
  holder_.reset();
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
  MakeActor("bob");
  EXPECT_EQ(Ask("SELECT actorkv_close_idle()"), "0") << "it is in use";
  db.Close();
  EXPECT_EQ(Ask("SELECT actorkv_close_idle()"), "1");
  EXPECT_OK(HolderFile::Take(File("store"), &holder_)) << "and free";
  EXPECT_EQ(Ask("SELECT actorkv_close_idle()"), "0");
}

}  // namespace
}  // namespace actorkv
