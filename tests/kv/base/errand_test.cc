// Work that is given to a thread: it is done once, and nobody waits for ever.

#include "kv/base/errand.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <new>
#include <thread>

#include "tests/support/gathering.h"
#include "tests/support/no_threads.h"

namespace actorkv {
namespace {

class ErrandTest : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_TRUE(workers_.Stop(std::chrono::steady_clock::now() +
                              std::chrono::minutes(1)));
  }

  Workers workers_;
};

TEST_F(ErrandTest, AThreadDoesItAndWhoGaveItWaits) {
  Gathering begun;
  std::atomic<bool> is_done{false};
  Errand errand([&] {
    begun.Work();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    is_done = true;
  });
  ASSERT_TRUE(errand.Send(&workers_));
  begun.WaitFor(1);
  begun.End();
  EXPECT_TRUE(errand.Finish());
  EXPECT_TRUE(is_done);
  EXPECT_TRUE(errand.Finish()) << "and stays so";
  EXPECT_EQ(begun.count(), 1U);
}

TEST_F(ErrandTest, WhoWaitsDoesWhatNobodyHasBegun) {
  const auto self = std::this_thread::get_id();
  std::thread::id who;
  Errand errand([&] { who = std::this_thread::get_id(); });
  {
    const NoThreads none;
    EXPECT_FALSE(errand.Send(&workers_));
  }
  EXPECT_TRUE(errand.Finish());
  EXPECT_EQ(who, self);
}

// Whoever comes first, the thread or who waits.
TEST_F(ErrandTest, ItIsDoneOnce) {
  for (int i = 0; i < 500; ++i) {
    int calls = 0;
    Errand errand([&] { ++calls; });
    static_cast<void>(errand.Send(&workers_));
    if (i % 3 == 0) std::this_thread::yield();
    ASSERT_TRUE(errand.Finish());
    ASSERT_EQ(calls, 1);
  }
}

TEST_F(ErrandTest, WhatThrowsIsOver) {
  Gathering begun;
  Errand sent([&] {
    begun.Work();
    throw std::bad_alloc();
  });
  ASSERT_TRUE(sent.Send(&workers_));
  begun.WaitFor(1);
  begun.End();
  EXPECT_TRUE(sent.Finish());
  Errand kept([] { throw std::bad_alloc(); });
  EXPECT_TRUE(kept.Finish());
}

TEST_F(ErrandTest, WhatIsDroppedDoesNotBegin) {
  int calls = 0;
  Errand errand([&] { ++calls; });
  errand.Drop();
  EXPECT_FALSE(errand.Finish());
  EXPECT_EQ(calls, 0);
}

// Whether it has begun or not, nothing of it runs when the object is gone.
TEST_F(ErrandTest, AfterTheEndNothingRuns) {
  for (int i = 0; i < 500; ++i) {
    std::atomic<int> begun{0};
    std::atomic<int> done{0};
    {
      Errand errand([&] {
        ++begun;
        std::this_thread::yield();
        ++done;
      });
      static_cast<void>(errand.Send(&workers_));
      if (i % 2 == 0) std::this_thread::yield();
    }
    ASSERT_EQ(begun, done);
  }
}

TEST_F(ErrandTest, AChildOfForkDoesNotWaitForTheThread) {
  Gathering begun;
  auto errand = std::make_unique<Errand>([&] { begun.Work(); });
  auto unsent = std::make_unique<Errand>([&] { begun.Work(); });
  while (!errand->Send()) usleep(100);
  begun.WaitFor(1);
  const pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    alarm(30);
    const bool is_done = errand->Finish() || unsent->Finish();
    errand.reset();
    unsent.reset();
    _exit(is_done ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  begun.End();
  EXPECT_TRUE(errand->Finish());
}

}  // namespace
}  // namespace actorkv
