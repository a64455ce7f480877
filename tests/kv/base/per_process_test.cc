// PerProcess and WholeMutex: what a child of fork() has of its parent's.

#include "kv/base/per_process.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "kv/base/whole_mutex.h"
#include "tests/support/forked_child.h"

namespace actorkv {
namespace {

struct Thing {
  std::mutex mutex;
  int number = 0;
};

PerProcess<Thing> thing;
PerProcess<Thing> never_made;

int LookInChild(Thing* parents, const OfParent& old) {
  if (!old.value() || OfParent().value()) return 1;
  Thing* const own = thing.Get([&](const Thing* former) {
    return former == parents ? new Thing : parents;
  });
  if (own == parents || own != thing.Get()) return 2;
  const std::lock_guard<std::mutex> lock(own->mutex);
  if (own->number != 0 || parents->number != 7) return 3;
  return never_made.Get()->number;
}

TEST(PerProcessTest, AChildHasItsOwn) {
  Thing* const parents = thing.Get();
  EXPECT_EQ(thing.Get(), parents);
  parents->number = 7;
  const OfParent old;
  EXPECT_FALSE(old.value());
  const std::lock_guard<std::mutex> lock(parents->mutex);
  for (int i = 0; i < 3; ++i) {
    ForkedChild child(
        [&] { return Within(60, [&] { return LookInChild(parents, old); }); });
    EXPECT_EQ(child.Wait(), 0);
  }
  EXPECT_EQ(thing.Get(), parents);
  EXPECT_FALSE(old.value());
}

WholeMutex whole;
int left = 0;  // the same as right, under the mutex
int right = 0;

TEST(WholeMutexTest, AChildFindsWhatItGuardsWhole) {
  std::atomic<bool> done{false};
  std::thread busy([&] {
    while (!done) {
      const std::lock_guard<WholeMutex> lock(whole);
      ++left;
      ++right;
    }
  });
  for (int i = 0; i < 50; ++i) {
    ForkedChild child([] {
      return Within(60, [] {
        const std::lock_guard<WholeMutex> lock(whole);
        return left == right ? 0 : 1;
      });
    });
    EXPECT_EQ(child.Wait(), 0);
  }
  done = true;
  busy.join();
}

}  // namespace
}  // namespace actorkv
