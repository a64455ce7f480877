// BankTest: a bank whose tellers work, are killed and replaced.

#ifndef ACTORKV_TESTS_PROCESS_BANK_FIXTURE_H_
#define ACTORKV_TESTS_PROCESS_BANK_FIXTURE_H_

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/process/bank.h"
#include "tests/process/places.h"

namespace actorkv {

inline constexpr int kTellers = 4;
inline constexpr int64_t kMostMs = 20000;  // until all get on after a kill

class BankTest : public testing::Test {
 protected:
  // A new bank.
  void Open(bool is_files) {
    tellers_.clear();
    owners_killed_ = 0;
    place_ = {temp_.File("store" + std::to_string(bank_count_++)), is_files};
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
  int bank_count_ = 0;
  std::vector<std::unique_ptr<Teller>> tellers_;
  std::set<size_t> working_;  // of tellers_
  int owners_killed_ = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_PROCESS_BANK_FIXTURE_H_
