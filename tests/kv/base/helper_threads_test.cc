// Threads that help who waits for the disk.

#include "kv/base/helper_threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>

#include "kv/base/start_thread.h"

namespace actorkv {
namespace {

// Work that goes on until it is let go.
class Gathering {
 public:
  void Work() {
    std::unique_lock<std::mutex> lock(mutex_);
    ++count_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_over_; });
  }
  void WaitFor(size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return count_ >= count; });
  }
  void End() {
    std::lock_guard<std::mutex> lock(mutex_);
    is_over_ = true;
    changed_.notify_all();
  }
  size_t count() {
    std::lock_guard<std::mutex> lock(mutex_);
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t count_ = 0;
  bool is_over_ = false;
};

TEST(HelperThreadsTest, EachHelpsOnceAndTheBusyDoNot) {
  HelperThreads helpers;
  Gathering first;
  Gathering second;
  helpers.Call([&] { first.Work(); });
  first.WaitFor(HelperThreads::kMaxThreads);
  helpers.Call([&] { second.Work(); });
  second.End();
  first.End();
  helpers.Stop();
  EXPECT_EQ(first.count(), HelperThreads::kMaxThreads);
  EXPECT_EQ(second.count(), 0U);
}

TEST(HelperThreadsTest, WithoutThreadsNobodyHelps) {
  HelperThreads helpers;
  std::atomic<int> calls{0};
  RefuseThreadsForTesting(true);
  helpers.Call([&] { ++calls; });
  helpers.Wait();
  RefuseThreadsForTesting(false);
  EXPECT_EQ(calls.load(), 0);
  Gathering work;
  helpers.Call([&] { work.Work(); });
  work.WaitFor(HelperThreads::kMaxThreads);
  work.End();
  helpers.Stop();
}

TEST(HelperThreadsTest, WhatIsThrownEndsNoThread) {
  HelperThreads helpers;
  for (int i = 0; i < 3; ++i) {
    helpers.Call([] { throw std::bad_alloc(); });
    helpers.Wait();
  }
  Gathering work;
  helpers.Call([&] { work.Work(); });
  work.WaitFor(HelperThreads::kMaxThreads);
  work.End();
  helpers.Stop();
}

TEST(HelperThreadsTest, TheyHelpAgain) {
  HelperThreads helpers;
  for (int i = 0; i < 20; ++i) {
    Gathering work;
    // Those that are not back from the last time do not come.
    while (work.count() == 0) helpers.Call([&] { work.Work(); });
    work.End();
    helpers.Wait();
  }
  helpers.Stop();
}

TEST(HelperThreadsTest, NobodyHelpsAfterTheEnd) {
  HelperThreads helpers;
  helpers.Stop();
  std::atomic<int> count{0};
  helpers.Call([&] { ++count; });
  helpers.Stop();
  EXPECT_EQ(count, 0);
}

}  // namespace
}  // namespace actorkv
