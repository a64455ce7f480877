// Memory for RocksDB's blocks: each whole, apart from others, and counted.

#include "kv/rocksdb_block_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

TEST(RocksDbBlockMemoryTest, BlocksDoNotOverlap) {
  struct Piece {
    unsigned char* bytes;
    size_t size;
    unsigned char mark;
  };
  const std::shared_ptr<rocksdb::MemoryAllocator> memory = NewBlockMemory();
  std::mt19937_64 rng(TestSeed());
  std::vector<Piece> pieces;
  const auto free_one = [&](size_t index) {
    const Piece piece = pieces[index];
    for (size_t i : {size_t{0}, piece.size / 2, piece.size - 1}) {
      ASSERT_EQ(piece.bytes[i], piece.mark);
    }
    memory->Deallocate(piece.bytes);
    pieces[index] = pieces.back();
    pieces.pop_back();
  };
  for (int step = 0; step < 20000; ++step) {
    if (pieces.size() > 500 || (!pieces.empty() && rng() % 5 < 2)) {
      free_one(rng() % pieces.size());
      continue;
    }
    Piece piece;
    // Indexes and filters of a few bytes or of megabytes, and data between.
    piece.size = 1 + rng() % (rng() % 50 == 0 ? size_t{2} << 20 : 20000);
    piece.mark = static_cast<unsigned char>(rng());
    piece.bytes = static_cast<unsigned char*>(memory->Allocate(piece.size));
    ASSERT_EQ(reinterpret_cast<uintptr_t>(piece.bytes) % 16, 0U);
    std::memset(piece.bytes, piece.mark, piece.size);
    pieces.push_back(piece);
  }
  while (!pieces.empty()) free_one(pieces.size() - 1);
}

TEST(RocksDbBlockMemoryTest, CountsWhatItTakes) {
  const std::shared_ptr<rocksdb::MemoryAllocator> memory = NewBlockMemory();
  for (size_t size = 1; size < 200000; size = size * 5 / 4 + 1) {
    void* const block = memory->Allocate(size);
    const size_t usable = memory->UsableSize(block, size);
    EXPECT_GE(usable, size);
    EXPECT_LE(usable, size + size / 8 + 32);
    std::memset(block, 1, usable);
    memory->Deallocate(block);
  }
}

}  // namespace
}  // namespace actorkv
