// Deltas: sets of blocks, payloads of each page size, and what is no delta.

#include "kv/format/page_delta.h"

#include <gtest/gtest.h>

#include "tests/support/bytes.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

std::string RandomPage(uint32_t page_size, uint32_t seed) {
  std::mt19937 prng(seed);
  std::string page(page_size, '\0');
  for (char& byte : page) byte = static_cast<char>(prng());
  return page;
}

StoredForm FormOf(const std::string& base, const std::string& page) {
  StoredForm form;
  form.base = TxId{7};
  form.changed.AddDifferences(base, page);
  return form;
}

TEST(PageDeltaTest, EachByteIsOfItsBlock) {
  for (uint32_t size = kMinPageSize; size <= kMaxPageSize; size *= 2) {
    SCOPED_TRACE(size);
    const std::string base = RandomPage(size, 1);
    EXPECT_EQ(FormOf(base, base).changed.count(), 0u);
    for (uint32_t at = 0; at < size; at += 1 + size / 700) {
      std::string page = base;
      page[at] = static_cast<char>(page[at] ^ 1);
      const PageBlocks changed = FormOf(base, page).changed;
      ASSERT_EQ(changed.count(), 1u) << at;
      ASSERT_TRUE(changed.Has(at / (size / kDeltaBlocks))) << at;
    }
  }
}

TEST(PageDeltaTest, DifferencesAdd) {
  PageBlocks set;
  std::string a(1024, 'a');
  std::string b = a;
  b[0] = 'b';
  b[1023] = 'b';
  set.AddDifferences(a, b);
  a[500] = 'c';
  set.AddDifferences(a, b);
  EXPECT_EQ(set.count(), 3u);
  for (uint32_t block : {0u, 125u, 255u}) EXPECT_TRUE(set.Has(block));
}

TEST(PageDeltaTest, RoundTripOfEachPageSize) {
  for (uint32_t size = kMinPageSize; size <= kMaxPageSize; size *= 2) {
    for (uint32_t changes : {1u, 3u, 64u, 256u, 2000u}) {
      SCOPED_TRACE(testing::Message() << size << " with " << changes);
      const std::string base = RandomPage(size, 1);
      std::string page = base;
      std::mt19937 prng(changes);
      for (uint32_t i = 0; i < changes; ++i) {
        page[prng() % size] = static_cast<char>(prng());
      }
      page[0] = static_cast<char>(base[0] ^ 1);
      const StoredForm form = FormOf(base, page);
      const std::string payload = EncodeDelta(form, page);
      EXPECT_EQ(payload.size(),
                kDeltaHeaderBytes +
                    size_t{form.changed.count()} * (size / kDeltaBlocks));
      DecodedDelta delta;
      ASSERT_TRUE(DecodeDelta(payload, &delta));
      EXPECT_EQ(delta.form.base, TxId{7});
      EXPECT_EQ(delta.page_size, size);
      std::string made = base;
      ApplyDelta(delta, made.data());
      EXPECT_TRUE(made == page);
    }
  }
}

TEST(PageDeltaTest, WhatIsNoDeltaIsRefused) {
  const std::string base(1024, 'a');
  std::string page = base;
  page[9] = 'b';
  page[700] = 'c';
  const std::string payload = EncodeDelta(FormOf(base, page), page);
  DecodedDelta delta;
  EXPECT_TRUE(DecodeDelta(payload, &delta));
  delta = DecodedDelta();
  for (size_t size = 0; size < payload.size(); ++size) {
    // Two blocks of a page of 512 bytes are that, too.
    EXPECT_EQ(DecodeDelta(payload.substr(0, size), &delta),
              size == kDeltaHeaderBytes + 4)
        << size;
  }
  EXPECT_FALSE(DecodeDelta(payload + "x", &delta));
  std::string none = payload;
  none.replace(8, 32, 32, '\0');
  EXPECT_FALSE(DecodeDelta(none, &delta));
  // A third block that is not there.
  std::string more = payload;
  more[8 + 31] = 1;
  EXPECT_FALSE(DecodeDelta(more, &delta));
  // Blocks that are too large, or of no power of two.
  EXPECT_FALSE(DecodeDelta(payload + std::string(4, 'x'), &delta));
  EXPECT_FALSE(DecodeDelta(payload + std::string(2048, 'x'), &delta));
}

}  // namespace
}  // namespace actorkv
