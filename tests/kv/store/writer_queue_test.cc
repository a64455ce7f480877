// WriterQueue: one writer at a time, who is next, and what ends a wait.

#include "kv/store/writer_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace actorkv {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kLongUs = 60'000'000;  // a wait that something else ends

int64_t UsSince(Clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() -
                                                               begin)
      .count();
}

void SleepUs(int64_t us) {
  std::this_thread::sleep_for(std::chrono::microseconds(us));
}

// Nothing of these ends by itself in a test, however busy the machine is.
constexpr WriterTimes kLongTimes = {kLongUs, kLongUs, kLongUs};

class WriterQueueTest : public testing::Test {
 protected:
  // For the tests that do not need the long times.
  void UseTimes(WriterTimes times) {
    queue_ = std::make_shared<WriterQueue>(times);
  }
  std::unique_ptr<Writer> NewWriter() const {
    return std::make_unique<Writer>(queue_);
  }
  // Returns once `count` writers wait.
  void AwaitWaiting(size_t count) const {
    while (queue_->waiting_count() != count) std::this_thread::yield();
  }
  // Makes `writer` one that comes back soon, and gives it the word.
  void TakeAgain(Writer* writer) const {
    ASSERT_TRUE(queue_->Take(writer));
    queue_->Release(writer);
    ASSERT_TRUE(queue_->Take(writer));
  }

  std::shared_ptr<WriterQueue> queue_ =
      std::make_shared<WriterQueue>(kLongTimes);
};

TEST_F(WriterQueueTest, OneAtATime) {
  const auto one = NewWriter();
  const auto two = NewWriter();
  EXPECT_FALSE(queue_->held());
  EXPECT_TRUE(queue_->MayTake(one.get()));
  EXPECT_FALSE(queue_->held()) << "to ask is not to take";
  EXPECT_TRUE(queue_->Take(one.get()));
  EXPECT_TRUE(queue_->Take(one.get())) << "again: it is";
  EXPECT_TRUE(queue_->held());
  EXPECT_FALSE(queue_->MayTake(two.get()));
  EXPECT_FALSE(queue_->Take(two.get()));
  queue_->Release(two.get());
  EXPECT_TRUE(queue_->held()) << "only who holds it can release";
  queue_->Release(one.get());
  EXPECT_FALSE(queue_->held());
  EXPECT_TRUE(queue_->Take(two.get()));
}

TEST_F(WriterQueueTest, AWaitEndsAtItsLimit) {
  const auto one = NewWriter();
  const auto two = NewWriter();
  ASSERT_TRUE(queue_->Take(one.get()));
  const Clock::time_point begin = Clock::now();
  EXPECT_FALSE(two->Wait(30'000));
  EXPECT_GE(UsSince(begin), 30'000);
  EXPECT_FALSE(two->Wait(0));
  EXPECT_FALSE(one->Wait(1000)) << "a writer cannot wait for itself";
  EXPECT_TRUE(queue_->Take(one.get()));
  EXPECT_EQ(queue_->waiting_count(), 0u);
}

// Between the wait and the next try nobody gets in.
TEST_F(WriterQueueTest, AWordThatIsFreeIsOfferedAtOnce) {
  const auto one = NewWriter();
  const auto two = NewWriter();
  const Clock::time_point begin = Clock::now();
  EXPECT_TRUE(one->Wait(kLongUs));
  EXPECT_FALSE(queue_->Take(two.get()));
  EXPECT_TRUE(one->Wait(kLongUs)) << "still";
  EXPECT_TRUE(queue_->Take(one.get()));
  EXPECT_LT(UsSince(begin), kLongUs / 2);
}

// The order is that of the refusals, not that of the calls of Wait().
TEST_F(WriterQueueTest, FirstComeFirstServed) {
  constexpr size_t kCount = 6;
  const auto holder = NewWriter();
  ASSERT_TRUE(queue_->Take(holder.get()));
  std::vector<std::unique_ptr<Writer>> writers;
  for (size_t i = 0; i < kCount; ++i) {
    writers.push_back(NewWriter());
    ASSERT_FALSE(queue_->Take(writers.back().get()));
  }
  // A wait that ended without the word keeps the place.
  EXPECT_FALSE(writers.front()->Wait(1000));
  std::string order;  // written by who holds the word
  std::vector<std::thread> threads;
  for (size_t i = kCount; i-- > 0;) {
    threads.emplace_back([&, i] {
      ASSERT_TRUE(writers[i]->Wait(kLongUs));
      ASSERT_TRUE(queue_->Take(writers[i].get()));
      order += static_cast<char>('a' + i);
      queue_->Release(writers[i].get());
    });
    AwaitWaiting(kCount - i);
  }
  queue_->Release(holder.get());
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(order, "abcdef");
}

// Everyone who does not hold the word waits when it is released. Then the order
// of the turns is strict, whatever the machine does.
class TurnsGoRoundTest : public WriterQueueTest {
 protected:
  static constexpr size_t kCount = 8;
  static constexpr size_t kTurns = kCount * 6;

  // Writer `number` writes, until all turns are over.
  void Run(size_t number) {
    Writer* const writer = writers_[number].get();
    while (!over_) {
      if (!queue_->Take(writer)) {
        writer->Wait(kLongUs);
        continue;
      }
      AwaitWaiting(kCount - 1);
      if (turns_.empty() || turns_.back() != number) turns_.push_back(number);
      ++commit_count_;
      over_ = turns_.size() >= kTurns;
      if (over_) {
        for (const auto& each : writers_) each->Leave();
      }
      queue_->Release(writer);
    }
  }
  void RunAll() {
    for (size_t i = 0; i < kCount; ++i) writers_.push_back(NewWriter());
    std::vector<std::thread> threads;
    for (size_t i = 0; i < kCount; ++i) {
      threads.emplace_back([this, i] { Run(i); });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(turns_.size(), kTurns);
    for (size_t i = kCount; i < kTurns; ++i) {
      EXPECT_EQ(turns_[i], turns_[i - kCount]) << i;
    }
  }
  size_t commit_count() const { return commit_count_; }

 private:
  std::vector<std::unique_ptr<Writer>> writers_;
  std::atomic<bool> over_{false};
  // Both are of whoever holds the word.
  std::vector<size_t> turns_;
  size_t commit_count_ = 0;
};

TEST_F(TurnsGoRoundTest, EachCommitIsATurn) {
  UseTimes({0, kLongUs, kLongUs});
  RunAll();
  EXPECT_EQ(commit_count(), kTurns);
}

TEST_F(TurnsGoRoundTest, ATurnIsSeveralCommits) {
  UseTimes({3000, kLongUs, kLongUs});
  RunAll();
  EXPECT_GT(commit_count(), kTurns);
}

TEST_F(WriterQueueTest, ATurnGoesOnForWhoComesBackSoon) {
  const auto one = NewWriter();
  const auto two = NewWriter();
  TakeAgain(one.get());
  std::thread thread([&] { EXPECT_FALSE(two->Wait(kLongUs)); });
  AwaitWaiting(1);
  for (int i = 0; i < 100; ++i) {
    queue_->Release(one.get());
    EXPECT_FALSE(queue_->held());
    EXPECT_FALSE(queue_->Take(two.get())) << "it waits, and is not the first";
    ASSERT_TRUE(queue_->Take(one.get()));
  }
  two->Leave();
  thread.join();
}

// The time of a turn counts from its first commit.
TEST_F(WriterQueueTest, ATurnEndsWhileItsWriterGoesOn) {
  constexpr int64_t kTurnUs = 20'000;
  UseTimes({kTurnUs, kLongUs, kLongUs});
  const auto one = NewWriter();
  const auto two = NewWriter();
  const Clock::time_point begin = Clock::now();
  TakeAgain(one.get());
  std::thread thread([&] { EXPECT_TRUE(two->Wait(kLongUs)); });
  AwaitWaiting(1);
  do {
    queue_->Release(one.get());
  } while (queue_->Take(one.get()));
  EXPECT_GE(UsSince(begin), kTurnUs);
  EXPECT_LT(UsSince(begin), kLongUs / 2);
  thread.join();
  EXPECT_TRUE(queue_->Take(two.get()));
}

// Who waits gets the word when the turn is over, though nobody releases it.
TEST_F(WriterQueueTest, ARestEndsByItself) {
  UseTimes({20'000, kLongUs, kLongUs});
  const auto one = NewWriter();
  const auto two = NewWriter();
  TakeAgain(one.get());
  const Clock::time_point begin = Clock::now();
  std::thread thread([&] { EXPECT_TRUE(two->Wait(kLongUs)); });
  AwaitWaiting(1);
  queue_->Release(one.get());
  thread.join();
  EXPECT_LT(UsSince(begin), kLongUs / 2);
  EXPECT_FALSE(queue_->Take(one.get()));
  EXPECT_TRUE(queue_->Take(two.get()));
}

// The word does not rest for a writer that did something else after its last
// commit, nor for one of which that is not known.
TEST_F(WriterQueueTest, WhoTakesItsTimeHandsOnAtOnce) {
  constexpr int64_t kPauseUs = 500;
  UseTimes({kLongUs, kPauseUs, kLongUs});
  for (const bool known : {false, true}) {
    const auto one = NewWriter();
    const auto two = NewWriter();
    ASSERT_TRUE(queue_->Take(one.get()));
    if (known) {
      queue_->Release(one.get());
      SleepUs(kPauseUs);
      ASSERT_TRUE(queue_->Take(one.get()));
    }
    std::thread thread([&] { EXPECT_TRUE(two->Wait(kLongUs)); });
    AwaitWaiting(1);
    queue_->Release(one.get());
    EXPECT_FALSE(queue_->Take(one.get())) << known;
    thread.join();
  }
}

// One that polls has its place, and takes the word between two commits of
// another's turn. One that has come later than those that wait does not.
TEST_F(WriterQueueTest, WhoPollsIsNotShutOut) {
  const auto one = NewWriter();
  const auto polls = NewWriter();
  const auto waits = NewWriter();
  const auto late = NewWriter();
  TakeAgain(one.get());
  EXPECT_FALSE(queue_->Take(polls.get()));
  std::thread thread([&] { EXPECT_TRUE(waits->Wait(kLongUs)); });
  AwaitWaiting(1);
  queue_->Release(one.get());
  EXPECT_FALSE(queue_->Take(late.get()));
  EXPECT_TRUE(queue_->Take(polls.get()));
  EXPECT_FALSE(queue_->Take(one.get())) << "its turn is over";
  queue_->Release(polls.get());
  thread.join();
  EXPECT_FALSE(queue_->Take(late.get()));
  EXPECT_FALSE(queue_->Take(polls.get()));
  EXPECT_TRUE(queue_->Take(waits.get()));
}

TEST_F(WriterQueueTest, AnOfferIsTakenAwayFromWhoDoesNotCome) {
  constexpr int64_t kOfferUs = 10'000;
  UseTimes({0, 0, kOfferUs});
  const auto holder = NewWriter();
  const auto absent = NewWriter();
  const auto next = NewWriter();
  ASSERT_TRUE(queue_->Take(holder.get()));
  std::thread first([&] { EXPECT_TRUE(absent->Wait(kLongUs)); });
  AwaitWaiting(1);
  std::thread second([&] {
    do {
      EXPECT_TRUE(next->Wait(kLongUs));
    } while (!queue_->Take(next.get()));
  });
  AwaitWaiting(2);
  const Clock::time_point begin = Clock::now();
  queue_->Release(holder.get());
  first.join();
  second.join();
  EXPECT_GE(UsSince(begin), kOfferUs);
  EXPECT_LT(UsSince(begin), kLongUs / 2);
  EXPECT_FALSE(queue_->Take(absent.get())) << "too late";
}

// It is late, and keeps its place.
TEST_F(WriterQueueTest, WhoMissedAnOfferIsStillTheFirst) {
  UseTimes({0, 0, 1000});
  const auto absent = NewWriter();
  const auto next = NewWriter();
  const auto last = NewWriter();
  ASSERT_TRUE(queue_->Take(next.get()));
  ASSERT_FALSE(queue_->Take(absent.get()));
  queue_->Release(next.get());
  ASSERT_TRUE(absent->Wait(kLongUs));
  SleepUs(1000);
  ASSERT_TRUE(queue_->Take(next.get()));
  std::thread first([&] { last->Wait(kLongUs); });
  AwaitWaiting(1);
  std::thread second([&] {
    EXPECT_TRUE(absent->Wait(kLongUs));
    last->Leave();
  });
  AwaitWaiting(2);
  queue_->Release(next.get());
  second.join();
  first.join();
}

// What is offered is free again also where nobody waits for it.
TEST_F(WriterQueueTest, AnOfferThatNobodyTookIsFreeAgain) {
  UseTimes({0, 0, 1000});
  const auto absent = NewWriter();
  const auto other = NewWriter();
  ASSERT_TRUE(absent->Wait(kLongUs));
  SleepUs(1000);
  EXPECT_TRUE(queue_->Take(other.get()));
}

TEST_F(WriterQueueTest, LeavingEndsAWait) {
  const auto holder = NewWriter();
  auto leaves = NewWriter();
  const auto stays = NewWriter();
  ASSERT_TRUE(queue_->Take(holder.get()));
  std::thread first([&] { EXPECT_FALSE(leaves->Wait(kLongUs)); });
  AwaitWaiting(1);
  std::thread second([&] { EXPECT_TRUE(stays->Wait(kLongUs)); });
  AwaitWaiting(2);
  leaves->Leave();
  first.join();
  EXPECT_EQ(queue_->waiting_count(), 1u);
  EXPECT_FALSE(leaves->Wait(kLongUs)) << "it has left";
  leaves.reset();
  queue_->Release(holder.get());
  second.join();
}

TEST_F(WriterQueueTest, WhatALeavingWriterHadGoesOn) {
  const auto later = NewWriter();
  for (const bool offered : {false, true}) {
    auto leaves = NewWriter();
    if (offered) {
      ASSERT_TRUE(leaves->Wait(kLongUs));
    } else {
      ASSERT_TRUE(queue_->Take(leaves.get()));
    }
    leaves.reset();
    EXPECT_FALSE(queue_->held());
    EXPECT_TRUE(queue_->Take(later.get())) << offered;
    queue_->Release(later.get());
  }
  auto holder = NewWriter();
  ASSERT_TRUE(queue_->Take(holder.get()));
  std::thread thread([&] { EXPECT_TRUE(later->Wait(kLongUs)); });
  AwaitWaiting(1);
  holder.reset();
  thread.join();
}

// Writers that come, wait for a moment, give up, leave and come again: what
// they protect is never touched by two, and none of them waits for ever.
TEST_F(WriterQueueTest, ManyThreadsNeverTwoAtOnce) {
  UseTimes({});
  constexpr int kThreads = 8;
  int64_t plain = 0;  // guarded by the word
  std::atomic<int64_t> added{0};
  const Clock::time_point begin = Clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      auto writer = NewWriter();
      for (int round = 0; UsSince(begin) < 300'000; ++round) {
        if (!queue_->Take(writer.get())) {
          writer->Wait((round * 37 + i * 101) % 3000);
          if (round % 50 == i) writer = NewWriter();
          continue;
        }
        ++plain;
        ++added;
        if (round % 20 != i) queue_->Release(writer.get());
        if (round % 20 == i) writer = NewWriter();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(plain, added.load());
  EXPECT_FALSE(queue_->held());
  EXPECT_EQ(queue_->waiting_count(), 0u);
}

}  // namespace
}  // namespace actorkv
