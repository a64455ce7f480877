// Ranges of bytes as parts of pages: every border, and what lies past the end.

#include "vfs/actor/page_range.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

TEST(PageRangeTest, FirstPartEndsAtThePagesEnd) {
  const struct {
    uint64_t offset;
    uint64_t size;
    PageNo pgno;
    size_t begin;
    size_t part;
  } kCases[] = {
      {0, 512, 1, 0, 512},
      {0, 513, 1, 0, 512},
      {0, 1, 1, 0, 1},
      {511, 2, 1, 511, 1},
      {512, 100, 2, 0, 100},
      {700, 1000, 2, 188, 324},
      {1023, 1, 2, 511, 1},
      {1024, 4096, 3, 0, 512},
      // Past 4 GiB, where the page number still fits.
      {uint64_t{512} * 0xfffffffe, 512, 0xffffffff, 0, 512},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.offset);
    const PagePart part = FirstPart(c.offset, c.size, 512);
    EXPECT_EQ(part.pgno, c.pgno);
    EXPECT_EQ(part.begin, c.begin);
    EXPECT_EQ(part.size, c.part);
  }
}

// Each byte of the file is the number of its page.
Status ReadDigits(const PagePart& part, char* buffer) {
  std::memset(buffer, static_cast<char>('0' + part.pgno), part.size);
  return Status::Ok();
}

TEST(PageRangeTest, PastTheEndAreZeros) {
  const PagedSize file = {12, 4};
  const struct {
    uint64_t offset;
    std::string expected;
    size_t copied;
  } kCases[] = {
      {0, "11112222", 8},
      {3, "12222333", 8},
      {6, std::string("223333\0\0", 8), 6},
      {11, std::string("3\0\0\0\0\0\0\0", 8), 1},
      {12, std::string(8, '\0'), 0},
      {1000, std::string(8, '\0'), 0},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.offset);
    std::string bytes(8, 'x');
    size_t copied = 99;
    ASSERT_OK(
        ReadParts({c.offset, 8, bytes.data()}, file, &copied, ReadDigits));
    EXPECT_EQ(bytes, c.expected);
    EXPECT_EQ(copied, c.copied);
  }
  size_t copied = 99;
  std::string bytes(8, 'x');
  ASSERT_OK(ReadParts({0, 8, bytes.data()}, {0, 0}, &copied, ReadDigits));
  EXPECT_EQ(copied, 0u);
  EXPECT_EQ(bytes, std::string(8, '\0'));
}

TEST(PageRangeTest, AnErrorEndsTheReading) {
  int calls = 0;
  size_t copied = 99;
  char bytes[12];
  const Status s = ReadParts({0, 12, bytes}, {12, 4}, &copied,
                             [&](const PagePart& part, char* buffer) {
                               if (++calls == 2) return Status::IOError("bad");
                               return ReadDigits(part, buffer);
                             });
  EXPECT_TRUE(IsError(s, Code::kIOError, "bad"));
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(copied, 99u);
}

}  // namespace
}  // namespace actorkv
