// Lists of pages: frozen bytes, round trips, and that nothing damaged or large
// gets through.

#include "kv/format/page_list.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "tests/support/bytes.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr PageNo kLastPage = std::numeric_limits<PageNo>::max();

std::vector<PageNo> Decoded(std::string_view bytes, PageNo limit) {
  std::vector<PageNo> pages;
  EXPECT_OK(DecodePageList(bytes, limit, &pages));
  return pages;
}

// DO NOT CHANGE THESE STRINGS: commit records hold these bytes.
TEST(PageListTest, GoldenBytes) {
  const struct {
    std::vector<PageNo> pages;
    const char* hex;
  } kCases[] = {
      {{}, ""},
      {{1}, "0001"},
      {{3, 1, 2}, "0003"},
      {{2, 5, 6, 300}, "01010202a50201"},
      {{kLastPage}, "feffffff0f01"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Hex(EncodePageList(c.pages)), c.hex);
  }
}

TEST(PageListTest, RoundTrip) {
  std::mt19937_64 rng(TestSeed());
  for (int i = 0; i < 200; ++i) {
    std::vector<PageNo> pages;
    for (PageNo pgno = 1; pgno < 400; ++pgno) {
      if (rng() % (1 + static_cast<uint64_t>(i) % 20) == 0) {
        pages.push_back(pgno);
      }
    }
    const std::string bytes = EncodePageList(pages);
    EXPECT_EQ(Decoded(bytes, kLastPage), pages);
    while (!pages.empty() && pages.back() > 150) pages.pop_back();
    EXPECT_EQ(Decoded(bytes, 150), pages);
  }
  EXPECT_EQ(EncodePageList(Decoded(EncodePageList({7, 8, 9}), 100)),
            EncodePageList({7, 8, 9}));
}

TEST(PageListTest, ManyPagesInARowAreFewBytesAndBounded) {
  std::vector<PageNo> pages;
  for (PageNo pgno = 1; pgno <= 100'000; ++pgno) pages.push_back(pgno);
  EXPECT_LE(EncodePageList(pages).size(), 4u);
  EXPECT_EQ(Decoded(std::string("\x00\xff\xff\xff\xff\x0f", 6), 3),
            (std::vector<PageNo>{1, 2, 3}));
}

TEST(PageListTest, DamageIsReported) {
  const std::string kBad[] = {
      std::string("\x00", 1),                          // no count
      std::string("\x00\x00", 2),                      // no pages
      std::string("\x80", 1),                          // cut
      std::string("\x01\xff\xff\xff\xff\x0f", 6),      // past the last page
      std::string("\xff\xff\xff\xff\x1f\x01", 6),      // of 33 bits
      std::string("\xff\xff\xff\xff\xff\xff\x01", 7),  // too long
      std::string("\x00\x01\x80", 3),                  // good, then cut
  };
  for (const std::string& bytes : kBad) {
    std::vector<PageNo> pages = {99};
    EXPECT_TRUE(IsError(DecodePageList(bytes, kLastPage, &pages),
                        Code::kCorruption, "list of pages damaged"))
        << Hex(bytes);
    EXPECT_EQ(pages, (std::vector<PageNo>{99}));
  }
}

}  // namespace
}  // namespace actorkv
