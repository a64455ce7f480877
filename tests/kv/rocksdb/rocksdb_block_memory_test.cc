// Memory for RocksDB's blocks: each whole, apart from others, and counted.

#include "kv/rocksdb/rocksdb_block_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>

#include "kv/rocksdb/rocksdb_engine.h"
#include "kv/rocksdb/rocksdb_options.h"
#include "tests/support/piece_checks.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

TEST(RocksDbBlockMemoryTest, BlocksDoNotOverlap) {
  constexpr size_t kMaxBlocks = 500;
  const std::shared_ptr<rocksdb::MemoryAllocator> memory = NewBlockMemory();
  const PieceAllocator allocator = {
      [&](size_t size) { return memory->Allocate(size); },
      [&](void* block, size_t /*size*/) { memory->Deallocate(block); }};
  std::mt19937_64 rng(TestSeed());
  // Indexes and filters of a few bytes or of megabytes, and data between.
  ExpectPiecesDoNotOverlap(allocator, kMaxBlocks, &rng, [&] {
    return 1 + rng() % (rng() % 50 == 0 ? size_t{2} << 20 : 20000);
  });
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

// The setting of the page cache bounds what is below it as well.
TEST(BlockCacheTest, IsBoundedAsThePageCacheIs) {
  const auto before = NewBlockCache();
  EXPECT_EQ(before->GetCapacity(), kBlockCacheBytes);
  LimitRocksDbCaches(size_t{50} << 20);
  EXPECT_EQ(before->GetCapacity(), size_t{50} << 20);
  EXPECT_EQ(NewBlockCache()->GetCapacity(), size_t{50} << 20);
  LimitRocksDbCaches(1);
  EXPECT_EQ(before->GetCapacity(), kMinBlockCacheBytes);
  LimitRocksDbCaches(size_t{4} << 30);
  EXPECT_EQ(before->GetCapacity(), kBlockCacheBytes);
}

}  // namespace
}  // namespace actorkv
