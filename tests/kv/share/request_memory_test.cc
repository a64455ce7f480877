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
  ASSERT_TRUE(memory.Take(kLarge));
  EXPECT_TRUE(memory.Take(kSmallRequestBytes));
  memory.GiveBack(kSmallRequestBytes);
  memory.GiveBack(kLarge);
}

TEST(RequestMemoryTest, OneThatIsTooLargeGetsAll) {
  RequestMemory memory(kLarge);
  ASSERT_TRUE(memory.Take(100 * kLarge));
  memory.GiveBack(100 * kLarge);
  EXPECT_TRUE(memory.Take(kLarge));
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
