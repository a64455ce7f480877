// An actor that wakes where the disk is slow: others help to read its pages,
// where there are others, and nobody waits for those that fail.

#include "kv/pages/preload.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <thread>

#include "tests/support/hints_harness.h"
#include "tests/support/no_threads.h"
#include "tests/support/read_hook.h"

namespace actorkv {
namespace {

// An actor of many pages, hints of some of them, and a disk that is slow.
class SlowDiskTest : public HintsTest {
 protected:
  SlowDiskTest() : SlowDiskTest(std::make_shared<ReadHook>()) {}
  explicit SlowDiskTest(const std::shared_ptr<ReadHook>& hook)
      : HintsTest([hook, kept = std::shared_ptr<Engine>(NewMemoryEngine(
                             UnboundedLimits()))]() -> std::unique_ptr<Engine> {
          return std::make_unique<ReadHookEngine>(kept, hook);
        }),
        hook_(hook) {}

  void SetUp() override {
    Commit(store_, kMany, 1);
    for (PageNo pgno = 1; pgno < kMany; pgno += 13) used_.push_back(pgno);
    store_.Reopen();
    ASSERT_OK(Visit(store_, "a").Read(used_).Close());
    Restart();
  }

  // Wakes the actor, where each read waits as for a disk, and reads what was
  // used: each page as it is stored. A helper does `help` at each read.
  void WakeAndRead(Visit* visit, const std::function<void()>& help) {
    hook_->Set(1, [this, help] { ReadSlowly(help); });
    visit->Read(Pages{1});
    hook_->Set(1, nullptr);
    for (const PageNo pgno : used_) {
      EXPECT_EQ(visit->Read(pgno), TestPage(kMinPageSize, pgno, 1)) << pgno;
    }
  }

  int helps() const { return helps_; }

 private:
  static constexpr PageNo kMany = 1000;
  // Reads of who wakes the actor. He has called for help by then.
  static constexpr int kAlone = 10;

  void ReadSlowly(const std::function<void()>& help) {
    hook_->Set(1, [this, help] { ReadSlowly(help); });
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    if (std::this_thread::get_id() != self_) {
      ++helps_;
      help();
    } else if (++reads_ == kAlone && !ThreadsAreRefusedForTesting()) {
      for (int i = 0; i < 100000 && helps_ == 0; ++i) {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
    }
  }

  const std::shared_ptr<ReadHook> hook_;
  const std::thread::id self_ = std::this_thread::get_id();
  int reads_ = 0;
  std::atomic<int> helps_{0};

 protected:
  Pages used_;
};

// Others help: the same pages, once each.
TEST_F(SlowDiskTest, OthersHelp) {
  Visit visit(store_, "a");
  WakeAndRead(&visit, [] {});
  EXPECT_GT(helps(), 0);
  EXPECT_EQ(visit.preloaded(), used_);
  EXPECT_EQ(visit.missed(), 0);
}

TEST_F(SlowDiskTest, WithoutThreadsNobodyHelps) {
  const NoThreads none;
  Visit visit(store_, "a");
  WakeAndRead(&visit, [] {});
  EXPECT_EQ(helps(), 0);
  EXPECT_EQ(visit.preloaded(), used_);
  EXPECT_EQ(visit.missed(), 0);
}

// What a helper did not get to is read when it is asked for.
TEST_F(SlowDiskTest, NobodyWaitsForHelpersThatThrow) {
  Visit visit(store_, "a");
  WakeAndRead(&visit, [] { throw std::bad_alloc(); });
  EXPECT_GT(helps(), 0);
  EXPECT_EQ(visit.missed(), helps()) << "a page of each";
}

}  // namespace
}  // namespace actorkv
