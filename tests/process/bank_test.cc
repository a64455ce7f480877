// Four processes move money between four actors; the one that owns the store
// and the others are killed at random moments, and others take their places.

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>

#include "tests/process/bank_fixture.h"

namespace actorkv {
namespace {

constexpr uint64_t kKills = 200;
constexpr uint64_t kKillsOfFiles = 20;
// For each of the rounds of `make stress`.
constexpr uint64_t kBanks = 5;

// `make stress` has 50 banks of as many kills.
TEST_F(BankTest, NothingIsLostOrTornWhoeverIsKilled) {
  const uint64_t banks = TestRounds(1) == 1 ? 1 : TestRounds(kBanks);
  for (uint64_t i = 0; i < banks && !HasFailure(); ++i) {
    SCOPED_TRACE("bank " + std::to_string(i));
    ASSERT_NO_FATAL_FAILURE(Open(/*is_files=*/false));
    KillAndHire(kKills);
    EndAll();
    ExpectNoErrors();
    EXPECT_GT(owners_killed_, 0);
    const int64_t moves = CheckBank(place_, tellers_);
    EXPECT_GT(moves, static_cast<int64_t>(kKills));
    std::printf("%lld moves, %d owners killed\n", static_cast<long long>(moves),
                owners_killed_);
    for (const char* actor : {"a0", "a1", "a2", "a3"}) {
      ExpectSound(place_.directory, actor);
    }
  }
}

// The same of plain files with a rollback journal, whose commits over two of
// them are whole after a kill too.
TEST_F(BankTest, SoOfPlainFiles) {
  ASSERT_NO_FATAL_FAILURE(Open(/*is_files=*/true));
  KillAndHire(TestRounds(kKillsOfFiles));
  EndAll();
  EXPECT_GT(CheckBank(place_, tellers_), 0);
}

// The owner ends as a program does that is done, while others write: nobody
// is told anything.
TEST_F(BankTest, TheOwnerLeaves) {
  ASSERT_NO_FATAL_FAILURE(Open(/*is_files=*/false));
  ListenUntilEachDid(5);
  for (uint64_t i = 0; i < TestRounds(10) && !HasFailure(); ++i) {
    size_t owner = 0;
    const pid_t pid = OwnerOf(place_.directory);
    for (const size_t teller : working_) {
      if (tellers_[teller]->pid() == pid) owner = teller;
    }
    ASSERT_EQ(tellers_[owner]->pid(), pid);
    ASSERT_EQ(tellers_[owner]->End(), 0);
    working_.erase(owner);
    Hire();
    ListenUntilEachDid(5);
  }
  EndAll();
  ExpectNothingButDone();
  CheckBank(place_, tellers_);
}

// A process that only serves comes and goes while others write: it gets the
// store, leaves it, and nobody is told anything.
TEST_F(BankTest, AServerComesAndGoes) {
  place_ = {temp_.File("store"), /*is_files=*/false};
  ASSERT_TRUE(FoundBank(place_));
  for (uint64_t i = 0; i < TestRounds(5) && !HasFailure(); ++i) {
    Peer server;
    ASSERT_TRUE(Worked(server.Open("m", ":memory:")));
    server.Begin("m", "SELECT actorkv_serve('" + place_.directory + "')");
    const auto give_up =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(kMostMs);
    while (OwnerOf(place_.directory) != server.pid()) {
      ASSERT_LT(std::chrono::steady_clock::now(), give_up);
      ASSERT_NO_FATAL_FAILURE(ListenFor(5));
    }
    while (working_.size() < kTellers) Hire();
    ASSERT_NO_FATAL_FAILURE(ListenUntilEachDid(5));
    server.Signal(SIGTERM);
    ASSERT_TRUE(Answers(server.Finish(), "SIGTERM"));
    ASSERT_NO_FATAL_FAILURE(ListenUntilEachDid(5));
  }
  EndAll();
  ExpectNothingButDone();
  CheckBank(place_, tellers_);
  for (const char* actor : {"a0", "a1", "a2", "a3"}) {
    ExpectSound(place_.directory, actor);
  }
}

}  // namespace
}  // namespace actorkv
