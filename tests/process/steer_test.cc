// What stops in one process is in nobody's way for ever: who writes is told by
// name, and can be fenced or passed; what a stopped process reads is kept for
// it for a time.

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "tests/process/peer.h"
#include "tests/process/places.h"

namespace actorkv {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kTakeOver[] = "SELECT actorkv_takeover('a')";
constexpr char kTakeWord[] = "SELECT actorkv_takeover('a', 'writer')";

class SteerTest : public ProcessTest {
 protected:
  // `peer` is in the midst of a transaction that wrote.
  static void BeginWriting(Peer* peer) {
    EXPECT_TRUE(Worked(peer->Run("a", "BEGIN IMMEDIATE")));
    EXPECT_TRUE(Worked(peer->Run("a", kInsert)));
  }

  // A connection that is made after a fence writes, and waits for nobody.
  void ExpectFreshOneWrites(Peer* peer) const {
    EXPECT_TRUE(Worked(peer->Open("fresh", Uri(), /*busy_timeout_ms=*/0)));
    EXPECT_TRUE(Worked(peer->Run("fresh", kInsert)));
    EXPECT_TRUE(Worked(peer->Close("fresh")));
  }

  static void ExpectFenced(Peer* peer) {
    EXPECT_TRUE(Refused(peer->Run("a", "COMMIT"), SQLITE_READONLY,
                        "expected generation 1, actual 2"));
    EXPECT_TRUE(Answers(peer->Run("a", kCount), "2"));
  }

  void End(std::unique_ptr<Peer> a, std::unique_ptr<Peer> b,
           std::unique_ptr<Peer> c = nullptr) const {
    for (Peer* peer : {c.get(), b.get(), a.get()}) {
      if (peer == nullptr) continue;
      EXPECT_EQ(peer->End(), 0);
    }
    ExpectSound(store_, "a");
  }
};

TEST_F(SteerTest, WhoeverIsInTheWayIsNamed) {
  auto owner = Found();
  auto writes = OpenPeer();
  auto other = OpenPeer(/*busy_timeout_ms=*/0);
  BeginWriting(writes.get());
  const std::string name = "another process is writing: actor=a pid=" +
                           std::to_string(writes->pid()) + " since ";
  EXPECT_TRUE(Refused(other->Run("a", kInsert), SQLITE_BUSY, name));
  EXPECT_TRUE(Worked(owner->Open("b", Uri(), /*busy_timeout_ms=*/0)));
  EXPECT_TRUE(Refused(owner->Run("b", kInsert), SQLITE_BUSY, name));
  // Within a process it is a connection.
  EXPECT_TRUE(Worked(writes->Open("b", Uri(), /*busy_timeout_ms=*/0)));
  EXPECT_TRUE(Refused(writes->Run("b", kInsert), SQLITE_BUSY,
                      "another connection is writing: actor=a"));
  EXPECT_TRUE(Worked(writes->Run("a", "COMMIT")));
  // The owner is a process as well.
  BeginWriting(owner.get());
  EXPECT_TRUE(Refused(other->Run("a", kInsert), SQLITE_BUSY,
                      "another process is writing: actor=a pid=" +
                          std::to_string(owner->pid()) + " since "));
  EXPECT_TRUE(Worked(owner->Run("a", "COMMIT")));
}

TEST_F(SteerTest, AStoppedWriterIsFencedByAnotherProcess) {
  auto owner = Found();
  auto stopped = OpenPeer();
  auto other = OpenPeer(/*busy_timeout_ms=*/100);
  BeginWriting(stopped.get());
  stopped->Stop();
  EXPECT_TRUE(Refused(other->Run("a", kInsert), SQLITE_BUSY,
                      "pid=" + std::to_string(stopped->pid())));
  EXPECT_TRUE(Answers(other->Run("a", kTakeOver), "2"));
  ExpectFreshOneWrites(other.get());
  stopped->Continue();
  ExpectFenced(stopped.get());
  ExpectFreshOneWrites(stopped.get());
  EXPECT_TRUE(Answers(owner->Run("a", kCount), "3"));
  End(std::move(owner), std::move(stopped), std::move(other));
}

TEST_F(SteerTest, AStoppedWriterIsFencedByTheOwner) {
  auto owner = Found();
  auto stopped = OpenPeer();
  BeginWriting(stopped.get());
  stopped->Stop();
  EXPECT_TRUE(Answers(owner->Run("a", kTakeOver), "2"));
  ExpectFreshOneWrites(owner.get());
  stopped->Continue();
  ExpectFenced(stopped.get());
  End(std::move(owner), std::move(stopped));
}

// A process may hang in a transaction and go on otherwise: its other
// connections, and others, are not kept waiting.
TEST_F(SteerTest, AWriterOfTheOwnerIsFenced) {
  for (const bool by_owner : {true, false}) {
    SCOPED_TRACE(by_owner ? "by the owner" : "by another process");
    const std::string actor = by_owner ? "a" : "other";
    Peer owner;
    Peer other;
    EXPECT_TRUE(Worked(owner.Open("a", Uri(actor))));
    EXPECT_TRUE(Worked(owner.Script("a",
                                    "CREATE TABLE t(x);"
                                    "INSERT INTO t VALUES(1)")));
    EXPECT_EQ(OwnerOf(store_), owner.pid());
    EXPECT_TRUE(Worked(other.Open("a", Uri(actor), /*busy_timeout_ms=*/0)));
    BeginWriting(&owner);
    EXPECT_TRUE(Refused(other.Run("a", kInsert), SQLITE_BUSY, ""));
    EXPECT_TRUE(Worked(owner.Open("by", Uri(actor), 0)));
    Peer* const caller = by_owner ? &owner : &other;
    EXPECT_TRUE(Answers(caller->Run(by_owner ? "by" : "a",
                                    "SELECT actorkv_takeover('" + actor + "')"),
                        "2"));
    for (Peer* peer : {&owner, &other}) {
      EXPECT_TRUE(Worked(peer->Open("fresh", Uri(actor), 0)));
      EXPECT_TRUE(Worked(peer->Run("fresh", kInsert)));
    }
    EXPECT_TRUE(Refused(owner.Run("a", "COMMIT"), SQLITE_READONLY,
                        "expected generation 1, actual 2"));
    EXPECT_TRUE(Answers(owner.Run("a", kCount), "3"));
    EXPECT_EQ(other.End(), 0);
    EXPECT_EQ(owner.End(), 0);
    ExpectSound(store_, actor);
  }
}

// Nobody shares it: there is no word yet, and there is a writer all the same.
TEST_F(SteerTest, AWriterOfTheOwnerThatIsAloneIsFenced) {
  auto owner = Found();
  BeginWriting(owner.get());
  auto other = OpenPeer(/*busy_timeout_ms=*/0);
  EXPECT_TRUE(Answers(other->Run("a", kTakeOver), "2"));
  ExpectFreshOneWrites(other.get());
  ExpectFenced(owner.get());
  End(std::move(owner), std::move(other));
}

// Its other connections write as well.
TEST_F(SteerTest, AWriterOfAProcessThatSharesIsFencedByThatOne) {
  auto owner = Found();
  auto other = OpenPeer();
  BeginWriting(other.get());
  EXPECT_TRUE(Worked(other->Open("b", Uri(), /*busy_timeout_ms=*/0)));
  EXPECT_TRUE(Answers(other->Run("b", kTakeOver), "2"));
  ExpectFreshOneWrites(other.get());
  ExpectFenced(other.get());
  End(std::move(owner), std::move(other));
}

// Without a fence nobody has to open the actor again. Whoever was passed is
// refused where somebody has committed meanwhile.
TEST_F(SteerTest, AStoppedWriterIsPassed) {
  auto owner = Found();
  auto stopped = OpenPeer();
  auto other = OpenPeer(/*busy_timeout_ms=*/0);
  EXPECT_TRUE(Answers(other->Run("a", kTakeWord), "0"));
  BeginWriting(stopped.get());
  stopped->Stop();
  EXPECT_TRUE(Answers(other->Run("a", kTakeWord), "1"));
  EXPECT_TRUE(Answers(other->Run("a", kTakeWord), "0"));
  EXPECT_TRUE(Worked(other->Run("a", kInsert)));
  EXPECT_TRUE(Worked(owner->Run("a", kInsert)));
  stopped->Continue();
  const Answer refused = stopped->Run("a", "COMMIT");
  EXPECT_EQ(refused.code, SQLITE_BUSY_SNAPSHOT) << refused.text;
  EXPECT_TRUE(Answers(stopped->Run("a", kCount), "3"));
  EXPECT_TRUE(Worked(stopped->Run("a", kInsert)));
  EXPECT_TRUE(Answers(owner->Run("a", kCount), "4"));
  EXPECT_TRUE(Refused(other->Run("a", "SELECT actorkv_takeover('a', 'x')"),
                      SQLITE_ERROR, "the second argument is 'writer'"));
  EXPECT_TRUE(
      Refused(other->Run("a", "SELECT actorkv_takeover('none', 'writer')"),
              SQLITE_ERROR, "no such actor: actor=none"));
  End(std::move(owner), std::move(stopped), std::move(other));
}

TEST_F(SteerTest, WhoeverWasPassedInVainCommits) {
  auto owner = Found();
  auto stopped = OpenPeer();
  BeginWriting(stopped.get());
  stopped->Stop();
  EXPECT_TRUE(Answers(owner->Run("a", kTakeWord), "1"));
  stopped->Continue();
  EXPECT_TRUE(Worked(stopped->Run("a", "COMMIT")));
  EXPECT_TRUE(Answers(owner->Run("a", kCount), "2"));
  End(std::move(owner), std::move(stopped));
}

// Who waits in line is next at once.
TEST_F(SteerTest, WhoeverWaitsGetsOn) {
  auto owner = Found();
  auto stopped = OpenPeer();
  auto waits = OpenPeer(/*busy_timeout_ms=*/50'000);
  BeginWriting(stopped.get());
  stopped->Stop();
  waits->Begin("a", kInsert);
  const auto begin = Clock::now();
  // The word is there to be taken away from the stopped one, or from whoever
  // waited once it was.
  EXPECT_TRUE(Answers(owner->Run("a", kTakeWord), "1"));
  EXPECT_TRUE(Worked(waits->Finish()));
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(10));
  stopped->Continue();
  EXPECT_EQ(stopped->Run("a", "COMMIT").code, SQLITE_BUSY_SNAPSHOT);
  End(std::move(owner), std::move(stopped), std::move(waits));
}

// --- A process that is stopped while it reads --------------------------------

class StoppedReaderTest : public SteerTest {
 protected:
  // Rows that take some hundred pages, of one length.
  static std::string Fill(int value) {
    return "UPDATE large SET n = " + std::to_string(value) +
           ", b = randomblob(900)";
  }
  static constexpr char kMakeLarge[] =
      "CREATE TABLE large(id INTEGER PRIMARY KEY, n INTEGER, b BLOB);"
      "WITH RECURSIVE ids(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids "
      "WHERE id < 400) INSERT INTO large SELECT id, 1, randomblob(900) FROM "
      "ids";
  static constexpr char kReadLarge[] =
      "SELECT count(*), min(n), max(n), sum(length(b)) FROM large";

  // Asks until it is so, for a minute at most.
  static testing::AssertionResult Becomes(Peer* peer, const std::string& sql,
                                          const std::string& text) {
    const auto end = Clock::now() + std::chrono::seconds(kPeerSeconds);
    Answer answer;
    while (Clock::now() < end) {
      answer = peer->Run("a", sql);
      if (answer.code == SQLITE_OK && answer.text == text) {
        return testing::AssertionSuccess();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return Answers(answer, text);
  }
};

TEST_F(StoppedReaderTest, WhatItReadsIsKeptForATime) {
  auto owner = Found();
  EXPECT_TRUE(Worked(owner->Script("a", kMakeLarge)));
  EXPECT_TRUE(Worked(owner->Run("a", "SELECT actorkv_retention(NULL, '0')")));
  EXPECT_TRUE(
      Answers(owner->Run("a", "SELECT actorkv_set('session_pin_ms', 12000)"),
              "3600000"));
  auto stopped = OpenPeer();
  EXPECT_TRUE(Worked(stopped->Run("a", "PRAGMA cache_size = 5")));
  EXPECT_TRUE(Worked(stopped->Run("a", "BEGIN")));
  EXPECT_TRUE(Answers(stopped->Run("a", kCount), "1"));
  const std::string of_it =
      " FROM actorkv_sessions WHERE pid = " + std::to_string(stopped->pid());
  EXPECT_TRUE(Answers(
      owner->Run("a",
                 "SELECT pins, oldest_txid_age_ms > 0, stopped_at_ms"
                 " IS NULL, engine_version LIKE 'RocksDB %'," +
                     std::string(" sqlite_version = sqlite_version()") + of_it),
      "1|1|1|1|1"));
  stopped->Stop();
  auto other = OpenPeer();
  EXPECT_TRUE(Worked(other->Run("a", Fill(2))));
  // Whoever looks is told, and what it reads stays until the time is over.
  EXPECT_TRUE(Becomes(other.get(), "SELECT pins > 0, stopped_at_ms > 0" + of_it,
                      "1|1"));
  EXPECT_TRUE(Becomes(other.get(),
                      "SELECT count(*) FROM actorkv_info WHERE name = "
                      "'stopped_session' AND level = 'warning' AND value LIKE "
                      "'process " +
                          std::to_string(stopped->pid()) +
                          " %is kept for 12 seconds (session_pin_ms)%'",
                      "1"));
  EXPECT_TRUE(
      Worked(owner->Run("a", "SELECT actorkv_set('session_pin_ms', 1)")));
  EXPECT_TRUE(Becomes(other.get(), "SELECT pins" + of_it, "0"));
  EXPECT_TRUE(Answers(owner->Run("a",
                                 "SELECT value FROM actorkv_metrics WHERE "
                                 "name = 'pins_taken_away'"),
                      "1"));
  EXPECT_TRUE(Worked(owner->Run("a", Fill(3))));
  EXPECT_TRUE(Worked(owner->Run("a", "SELECT actorkv_reclaim()")));
  stopped->Continue();
  EXPECT_TRUE(Refused(stopped->Run("a", kReadLarge), SQLITE_IOERR,
                      "the commit has expired"));
  // SQLite has rolled it back.
  EXPECT_TRUE(Answers(stopped->Run("a", kReadLarge), "400|3|3|360000"));
  // And what it reads next is kept as before.
  EXPECT_TRUE(Worked(stopped->Run("a", "BEGIN")));
  EXPECT_TRUE(Answers(stopped->Run("a", kCount), "1"));
  EXPECT_TRUE(Worked(other->Run("a", Fill(4))));
  EXPECT_TRUE(Worked(owner->Run("a", "SELECT actorkv_reclaim()")));
  EXPECT_TRUE(Answers(stopped->Run("a", kReadLarge), "400|3|3|360000"));
  EXPECT_TRUE(Worked(stopped->Run("a", "COMMIT")));
  EXPECT_TRUE(Answers(stopped->Run("a", kReadLarge), "400|4|4|360000"));
  End(std::move(owner), std::move(stopped), std::move(other));
}

// A pin that rests, or that a process had when it was taken away, is no pin of
// a later transaction.
TEST_F(StoppedReaderTest, ATransactionBeginsAnewAfterIt) {
  auto owner = Found();
  EXPECT_TRUE(Worked(owner->Script("a", kMakeLarge)));
  EXPECT_TRUE(Worked(owner->Run("a", "SELECT actorkv_retention(NULL, '0')")));
  EXPECT_TRUE(
      Worked(owner->Run("a", "SELECT actorkv_set('session_pin_ms', 100)")));
  auto stopped = OpenPeer();
  EXPECT_TRUE(Worked(stopped->Run("a", "PRAGMA cache_size = 5")));
  EXPECT_TRUE(Worked(stopped->Run("a", "BEGIN")));
  EXPECT_TRUE(Answers(stopped->Run("a", kCount), "1"));
  stopped->Stop();
  EXPECT_TRUE(Becomes(owner.get(), "SELECT pins FROM actorkv_sessions", "0"));
  stopped->Continue();
  // The head is as it was.
  EXPECT_TRUE(Answers(stopped->Run("a", kReadLarge), "400|1|1|360000"));
  EXPECT_TRUE(Worked(stopped->Run("a", "COMMIT")));
  EXPECT_TRUE(Worked(stopped->Run("a", "BEGIN")));
  EXPECT_TRUE(Answers(stopped->Run("a", kCount), "1"));
  EXPECT_TRUE(Worked(owner->Run("a", Fill(2))));
  EXPECT_TRUE(Worked(owner->Run("a", "SELECT actorkv_reclaim()")));
  EXPECT_TRUE(Answers(stopped->Run("a", kReadLarge), "400|1|1|360000"));
  EXPECT_TRUE(Worked(stopped->Run("a", "COMMIT")));
  End(std::move(owner), std::move(stopped));
}

// --- What is seen, and done for others ---------------------------------------

TEST_F(SteerTest, TheMetricsOfSharing) {
  auto owner = Found();
  auto other = OpenPeer();
  auto third = OpenPeer();
  EXPECT_TRUE(Worked(other->Run("a", kInsert)));
  EXPECT_TRUE(Worked(third->Run("a", kInsert)));
  EXPECT_TRUE(Answers(
      owner->Run("a",
                 "SELECT group_concat(name) FROM (SELECT name FROM "
                 "actorkv_metrics WHERE value > 0 AND name IN ('sessions', "
                 "'open_requests', 'head_requests', 'commit_requests', "
                 "'request_bytes', 'answer_bytes', 'request_latency_count') "
                 "ORDER BY name)"),
      "answer_bytes,commit_requests,head_requests,open_requests,request_bytes,"
      "request_latency_count,sessions"));
  EXPECT_TRUE(
      Answers(owner->Run("a",
                         "SELECT value FROM actorkv_metrics WHERE name = "
                         "'sessions'"),
              "2"));
  BeginWriting(owner.get());
  third->Begin("a", kInsert);
  EXPECT_TRUE(Worked(owner->Run("a", "COMMIT")));
  EXPECT_TRUE(Worked(third->Finish()));
  owner->Kill();
  EXPECT_TRUE(Worked(other->Run("a", kInsert)));
  EXPECT_TRUE(
      Answers(other->Run("a",
                         "SELECT value FROM actorkv_metrics WHERE name = "
                         "'owner_changes'"),
              "1"));
  EXPECT_TRUE(Worked(third->Run("a", kInsert)));
}

TEST_F(SteerTest, WhichEngineHasIt) {
  auto owner = Found();
  auto other = OpenPeer();
  constexpr char kEngine[] =
      "SELECT value FROM actorkv_info WHERE name = 'store_engine'";
  const std::string engine = owner->Run("a", kEngine).text;
  EXPECT_EQ(engine.rfind("RocksDB ", 0), 0U) << engine;
  EXPECT_TRUE(Answers(other->Run("a", kEngine),
                      engine + ", by process " + std::to_string(owner->pid())));
  EXPECT_TRUE(Answers(
      other->Run("a",
                 "SELECT 'RocksDB ' || value FROM actorkv_info WHERE name"
                 " = 'rocksdb_version'"),
      engine));
}

TEST_F(SteerTest, ABackupLandsWhereItsCallerIs) {
  auto owner = Found();
  auto other = OpenPeer();
  const std::string here = temp_.File("here");
  const std::string there = temp_.File("there");
  std::filesystem::create_directory(here);
  std::filesystem::create_directory(there);
  EXPECT_TRUE(Worked(owner->System("cwd", there)));
  EXPECT_TRUE(Worked(other->System("cwd", here)));
  for (const char* path : {"copy", "./copy2/", "../here/copy3"}) {
    const Answer made = other->Run(
        "a", "SELECT actorkv_backup('" + std::string(path) + "') > 0");
    EXPECT_TRUE(Answers(made, "1")) << path;
  }
  for (const char* name : {"copy", "copy2", "copy3"}) {
    EXPECT_TRUE(std::filesystem::exists(here + "/" + name)) << name;
    ExpectSound(here + "/" + name, "a");
  }
  EXPECT_TRUE(std::filesystem::is_empty(there));
  const Answer again = other->Run("a", "SELECT actorkv_backup('copy')");
  EXPECT_TRUE(Refused(again, SQLITE_ERROR, "a backup goes to a new directory"));
  EXPECT_EQ(again.text.find("/proc/self"), std::string::npos) << again.text;
  EXPECT_TRUE(Refused(other->Run("a", "SELECT actorkv_backup('none/copy')"),
                      SQLITE_ERROR, "none"));
}

TEST_F(SteerTest, ABackupNeedsTheRightsOfItsCaller) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  auto owner = Found();
  const std::string mine = temp_.File("mine");
  std::filesystem::create_directory(mine);
  std::filesystem::permissions(mine, std::filesystem::perms::owner_all);
  for (const std::string& path :
       {std::filesystem::path(store_).parent_path().string(), store_}) {
    std::filesystem::permissions(path, std::filesystem::perms::all);
  }
  for (const auto& entry : std::filesystem::directory_iterator(store_)) {
    std::filesystem::permissions(entry.path(), std::filesystem::perms::all);
  }
  Peer other;
  EXPECT_TRUE(Worked(other.System("user", "65534")));
  const Answer opened = other.Open("a", Uri());
  if (opened.code != SQLITE_OK) GTEST_SKIP() << opened.text;
  EXPECT_TRUE(
      Refused(other.Run("a", "SELECT actorkv_backup('" + mine + "/copy')"),
              SQLITE_IOERR, "Permission denied"));
  EXPECT_TRUE(std::filesystem::is_empty(mine));
}

// --- Transactions over several actors ----------------------------------------

// Whoever lost the word to another process that has committed since hears of it
// as of a conflict, and nothing of its transaction is there.
TEST_F(SteerTest, ATransactionOfSeveralActorsLosesTheWord) {
  auto owner = Found();
  EXPECT_TRUE(Worked(owner->Open("b", Uri("b"))));
  EXPECT_TRUE(Worked(owner->Run("b", "CREATE TABLE t(x)")));
  const std::vector<std::pair<bool, std::string>> kinds = {{false, "NORMAL"},
                                                           {true, "NORMAL"},
                                                           {false, "EXCLUSIVE"},
                                                           {true, "EXCLUSIVE"}};
  for (const auto& [in_memory, locking] : kinds) {
    SCOPED_TRACE((in_memory ? "main in memory, " : "main is an actor, ") +
                 locking);
    Peer other;
    EXPECT_TRUE(Worked(other.Open("x", Uri())));
    if (in_memory) {
      EXPECT_TRUE(Worked(other.Open("x", ":memory:")));
      EXPECT_TRUE(Worked(other.Run("x", "ATTACH '" + Uri() + "' AS a")));
    }
    const std::string a = in_memory ? "a.t" : "main.t";
    EXPECT_TRUE(Worked(other.Run("x", "ATTACH '" + Uri("b") + "' AS b")));
    EXPECT_TRUE(Worked(other.Run("x", "PRAGMA locking_mode=" + locking)));
    const std::string count_a = owner->Run("a", kCount).text;
    EXPECT_TRUE(Worked(other.Run("x", "BEGIN")));
    EXPECT_TRUE(Worked(other.Run("x", "INSERT INTO " + a + " VALUES(7)")));
    EXPECT_TRUE(Worked(other.Run("x", "INSERT INTO b.t VALUES(7)")));
    EXPECT_TRUE(Answers(owner->Run("a", kTakeWord), "1"));
    EXPECT_TRUE(Worked(owner->Run("a", kInsert)));
    const Answer refused = other.Run("x", "COMMIT");
    EXPECT_EQ(refused.code, SQLITE_BUSY_SNAPSHOT) << refused.text;
    EXPECT_TRUE(Answers(
        other.Run("x", "SELECT count(*) FROM " + a + " WHERE x = 7"), "0"));
    EXPECT_TRUE(
        Answers(other.Run("x", "SELECT count(*) FROM b.t WHERE x = 7"), "0"));
    EXPECT_EQ(std::stoi(owner->Run("a", kCount).text), std::stoi(count_a) + 1);
    EXPECT_TRUE(Worked(other.Run("x", "BEGIN")));
    EXPECT_TRUE(Worked(other.Run("x", "INSERT INTO " + a + " VALUES(8)")));
    EXPECT_TRUE(Worked(other.Run("x", "INSERT INTO b.t VALUES(8)")));
    EXPECT_TRUE(Worked(other.Run("x", "COMMIT")));
    EXPECT_EQ(other.End(), 0);
  }
  EXPECT_TRUE(
      Answers(owner->Run("a", "SELECT count(*) FROM t WHERE x = 8"), "4"));
  EXPECT_TRUE(
      Answers(owner->Run("b", "SELECT count(*) FROM t WHERE x = 8"), "4"));
}

}  // namespace
}  // namespace actorkv
