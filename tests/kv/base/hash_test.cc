// The hash is part of the format: its values never change, on any processor.

#include "kv/base/hash.h"

#include <gtest/gtest.h>

#include <string>

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

TEST(HashTest, EveryWayGivesTheSame) {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2")) GTEST_SKIP() << "no AVX2 here";
  for (size_t size = 0; size <= 9000; size += size < 300 ? 1 : 61) {
    const std::string text = Text(size);
    for (const uint64_t seed : {uint64_t{0}, uint64_t{12}, ~uint64_t{0}}) {
      EXPECT_EQ(internal::Hash64Avx2(text.data(), size, seed),
                internal::Hash64Portable(text.data(), size, seed))
          << size << " seed " << seed;
    }
  }
#else
  GTEST_SKIP() << "there is one way only";
#endif
}

}  // namespace
}  // namespace actorkv
