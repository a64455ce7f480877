// The threads of the process: each has one work at a time, none waits behind
// another, and where there is none to be had, that is said.

#include "kv/base/workers.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <new>

#include "kv/base/per_process.h"
#include "tests/support/gathering.h"
#include "tests/support/no_threads.h"

namespace actorkv {
namespace {

constexpr size_t kMax = Workers::kMaxThreads;

std::chrono::steady_clock::time_point Soon(int milliseconds) {
  return std::chrono::steady_clock::now() +
         std::chrono::milliseconds(milliseconds);
}

constexpr int kLong = 60000;  // ms

TEST(WorkersTest, EachHasOneWorkAndTheBusyTakeNone) {
  Workers workers;
  Gathering first;
  std::atomic<int> others{0};
  for (size_t i = 0; i < kMax; ++i) {
    EXPECT_TRUE(workers.Try([&] { first.Work(); }));
  }
  EXPECT_FALSE(workers.Try([&] { ++others; }));
  first.WaitFor(kMax);  // none waits behind another
  EXPECT_FALSE(workers.Try([&] { ++others; }));
  first.End();
  EXPECT_TRUE(workers.Stop(Soon(kLong)));
  EXPECT_EQ(first.count(), kMax);
  EXPECT_EQ(others, 0);
}

TEST(WorkersTest, AThreadWorksAgain) {
  Workers workers;
  for (size_t i = 0; i < 5 * kMax; ++i) {
    Gathering work;
    ASSERT_TRUE(workers.Try([&] { work.Work(); }));
    work.WaitFor(1);
    work.End();
  }
  EXPECT_TRUE(workers.Stop(Soon(kLong)));
}

TEST(WorkersTest, WithoutThreadsNothingIsTaken) {
  Workers workers;
  std::atomic<int> calls{0};
  {
    const NoNewThreads none;
    EXPECT_FALSE(workers.Try([&] { ++calls; }));
  }
  {
    const NoThreads none;
    EXPECT_FALSE(workers.Try([&] { ++calls; }));
  }
  EXPECT_EQ(calls, 0);
  Gathering work;
  ASSERT_TRUE(workers.Try([&] { work.Work(); }));
  work.WaitFor(1);
  work.End();
  EXPECT_TRUE(workers.Stop(Soon(kLong)));
  EXPECT_EQ(calls, 0);
}

// Those that are there go on where no more can be made.
TEST(WorkersTest, WithSomeThreadsSoManyWorksAreTaken) {
  Workers workers;
  Gathering work;
  ASSERT_TRUE(workers.Try([&] { work.Work(); }));
  work.WaitFor(1);
  {
    const NoNewThreads none;
    EXPECT_FALSE(workers.Try([&] { work.Work(); }));
    work.End();
    // Until the one is idle again.
    while (!workers.Try([&] { work.Work(); })) usleep(100);
  }
  EXPECT_TRUE(workers.Stop(Soon(kLong)));
  EXPECT_EQ(work.count(), 2U);
}

TEST(WorkersTest, WhatIsThrownEndsNoThread) {
  Workers workers;
  for (size_t i = 0; i < kMax; ++i) {
    ASSERT_TRUE(workers.Try([] { throw std::bad_alloc(); }));
  }
  Gathering work;
  for (size_t i = 0; i < kMax; ++i) {
    while (!workers.Try([&] { work.Work(); })) usleep(100);
  }
  work.WaitFor(kMax);
  work.End();
  EXPECT_TRUE(workers.Stop(Soon(kLong)));
}

TEST(WorkersTest, TheEndComesAfterWhatWasTaken) {
  for (int round = 0; round < 50; ++round) {
    Workers workers;
    std::atomic<size_t> calls{0};
    for (size_t i = 0; i < kMax; ++i) {
      ASSERT_TRUE(workers.Try([&] { ++calls; }));
    }
    ASSERT_TRUE(workers.Stop(Soon(kLong)));
    ASSERT_EQ(calls, kMax);
    EXPECT_TRUE(workers.is_stopping());
    EXPECT_FALSE(workers.Try([&] { ++calls; }));
    EXPECT_TRUE(workers.Stop(Soon(kLong))) << "once more";
    ASSERT_EQ(calls, kMax);
  }
}

TEST(WorkersTest, TheEndDoesNotWaitForEver) {
  Workers workers;
  Gathering work;
  ASSERT_TRUE(workers.Try([&] { work.Work(); }));
  work.WaitFor(1);
  EXPECT_FALSE(workers.Stop(Soon(20)));
  work.End();
  EXPECT_TRUE(workers.Stop(Soon(kLong)));
}

// In the child: 0 where it has no thread of its parent.
int TryInChild() {
  alarm(30);  // who waits for one that is not there ends by it
#if !defined(__SANITIZE_THREAD__)  // it allows no threads here
  Gathering work;
  if (!Workers::Instance()->Try([&] { work.Work(); })) return 1;
  work.WaitFor(1);
  work.End();
#endif
  if (!Workers::Instance()->Stop(Soon(kLong))) return 2;
  return ForkCount() == 1 ? 0 : 3;
}

TEST(WorkersTest, AChildOfForkBeginsWithoutThem) {
  Gathering work;
  Workers* const workers = Workers::Instance();
  for (size_t i = 0; i < kMax; ++i) {
    while (!workers->Try([&] { work.Work(); })) usleep(100);
  }
  work.WaitFor(kMax);
  const pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) _exit(TryInChild());
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_FALSE(workers->Try([] {})) << "those of the parent are busy still";
  work.End();
  EXPECT_EQ(ForkCount(), 0U);
  EXPECT_EQ(Workers::Instance(), workers);
}

}  // namespace
}  // namespace actorkv
