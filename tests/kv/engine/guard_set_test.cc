// GuardSet: claims of one key are serial, others are not, and what is thrown
// out of a commit leaves nothing claimed.

#include "kv/engine/guard_set.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/failing_memory.h"

namespace actorkv {
namespace {

TEST(GuardSetTest, OneAtATimeHasAKey) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 500;
  GuardSet set;
  std::atomic<int> inside{0};
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        const GuardSet::Claim claim(&set, {"own" + std::to_string(t), "same"});
        EXPECT_EQ(inside.fetch_add(1), 0);
        inside.fetch_sub(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(GuardSetTest, OtherKeysDoNotWait) {
  GuardSet set;
  const GuardSet::Claim none(&set, {});
  const GuardSet::Claim first(&set, {"a", "b", "b"});
  const GuardSet::Claim second(&set, {"c"});
  EXPECT_EQ(first.keys().size(), 3u);
}

// Otherwise the next commit of the actor would wait for ever.
TEST(GuardSetTest, WithoutMemoryNothingStaysClaimed) {
  GuardSet set;
  const std::vector<std::string> keys = {std::string(100, 'a'),
                                         std::string(100, 'b'), "c"};
  bool failed = true;
  for (uint64_t n = 1; failed; ++n) {
    std::vector<std::string> copy = keys;
    FailingMemory::Plan plan;
    plan.nth = n;
    FailingMemory::Begin(plan);
    try {
      const GuardSet::Claim claim(&set, std::move(copy));
    } catch (const std::bad_alloc&) {
    }
    failed = FailingMemory::End() > 0;
    const GuardSet::Claim next(&set, keys);
    EXPECT_EQ(next.keys().size(), keys.size());
  }
}

}  // namespace
}  // namespace actorkv
