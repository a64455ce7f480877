// Zeros in the middle of a page that a chunk leaves out.

#include "kv/format/zero_gap.h"

#include <gtest/gtest.h>

#include <random>

#include "kv/base/types.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

// Every byte is `fill` but those of [begin, end), which are zeros.
std::string PageWithGap(size_t page_size, size_t begin, size_t end) {
  std::string page(page_size, 'x');
  page.replace(begin, end - begin, end - begin, '\0');
  return page;
}

TEST(ZeroGapTest, FindsRunsOfAQuarterOfThePage) {
  struct Case {
    size_t begin;
    size_t end;
    bool found;
  };
  const Case cases[] = {
      {100, 4000, true},   {0, 1024, true},    {3072, 4096, true},
      {1, 1025, true},     {1000, 2024, true}, {1000, 2023, false},
      {3073, 4096, false}, {2047, 3071, true}, {2000, 2000, false},
      {0, 4096, true},     {1023, 2047, true},
  };
  for (const Case& c : cases) {
    const ZeroGap gap = FindZeroGap(PageWithGap(4096, c.begin, c.end));
    EXPECT_EQ(!gap.empty(), c.found) << c.begin << ' ' << c.end;
    if (!c.found) continue;
    EXPECT_EQ(gap.begin, c.begin);
    EXPECT_EQ(gap.end, c.end);
  }
}

TEST(ZeroGapTest, TakesTheLongestRun) {
  std::string page = PageWithGap(4096, 0, 1100);
  page.replace(2000, 1200, 1200, '\0');
  const ZeroGap gap = FindZeroGap(page);
  EXPECT_EQ(gap.begin, 2000u);
  EXPECT_EQ(gap.end, 3200u);
}

TEST(ZeroGapTest, RoundTripOfEveryPageSize) {
  std::mt19937_64 generator(TestSeed());
  for (uint32_t size = kMinPageSize; size <= kMaxPageSize; size *= 2) {
    for (int i = 0; i < 50; ++i) {
      const size_t begin = generator() % (size - size / 4);
      const size_t end =
          begin + size / 4 + generator() % (size - size / 4 - begin);
      const std::string page = PageWithGap(size, begin, end);
      const ZeroGap gap = FindZeroGap(page);
      ASSERT_FALSE(gap.empty());
      const std::string payload = EncodeWithoutGap(page, gap);
      EXPECT_EQ(payload.size(), 8 + size - gap.size_bytes());
      EXPECT_EQ(PageBytesOf(payload), size);
      std::string read(size, 'y');
      ASSERT_TRUE(DecodeWithoutGap(payload, size, read.data()));
      EXPECT_EQ(read, page);
    }
  }
}

TEST(ZeroGapTest, FrozenBytes) {
  std::string page = PageWithGap(512, 2, 509);
  page[0] = 'a';
  const std::string payload = EncodeWithoutGap(page, FindZeroGap(page));
  EXPECT_EQ(payload, std::string("\2\0\0\0\xfb\1\0\0axxxx", 13));
}

TEST(ZeroGapTest, PayloadsOfNoPageAreRefused) {
  std::string page(512, 'k');
  const std::string kept = page;
  const std::string gap("\xfe\1\0\0", 4);  // 510
  for (const std::string& payload :
       {std::string(), std::string("\0\0\0\0\0\2\0", 7),
        std::string("\3\0\0\0", 4) + gap + "ab",
        std::string("\1\0\0\0", 4) + gap + "abc",
        std::string("\1\0\0\0", 4) + "\xff\xff\xff\xff" + "ab",
        std::string(8, '\0') + std::string(513, 'x')}) {
    EXPECT_FALSE(DecodeWithoutGap(payload, 512, page.data()));
  }
  EXPECT_EQ(page, kept);
}

}  // namespace
}  // namespace actorkv
