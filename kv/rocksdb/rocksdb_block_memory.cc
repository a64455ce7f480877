#include "kv/rocksdb/rocksdb_block_memory.h"

#include <cstddef>
#include <new>

#include "kv/base/page_memory.h"

namespace actorkv {
namespace {

// The bytes before each block, which hold the size of both: Deallocate() is not
// told it.
constexpr size_t kHeaderBytes = alignof(std::max_align_t);
static_assert(kHeaderBytes >= sizeof(size_t));

// Rounds sizes up, by an eighth at most, so that blocks of any size share
// slots.
size_t SlotBytes(size_t size) {
  const size_t bytes = size + kHeaderBytes;
  size_t step = kHeaderBytes;
  while (step * 16 <= bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

class BlockMemory : public rocksdb::MemoryAllocator {
 public:
  const char* Name() const override { return "actorkv.BlockMemory"; }

  void* Allocate(size_t size) override {
    const size_t slot_bytes = SlotBytes(size);
    auto* const slot = static_cast<char*>(AllocatePage(slot_bytes));
    new (slot) size_t(slot_bytes);
    return slot + kHeaderBytes;
  }

  void Deallocate(void* block) override {
    FreePage(SlotOf(block), SlotBytesOf(block));
  }

  // The cache asks for it, as it counts what it holds.
  size_t UsableSize(void* block, size_t /*size*/) const override {
    return SlotBytesOf(block) - kHeaderBytes;
  }

 private:
  static char* SlotOf(void* block) {
    return static_cast<char*>(block) - kHeaderBytes;
  }
  static size_t SlotBytesOf(void* block) {
    return *reinterpret_cast<size_t*>(SlotOf(block));
  }
};

}  // namespace

std::shared_ptr<rocksdb::MemoryAllocator> NewBlockMemory() {
  return std::make_shared<BlockMemory>();
}

}  // namespace actorkv
