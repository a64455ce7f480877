// PageBuffer: what is in memory, how large the database is, and how pages go.

#include "kv/pages/page_buffer.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr uint32_t kSize = 65536;
// The lock page of this size is near.
constexpr PageNo kLock = LockPage(kSize);

std::string P(char byte) { return std::string(kSize, byte); }

void Put(PageBuffer* buffer, PageNo pgno, char byte) {
  buffer->Put(pgno, P(byte).data());
}

std::vector<PageNo> Numbers(const PageBuffer& buffer) {
  std::vector<PageNo> numbers;
  for (const auto& [pgno, page] : buffer.pages()) numbers.push_back(pgno);
  return numbers;
}

TEST(PageBufferTest, AWrittenPageGrowsTheDatabaseAndIsKeptOnce) {
  PageBuffer buffer(kSize, 2);
  Put(&buffer, 5, 'a');
  Put(&buffer, 1, 'b');
  Put(&buffer, 5, 'c');
  EXPECT_EQ(buffer.page_count(), 5u);
  EXPECT_EQ(buffer.memory_bytes(), 2 * size_t{kSize});
  EXPECT_EQ(*buffer.Find(5), P('c'));
  EXPECT_EQ(buffer.Find(2), nullptr);
  EXPECT_EQ(Numbers(buffer), (std::vector<PageNo>{1, 5}));
}

TEST(PageBufferTest, TheLockPageCountsButIsNotKept) {
  PageBuffer buffer(kSize, 0);
  Put(&buffer, kLock, 'a');
  EXPECT_EQ(buffer.page_count(), kLock);
  EXPECT_EQ(buffer.Find(kLock), nullptr);
  EXPECT_EQ(buffer.memory_bytes(), 0u);
}

TEST(PageBufferTest, WhatIsCutIsGoneWhenTheDatabaseGrowsBack) {
  PageBuffer buffer(kSize, 9);
  for (PageNo pgno : {2u, 3u, 4u}) Put(&buffer, pgno, 'a');
  buffer.Truncate(3);
  EXPECT_EQ(buffer.page_count(), 3u);
  EXPECT_EQ(Numbers(buffer), (std::vector<PageNo>{2, 3}));
  EXPECT_EQ(buffer.memory_bytes(), 2 * size_t{kSize});
  buffer.Grow(8);
  buffer.Grow(6);
  EXPECT_EQ(buffer.page_count(), 8u);
  EXPECT_EQ(buffer.Find(4), nullptr);
  buffer.Truncate(0);
  EXPECT_TRUE(buffer.pages().empty());
}

TEST(PageBufferTest, PagesAreTakenInOrderUntilOneIsRefused) {
  PageBuffer buffer(kSize, 0);
  for (PageNo pgno : {7u, 1u, 3u, 5u}) Put(&buffer, pgno, 'a');
  std::vector<PageNo> taken;
  const auto take = [&](PageNo pgno, const std::string& page) {
    EXPECT_EQ(page, P('a'));
    if (pgno == 5 && taken.size() == 1) return Status::IOError("refused");
    taken.push_back(pgno);
    return Status::Ok();
  };
  EXPECT_EQ(buffer.TakeAfter(1, take).code(), Code::kIOError);
  EXPECT_EQ(taken, (std::vector<PageNo>{3}));
  EXPECT_EQ(Numbers(buffer), (std::vector<PageNo>{1, 5, 7}));
  taken = {0, 0};
  ASSERT_OK(buffer.TakeAfter(1, take));
  EXPECT_EQ(taken, (std::vector<PageNo>{0, 0, 5, 7}));
  EXPECT_EQ(Numbers(buffer), (std::vector<PageNo>{1}));
  EXPECT_EQ(buffer.page_count(), 7u);
}

}  // namespace
}  // namespace actorkv
