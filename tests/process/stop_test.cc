// Processes that end, are stopped or are killed while others use the store.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "tests/process/places.h"

namespace actorkv {
namespace {

using Clock = std::chrono::steady_clock;

class StopTest : public ProcessTest {
 protected:
  static double SecondsSince(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }
};

TEST_F(StopTest, ManyProcessesHaveItOpen) {
  auto owner = Found();
  auto second = OpenPeer();
  auto third = OpenPeer();
  EXPECT_TRUE(Worked(second->Run("a", kInsert)));
  EXPECT_TRUE(Worked(third->Run("a", kInsert)));
  for (Peer* peer : {owner.get(), second.get(), third.get()}) {
    EXPECT_TRUE(Answers(peer->Run("a", kCount), "3"));
  }
}

TEST_F(StopTest, TheOwnerEnds) {
  auto owner = Found();
  auto other = OpenPeer();
  EXPECT_TRUE(Answers(other->Run("a", kCount), "1"));
  EXPECT_EQ(owner->End(), 0);
  EXPECT_TRUE(Worked(other->Run("a", kInsert)));
  EXPECT_TRUE(Answers(other->Run("a", kCount), "2"));
  EXPECT_EQ(OwnerOf(store_), other->pid());
}

TEST_F(StopTest, TheOwnerIsKilled) {
  auto owner = Found();
  auto other = OpenPeer();
  auto third = OpenPeer();
  EXPECT_TRUE(Worked(other->Run("a", "BEGIN")));
  EXPECT_TRUE(Answers(other->Run("a", kCount), "1"));
  EXPECT_TRUE(Worked(third->Run("a", kInsert)));
  owner->Kill();
  // A snapshot outlives the owner, and so does what was acknowledged.
  EXPECT_TRUE(Answers(other->Run("a", kCount), "1"));
  EXPECT_TRUE(Worked(other->Run("a", "COMMIT")));
  EXPECT_TRUE(Answers(other->Run("a", kCount), "2"));
  EXPECT_TRUE(Worked(other->Run("a", kInsert)));
  EXPECT_TRUE(Answers(third->Run("a", kCount), "3"));
}

TEST_F(StopTest, TheOwnerIsKilledInAWriteTransaction) {
  auto owner = Found();
  auto other = OpenPeer();
  EXPECT_TRUE(Answers(other->Run("a", kCount), "1"));
  EXPECT_TRUE(Worked(owner->Run("a", "BEGIN IMMEDIATE")));
  EXPECT_TRUE(Worked(owner->Run("a", kInsert)));
  owner->Kill();
  EXPECT_TRUE(Worked(other->Run("a", kInsert)));
  EXPECT_TRUE(Answers(other->Run("a", kCount), "2"));
}

// The word of a process that is gone goes with it.
TEST_F(StopTest, AProcessIsKilledInAWriteTransaction) {
  auto owner = Found();
  auto killed = OpenPeer();
  auto other = OpenPeer();
  EXPECT_TRUE(Worked(killed->Run("a", "BEGIN IMMEDIATE")));
  EXPECT_TRUE(Worked(killed->Run("a", kInsert)));
  killed->Kill();
  const auto begin = Clock::now();
  EXPECT_TRUE(Worked(other->Run("a", kInsert)));
  EXPECT_LT(SecondsSince(begin), 2);
  EXPECT_TRUE(Worked(owner->Run("a", kInsert)));
  EXPECT_TRUE(Answers(other->Run("a", kCount), "3"));
}

TEST_F(StopTest, TheOwnerIsStopped) {
  auto owner = Found();
  auto other = OpenPeer(/*busy_timeout_ms=*/0);
  EXPECT_TRUE(Answers(other->Run("a", kCount), "1"));
  owner->Stop();
  const auto begin = Clock::now();
  const Answer refused = other->Run("a", kInsert);
  const double seconds = SecondsSince(begin);
  EXPECT_NE(refused.code, SQLITE_OK);
  EXPECT_NE(refused.text.find("process " + std::to_string(owner->pid())),
            std::string::npos)
      << refused.text;
  EXPECT_NE(refused.text.find("stopped"), std::string::npos) << refused.text;
  EXPECT_GT(seconds, 1);
  EXPECT_LT(seconds, 30);
  owner->Continue();
  // Whoever is told that somebody is in the way tries again: then it must not
  // be there already.
  const std::string count = other->Run("a", kCount).text;
  EXPECT_TRUE(count == "1" || (count == "2" && !IsBusy(refused.code)))
      << count << " after " << refused.code << " " << refused.text;
  EXPECT_TRUE(Worked(other->Run("a", kInsert)));
  EXPECT_TRUE(Worked(owner->Run("a", kInsert)));
}

// What needs the owner and changes nothing is refused, and found later.
TEST_F(StopTest, TheOwnerIsStoppedBesideReaders) {
  auto owner = Found();
  EXPECT_TRUE(Worked(owner->Open("b", Uri("b"))));
  EXPECT_TRUE(Worked(owner->Run("b", "CREATE TABLE t(x)")));
  auto other = OpenPeer(/*busy_timeout_ms=*/0);
  EXPECT_TRUE(Answers(other->Run("a", kCount), "1"));
  owner->Stop();
  // It has that already.
  EXPECT_TRUE(Answers(other->Run("a", kCount), "1"));
  EXPECT_TRUE(Refused(other->Open("b", Uri("b")), SQLITE_BUSY,
                      "process " + std::to_string(owner->pid())));
  owner->Continue();
  EXPECT_TRUE(Worked(other->Open("b", Uri("b"))));
  EXPECT_TRUE(Answers(other->Run("b", kCount), "0"));
}

TEST_F(StopTest, AnOpenBesideAStoppedOwner) {
  auto owner = Found();
  owner->Stop();
  Peer late;
  const Answer refused = late.Open("a", Uri(), 0);
  EXPECT_TRUE(
      Refused(refused, SQLITE_BUSY, "process " + std::to_string(owner->pid())));
  EXPECT_TRUE(Refused(refused, SQLITE_BUSY,
                      "has not answered for 5 s; it is stopped (state T): "
                      "resume or end it"));
  owner->Continue();
  EXPECT_TRUE(Worked(late.Open("a", Uri(), 0)));
  EXPECT_TRUE(Answers(late.Run("a", kCount), "1"));
}

TEST_F(StopTest, AProcessIsStoppedInAWriteTransaction) {
  auto owner = Found();
  auto stopped = OpenPeer();
  auto other = OpenPeer(/*busy_timeout_ms=*/100);
  EXPECT_TRUE(Worked(stopped->Run("a", "BEGIN IMMEDIATE")));
  EXPECT_TRUE(Worked(stopped->Run("a", kInsert)));
  stopped->Stop();
  EXPECT_TRUE(Refused(other->Run("a", kInsert), SQLITE_BUSY, ""));
  // Everybody reads on.
  EXPECT_TRUE(Answers(other->Run("a", kCount), "1"));
  EXPECT_TRUE(Answers(owner->Run("a", kCount), "1"));
  stopped->Continue();
  EXPECT_TRUE(Worked(stopped->Run("a", "COMMIT")));
  EXPECT_TRUE(Worked(other->Run("a", kInsert)));
  EXPECT_TRUE(Answers(owner->Run("a", kCount), "3"));
}

// It holds what it reads, and stops nobody.
TEST_F(StopTest, AProcessIsStoppedWhileItReads) {
  auto owner = Found();
  auto stopped = OpenPeer();
  EXPECT_TRUE(Worked(stopped->Run("a", "BEGIN")));
  EXPECT_TRUE(Answers(stopped->Run("a", kCount), "1"));
  stopped->Stop();
  auto other = OpenPeer();
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(Worked(other->Run("a", "DELETE FROM t")));
    EXPECT_TRUE(Worked(other->Run("a", kInsert)));
  }
  EXPECT_TRUE(Worked(owner->Run("a", "SELECT actorkv_retention(NULL, '0')")));
  EXPECT_TRUE(Worked(owner->Run("a", "SELECT actorkv_reclaim()")));
  stopped->Continue();
  EXPECT_TRUE(Answers(stopped->Run("a", kCount), "1"));
  EXPECT_TRUE(Worked(stopped->Run("a", "COMMIT")));
}

// Both wait for each other with busy_timeout, and neither is left out.
TEST_F(StopTest, TwoWritersShareAnActor) {
  auto owner = Found();
  auto first = OpenPeer();
  auto second = OpenPeer();
  Peer* const peers[] = {first.get(), second.get()};
  int counts[] = {0, 0};
  for (Peer* peer : peers) peer->BeginAgainAndAgain("a", 2000, kInsert);
  for (int i = 0; i < 2; ++i) {
    const Answer answer = peers[i]->Finish();
    ASSERT_TRUE(Worked(answer));
    counts[i] = std::stoi(answer.text);
  }
  const auto [least, most] = std::minmax(counts[0], counts[1]);
  EXPECT_GE(least, 0.2 * most);
  EXPECT_TRUE(
      Answers(owner->Run("a", kCount), std::to_string(1 + least + most)));
}

}  // namespace
}  // namespace actorkv
