// The hash is part of the format: its values never change, on any processor.

#include "kv/base/hash.h"

#include <gtest/gtest.h>

#include <string>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace actorkv {
namespace {

std::string Text(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 131 + 7);
  return text;
}

TEST(HashTest, ValuesAreFrozen) {
  EXPECT_EQ(Hash64("", 0), 0x2d06800538d394c2U);
  EXPECT_EQ(Hash64(Text(20), 7), 0x99e9ef3ff0e0e222U);
  EXPECT_EQ(Hash64(Text(4096), 1), 0xac03114feec336beU);
}

// What the library chose for this processor gives what the header's own code
// does, compiled here for the oldest one.
TEST(HashTest, EveryProcessorGivesTheSame) {
  for (size_t size = 0; size <= 9000; size += size < 300 ? 1 : 61) {
    const std::string text = Text(size);
    for (const uint64_t seed : {uint64_t{0}, uint64_t{12}, ~uint64_t{0}}) {
      EXPECT_EQ(Hash64(text, seed),
                XXH3_64bits_withSeed(text.data(), size, seed))
          << size << " seed " << seed;
    }
  }
}

}  // namespace
}  // namespace actorkv
