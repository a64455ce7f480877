// A process that does nothing but serve a store: it gets it, keeps it and
// leaves it, and the others hear nothing of that.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "kv/rocksdb/owner_claim.h"
#include "tests/process/places.h"

namespace actorkv {
namespace {

class ServeTest : public ProcessTest {
 protected:
  std::string Serve() const { return "SELECT actorkv_serve('" + store_ + "')"; }

  // One that serves by now.
  std::unique_ptr<Peer> BeginServer() const {
    auto server = std::make_unique<Peer>();
    EXPECT_TRUE(Worked(server->Open("m", ":memory:")));
    server->Begin("m", Serve());
    AwaitOwner(server->pid());
    return server;
  }

  void AwaitOwner(pid_t pid) const {
    const auto give_up =
        std::chrono::steady_clock::now() + std::chrono::seconds(20);
    // One that shared the store before may own it already, and not serve yet.
    while (OwnerOf(store_) != pid || !OwnerClaim::IsMade(store_)) {
      ASSERT_LT(std::chrono::steady_clock::now(), give_up);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
};

TEST_F(ServeTest, ItServesUntilItIsToldToEnd) {
  for (const auto& [number, name] :
       {std::pair<int, const char*>(SIGTERM, "SIGTERM"),
        {SIGINT, "SIGINT"},
        {SIGHUP, "SIGHUP"}}) {
    SCOPED_TRACE(name);
    auto server = BeginServer();
    auto other = OpenPeer();
    EXPECT_TRUE(Worked(other->Run("a", "CREATE TABLE IF NOT EXISTS t(x)")));
    EXPECT_EQ(OwnerOf(store_), server->pid());
    server->Signal(number);
    EXPECT_TRUE(Answers(server->Finish(), name));
    EXPECT_TRUE(Worked(other->Run("a", kInsert)));
    EXPECT_EQ(OwnerOf(store_), other->pid());
    // What the signal did before, it does again.
    server->Signal(number);
    EXPECT_NE(server->End(), 0);
    EXPECT_EQ(other->End(), 0);
  }
}

// The one that owns the store leaves it where its connections were those of a
// client; their transactions and snapshots go on.
TEST_F(ServeTest, AnOwnerLeavesTheStoreToIt) {
  auto first = Found();
  auto owner = OpenPeer();
  auto other = OpenPeer();
  EXPECT_EQ(first->End(), 0);
  EXPECT_TRUE(Worked(owner->Run("a", kInsert)));
  // Whoever of the two was quicker.
  const pid_t before = OwnerOf(store_);
  EXPECT_TRUE(before == owner->pid() || before == other->pid());
  EXPECT_TRUE(Worked(owner->Run("a", "BEGIN")));
  EXPECT_TRUE(Answers(owner->Run("a", kCount), "2"));
  auto server = BeginServer();
  EXPECT_TRUE(Worked(other->Run("a", kInsert)));
  EXPECT_TRUE(Answers(owner->Run("a", kCount), "2"));
  EXPECT_TRUE(Worked(owner->Run("a", "COMMIT")));
  EXPECT_TRUE(Answers(owner->Run("a", kCount), "3"));
  server->Signal(SIGTERM);
  EXPECT_TRUE(Answers(server->Finish(), "SIGTERM"));
  EXPECT_TRUE(Worked(owner->Run("a", kInsert)));
  EXPECT_TRUE(Answers(other->Run("a", kCount), "4"));
}

TEST_F(ServeTest, ASecondOneIsRefused) {
  auto server = BeginServer();
  Peer second;
  ASSERT_TRUE(Worked(second.Open("m", ":memory:")));
  EXPECT_TRUE(
      Refused(second.Run("m", Serve()), SQLITE_ERROR,
              "store is served by process " + std::to_string(server->pid())));
  server->Kill();
  second.Begin("m", Serve());
  AwaitOwner(second.pid());
  second.Signal(SIGTERM);
  EXPECT_TRUE(Answers(second.Finish(), "SIGTERM"));
}

// What the first process that opened the store has open cannot go on as a
// client: it keeps the store, and nobody is hurt.
TEST_F(ServeTest, AnOwnerWithConnectionsStays) {
  auto owner = Found();
  Peer server;
  ASSERT_TRUE(Worked(server.Open("m", Uri("b") + "&open_timeout_ms=300")));
  EXPECT_TRUE(Refused(server.Run("m", "SELECT actorkv_serve()"), SQLITE_BUSY,
                      "it has not left the store to actorkv_serve()"));
  EXPECT_TRUE(Worked(owner->Run("a", kInsert)));
  EXPECT_EQ(owner->End(), 0);
  // Its own connections share the store meanwhile.
  server.Begin("m", "SELECT actorkv_serve()");
  AwaitOwner(server.pid());
  auto other = OpenPeer();
  EXPECT_TRUE(Answers(other->Run("a", kCount), "2"));
  server.Signal(SIGTERM);
  EXPECT_TRUE(Answers(server.Finish(), "SIGTERM"));
  EXPECT_TRUE(Worked(server.Run("m", "CREATE TABLE t(x)")));
  EXPECT_TRUE(Worked(other->Run("a", kInsert)));
}

TEST_F(ServeTest, AStoreThatIsNotShared) {
  ASSERT_EQ(Found()->End(), 0);
  {
    auto maker = OpenPeer();
    ASSERT_TRUE(Worked(maker->Run("a", "SELECT actorkv_set('share', 0)")));
    ASSERT_EQ(maker->End(), 0);
  }
  Peer server;
  ASSERT_TRUE(Worked(server.Open("m", ":memory:")));
  EXPECT_TRUE(Refused(server.Run("m", Serve()), SQLITE_ERROR,
                      "this process cannot serve the store: the setting share "
                      "of the store is 0"));
}

TEST_F(ServeTest, AnInterruptEndsIt) {
  SqliteDb db;
  ASSERT_EQ(db.Open(":memory:"), SQLITE_OK);
  std::string answer;
  std::thread serving([&] { answer = db.QueryText(Serve()); });
  AwaitOwner(getpid());
  auto other = OpenPeer();
  EXPECT_TRUE(Worked(other->Run("a", "CREATE TABLE t(x)")));
  sqlite3_interrupt(db.get());
  serving.join();
  EXPECT_EQ(db.ErrorCode() & 0xff, SQLITE_INTERRUPT) << answer;
  EXPECT_TRUE(Worked(other->Run("a", kInsert)));
  EXPECT_EQ(OwnerOf(store_), other->pid());
}

}  // namespace
}  // namespace actorkv
