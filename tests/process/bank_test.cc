// Four processes move money between four actors; the one that owns the store
// and the others are killed at random moments, and others take their places.

#include "tests/process/bank.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sqlite3.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/process/places.h"

namespace actorkv {
namespace {

constexpr int kTellers = 4;
constexpr uint64_t kKills = 200;
constexpr uint64_t kKillsOfFiles = 20;
constexpr int64_t kMostMs = 20000;  // until all get on after a kill

class BankTest : public testing::Test {
 protected:
  void Open(bool is_files) {
    place_ = {temp_.File("store"), is_files};
    if (is_files) std::filesystem::create_directory(place_.directory);
    ASSERT_TRUE(FoundBank(place_));
    for (int i = 0; i < kTellers; ++i) Hire();
  }

  void Hire() {
    working_.insert(tellers_.size());
    const auto number = static_cast<int>(tellers_.size());
    tellers_.push_back(std::make_unique<Teller>(place_, number, rng_()));
  }

  // Takes what they say, until `more` moves are done by each of them.
  void ListenUntilEachDid(size_t more) {
    std::vector<size_t> wanted(tellers_.size(), 0);
    for (const size_t i : working_) {
      wanted[i] = std::max<size_t>(tellers_[i]->said().size(), 1) + more;
    }
    const auto give_up =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(kMostMs);
    const auto missing = [&] {
      for (const size_t i : working_) {
        if (tellers_[i]->said().size() < wanted[i]) return true;
      }
      return false;
    };
    while (missing()) {
      ASSERT_LT(std::chrono::steady_clock::now(), give_up)
          << "somebody does not get on";
      ASSERT_NO_FATAL_FAILURE(ListenFor(10));
    }
  }

  void ListenFor(int ms) {
    std::vector<pollfd> heard;
    for (const size_t i : working_) {
      heard.push_back({tellers_[i]->hears_fd(), POLLIN, 0});
    }
    poll(heard.data(), heard.size(), ms);
    for (const size_t i : working_) {
      ASSERT_TRUE(tellers_[i]->Listen()) << "teller " << i << " has ended";
    }
  }

  // The owner as often as any of the others.
  size_t ChooseVictim() {
    const pid_t owner = OwnerOf(place_.directory);
    if (rng_() % 2 == 0) {
      for (const size_t i : working_) {
        if (tellers_[i]->pid() == owner) return i;
      }
    }
    return *std::next(working_.begin(),
                      static_cast<std::ptrdiff_t>(rng_() % working_.size()));
  }

  void KillAndHire(uint64_t kills) {
    ListenUntilEachDid(1);
    for (uint64_t i = 0; i < kills && !HasFailure(); ++i) {
      SCOPED_TRACE("kill " + std::to_string(i));
      ASSERT_NO_FATAL_FAILURE(ListenFor(static_cast<int>(rng_() % 8)));
      const size_t victim = ChooseVictim();
      owners_killed_ += tellers_[victim]->pid() == OwnerOf(place_.directory);
      tellers_[victim]->Kill();
      working_.erase(victim);
      Hire();
      if (i % 4 != 3) continue;
      ASSERT_NO_FATAL_FAILURE(ListenUntilEachDid(1));
    }
  }

  void EndAll() {
    for (const size_t i : working_) {
      EXPECT_EQ(tellers_[i]->End(), 0) << "teller " << i;
    }
    working_.clear();
  }

  // No error at all.
  void ExpectNothingButDone() {
    for (const auto& teller : tellers_) {
      for (const Saying& saying : teller->said()) {
        EXPECT_TRUE(saying.kind == Saying::kBegan ||
                    saying.kind == Saying::kDone ||
                    saying.kind == Saying::kLeft)
            << "teller " << teller->number() << ": " << saying.code;
      }
    }
  }

  // Nothing but a lock in the way, and not even that for what is sent again.
  void ExpectNoErrors() {
    size_t busy_count = 0;
    for (const auto& teller : tellers_) {
      for (const Saying& saying : teller->said()) {
        busy_count += saying.kind == Saying::kBusy ? 1 : 0;
        EXPECT_NE(saying.kind, Saying::kFailed)
            << "teller " << teller->number() << ": " << saying.code;
        EXPECT_FALSE(saying.kind == Saying::kBusy &&
                     saying.shape == Saying::kStatement)
            << "teller " << teller->number() << ": " << saying.code;
      }
    }
    RecordProperty("busy", static_cast<int>(busy_count));
  }

  TempDir temp_;
  std::mt19937_64 rng_{TestSeed()};
  BankPlace place_;
  std::vector<std::unique_ptr<Teller>> tellers_;
  std::set<size_t> working_;  // of tellers_
  int owners_killed_ = 0;
};

TEST_F(BankTest, NothingIsLostOrTornWhoeverIsKilled) {
  ASSERT_NO_FATAL_FAILURE(Open(/*is_files=*/false));
  KillAndHire(TestRounds(kKills));
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
