// Memory of cached pages: pieces of blocks that come and go.

#include "kv/base/page_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "tests/support/piece_checks.h"

namespace actorkv {
namespace {

TEST(PageMemoryTest, RoundsUpToCacheLines) {
  EXPECT_EQ(PageMemoryBytes(1), 64u);
  EXPECT_EQ(PageMemoryBytes(64), 64u);
  EXPECT_EQ(PageMemoryBytes(4096 + 88), 4224u);
}

TEST(PageMemoryTest, PiecesDoNotOverlap) {
  constexpr size_t kSizes[] = {600, 4200, 65632, 100000};
  constexpr size_t kNoLimit = SIZE_MAX;
  std::mt19937_64 next(5);
  ExpectPiecesDoNotOverlap({AllocatePage, FreePage}, kNoLimit, &next, [&] {
    return kSizes[next() % 16 == 0 ? 2 + next() % 2 : next() % 2];
  });
}

TEST(PageMemoryTest, GivesBlocksBack) {
  constexpr size_t kBytes = 8192;
  constexpr size_t kCount = 4000;  // some 16 blocks
  const size_t before = PageMemoryBlockBytes();
  std::vector<void*> pieces;
  for (size_t i = 0; i < kCount; ++i) pieces.push_back(AllocatePage(kBytes));
  for (void* piece : pieces) FreePage(piece, kBytes);
  EXPECT_LE(PageMemoryBlockBytes(), before + (size_t{2} << 20));
}

// Sizes that nobody uses any more cost nothing: a store's blocks have dozens.
TEST(PageMemoryTest, OneBlockStaysWhateverTheSizes) {
  constexpr size_t kBlockBytes = size_t{2} << 20;
  const size_t before = PageMemoryBlockBytes();
  std::vector<void*> pieces;
  for (size_t size = 64; size <= 65'536; size += 2048) {
    pieces.push_back(AllocatePage(size));
  }
  size_t size = 64;
  for (void* piece : pieces) {
    FreePage(piece, size);
    size += 2048;
  }
  EXPECT_LE(PageMemoryBlockBytes(), before + kBlockBytes);
}

// Blocks that were kept serve pages of another size.
TEST(PageMemoryTest, KeptBlocksServeAnySize) {
  for (int round = 0; round < 4; ++round) {
    const size_t size = round % 2 == 0 ? 8192 : 600;
    std::vector<unsigned char*> pieces;
    for (size_t i = 0; i < 6000; ++i) {
      pieces.push_back(static_cast<unsigned char*>(AllocatePage(size)));
      std::memset(pieces.back(), static_cast<int>(i % 251), size);
    }
    for (size_t i = 0; i < pieces.size(); ++i) {
      ASSERT_EQ(pieces[i][0], i % 251);
      ASSERT_EQ(pieces[i][size - 1], i % 251);
      FreePage(pieces[i], size);
    }
  }
}

// Blocks without a page are kept for the next, no more than was said.
TEST(PageMemoryTest, KeepsNoMoreThanItMay) {
  constexpr size_t kBytes = 60'000;
  constexpr size_t kCount = 700;  // some 20 blocks
  constexpr size_t kBlockBytes = size_t{2} << 20;
  const auto come_and_go = [] {
    std::vector<void*> pieces;
    for (size_t i = 0; i < kCount; ++i) pieces.push_back(AllocatePage(kBytes));
    for (void* piece : pieces) FreePage(piece, kBytes);
  };
  KeepSpareMemory(0);
  EXPECT_EQ(PageMemorySpareBytes(), 0u);
  come_and_go();
  EXPECT_EQ(PageMemorySpareBytes(), 0u);
  KeepSpareMemory(4 * kBlockBytes);
  come_and_go();
  EXPECT_LE(PageMemorySpareBytes(), 4 * kBlockBytes);
  KeepSpareMemory(kMaxSpareBytes + 1);
  come_and_go();
  EXPECT_LE(PageMemorySpareBytes(), kMaxSpareBytes);
  KeepSpareMemory(kBlockBytes);
  EXPECT_LE(PageMemorySpareBytes(), kBlockBytes);
  KeepSpareMemory(kMaxSpareBytes);
}

}  // namespace
}  // namespace actorkv
