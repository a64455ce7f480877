// The memory of all requests has an end.

#include "kv/share/request_memory.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace actorkv {
namespace {

constexpr size_t kLarge = 10 * kSmallRequestBytes;

TEST(RequestMemoryTest, WhatIsSmallIsNotCounted) {
  RequestMemory memory(kLarge);
  ASSERT_TRUE(memory.Take(kLarge, nullptr));
  EXPECT_TRUE(memory.Take(kSmallRequestBytes, nullptr));
  memory.GiveBack(kSmallRequestBytes, nullptr);
  memory.GiveBack(kLarge, nullptr);
}

TEST(RequestMemoryTest, OneThatIsTooLargeGetsAll) {
  RequestMemory memory(kLarge);
  ASSERT_TRUE(memory.Take(100 * kLarge, nullptr));
  memory.GiveBack(100 * kLarge, nullptr);
  EXPECT_TRUE(memory.Take(kLarge, nullptr));
}

TEST(RequestMemoryTest, WhoeverNeedsMoreWaits) {
  RequestMemory memory(kLarge);
  MemoryShare first(&memory);
  ASSERT_TRUE(first.Take(kLarge));
  std::atomic<bool> has_it{false};
  std::thread other([&] {
    MemoryShare second(&memory);
    EXPECT_TRUE(second.Take(kLarge));
    has_it = true;
  });
  EXPECT_FALSE(has_it);
  first.GiveBack();
  other.join();
  EXPECT_TRUE(has_it);
}

TEST(RequestMemoryTest, OneSessionLeavesSomeToOthers) {
  RequestMemory memory(3 * kLarge);
  const int alice = 0;
  const int bob = 0;
  MemoryShare first(&memory);
  first.SetUser(&alice);
  ASSERT_TRUE(first.Take(2 * kLarge));
  std::atomic<bool> has_it{false};
  std::thread more([&] {
    MemoryShare second(&memory);
    second.SetUser(&alice);
    EXPECT_TRUE(second.Take(kLarge));
    has_it = true;
  });
  MemoryShare other(&memory);
  other.SetUser(&bob);
  EXPECT_TRUE(other.Take(kLarge));
  EXPECT_FALSE(has_it);
  other.GiveBack();
  EXPECT_FALSE(has_it);
  first.GiveBack();
  more.join();
  EXPECT_TRUE(has_it);
}

TEST(RequestMemoryTest, NobodyWaitsAfterTheStop) {
  RequestMemory memory(kLarge);
  MemoryShare first(&memory);
  ASSERT_TRUE(first.Take(kLarge));
  std::thread other([&] {
    MemoryShare second(&memory);
    EXPECT_FALSE(second.Take(kLarge));
  });
  memory.Stop();
  other.join();
}

}  // namespace
}  // namespace actorkv
