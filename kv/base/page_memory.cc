#include "kv/base/page_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>

#include "kv/base/whole_mutex.h"

namespace actorkv {

namespace {

constexpr size_t kBlockBytes = size_t{2} << 20;
constexpr std::align_val_t kBlockAlignment{kBlockBytes};
constexpr size_t kUnitBytes = 64;  // a cache line
// The number of blocks before huge pages are asked for, besides the first of
// each class.
constexpr size_t kSmallBlocks = 8;
// The number of blocks that are kept without a page in them.
constexpr size_t kMaxSpareBlocks = kMaxSpareBytes / kBlockBytes;
// The largest slot: a page of 64 KiB with what is kept beside it.
constexpr size_t kMaxSlotBytes = size_t{66} << 10;
constexpr size_t kClasses = kMaxSlotBytes / kUnitBytes + 1;

// Under a sanitizer every page is a piece of memory of its own, so that it sees
// a use after the end.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kBlocks = false;
#else
constexpr bool kBlocks = true;
#endif

struct FreeSlot {
  FreeSlot* next;
};

// Block: lies at the start of each block.
struct Block {
  Block* next;  // with free slots of the same class
  Block* previous;
  FreeSlot* freed;
  uint32_t unused_at;  // slots from this offset on were never given out
  uint32_t used_count;
  uint32_t slot_bytes;
  bool mapped;  // else it is the allocator's
};
static_assert(sizeof(Block) <= kUnitBytes, "a block's first slot follows it");

Block* BlockOf(void* memory) {
  return reinterpret_cast<Block*>(reinterpret_cast<uintptr_t>(memory) &
                                  ~(kBlockBytes - 1));
}

// Maps a block; null when the system has no room.
void* MapBlock(bool huge) {
  // Twice the size always has an aligned block in it; the rest is given back.
  void* mapped = mmap(nullptr, 2 * kBlockBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  char* const begin = static_cast<char*>(mapped);
  char* const block = reinterpret_cast<char*>(
      (reinterpret_cast<uintptr_t>(begin) + kBlockBytes - 1) &
      ~(kBlockBytes - 1));
  const auto before = static_cast<size_t>(block - begin);
  if (before > 0) munmap(begin, before);
  munmap(block + kBlockBytes, kBlockBytes - before);
  // The answer does not matter: without huge pages it works as well.
  if (huge) static_cast<void>(madvise(block, kBlockBytes, MADV_HUGEPAGE));
  return block;
}

Block* NewBlock(void* spare, size_t slot_bytes, bool huge) {
  void* memory = spare != nullptr ? spare : MapBlock(huge);
  const bool mapped = memory != nullptr;
  // The allocator may have something left where the system has not; else it
  // throws.
  if (!mapped) memory = ::operator new(kBlockBytes, kBlockAlignment);
  auto* block = new (memory) Block{};
  block->unused_at = kUnitBytes;
  block->slot_bytes = static_cast<uint32_t>(slot_bytes);
  block->mapped = mapped;
  return block;
}

void DeleteBlock(Block* block) {
  if (block->mapped) {
    munmap(block, kBlockBytes);
  } else {
    ::operator delete(block, kBlockAlignment);
  }
}

class PageMemory {
 public:
  static PageMemory* Instance() {
    // Never destroyed: pages are freed while static objects are.
    static auto* const memory = new PageMemory;
    return memory;
  }

  void* Allocate(size_t slot_bytes) {
    std::lock_guard<WholeMutex> lock(mutex_);
    Block*& first = with_room_[slot_bytes / kUnitBytes];
    if (first == nullptr) first = AddBlock(slot_bytes);
    Block* block = first;
    if (block == empty_) empty_ = nullptr;
    ++block->used_count;
    void* slot = block->freed;
    if (slot != nullptr) {
      block->freed = block->freed->next;
    } else {
      slot = reinterpret_cast<char*>(block) + block->unused_at;
      block->unused_at += static_cast<uint32_t>(slot_bytes);
    }
    // Full blocks are in no list, so the first of a list always has a slot.
    if (!HasRoom(*block, slot_bytes)) Unlink(block, &first);
    return slot;
  }

  void Free(void* memory, size_t slot_bytes) {
    Block* block = BlockOf(memory);
    std::lock_guard<WholeMutex> lock(mutex_);
    Block*& first = with_room_[slot_bytes / kUnitBytes];
    const bool had_room = HasRoom(*block, slot_bytes);
    block->freed = new (memory) FreeSlot{block->freed};
    if (!had_room) Link(block, &first);
    if (--block->used_count > 0) return;
    // The one that was emptied last stays, so that a page that comes and goes
    // does not map it each time.
    Block* const former = std::exchange(empty_, block);
    if (former != nullptr) RemoveBlock(former);
  }

  void KeepSpares(size_t bytes) {
    std::lock_guard<WholeMutex> lock(mutex_);
    spare_limit_ = std::min(bytes / kBlockBytes, kMaxSpareBlocks);
    while (spare_count_ > spare_limit_) munmap(TakeSpare(), kBlockBytes);
  }

  size_t block_bytes() {
    std::lock_guard<WholeMutex> lock(mutex_);
    return block_count_ * kBlockBytes;
  }
  size_t spare_bytes() {
    std::lock_guard<WholeMutex> lock(mutex_);
    return spare_count_ * kBlockBytes;
  }

 private:
  // A class of few slots takes what it uses of its first block, and no huge
  // page: there are some 90 classes of RocksDB's blocks.
  Block* AddBlock(size_t slot_bytes) {
    uint32_t& count = counts_[slot_bytes / kUnitBytes];
    Block* const block = NewBlock(TakeSpare(), slot_bytes,
                                  count > 0 && block_count_ >= kSmallBlocks);
    ++count;
    ++block_count_;
    return block;
  }

  // REQUIRES: no slot of it is used.
  void RemoveBlock(Block* block) {
    const size_t index = block->slot_bytes / kUnitBytes;
    Unlink(block, &with_room_[index]);
    --counts_[index];
    --block_count_;
    if (!Spare(block)) DeleteBlock(block);
  }

  // Keeps a block for the next; false where it cannot be kept. Its bytes may
  // turn into zeros.
  bool Spare(Block* block) {
    if (!block->mapped || spare_count_ >= spare_limit_ ||
        madvise(block, kBlockBytes, MADV_FREE) != 0) {
      return false;
    }
    spare_[spare_count_++] = block;
    return true;
  }

  void* TakeSpare() {
    return spare_count_ == 0 ? nullptr : spare_[--spare_count_];
  }

  static bool HasRoom(const Block& block, size_t slot_bytes) {
    return block.freed != nullptr ||
           block.unused_at + slot_bytes <= kBlockBytes;
  }

  static void Link(Block* block, Block** first) {
    block->previous = nullptr;
    block->next = *first;
    if (*first != nullptr) (*first)->previous = block;
    *first = block;
  }

  static void Unlink(Block* block, Block** first) {
    (block->previous == nullptr ? *first : block->previous->next) = block->next;
    if (block->next != nullptr) block->next->previous = block->previous;
  }

  WholeMutex mutex_;  // a child of fork() frees pages of its parent
  std::array<Block*, kClasses> with_room_{};  // by slot size in units
  std::array<uint32_t, kClasses> counts_{};   // of blocks, likewise
  size_t block_count_ = 0;                    // of all classes
  Block* empty_ = nullptr;  // has no page, and is among those with room
  std::array<void*, kMaxSpareBlocks> spare_{};
  size_t spare_count_ = 0;
  size_t spare_limit_ = kMaxSpareBlocks;
};

}  // namespace

size_t PageMemoryBytes(size_t size) {
  return (size + kUnitBytes - 1) / kUnitBytes * kUnitBytes;
}

void* AllocatePage(size_t size) {
  const size_t slot_bytes = PageMemoryBytes(size);
  if (!kBlocks || slot_bytes > kMaxSlotBytes) return ::operator new(size);
  return PageMemory::Instance()->Allocate(slot_bytes);
}

void FreePage(void* memory, size_t size) {
  const size_t slot_bytes = PageMemoryBytes(size);
  if (!kBlocks || slot_bytes > kMaxSlotBytes) return ::operator delete(memory);
  PageMemory::Instance()->Free(memory, slot_bytes);
}

void KeepSpareMemory(size_t bytes) {
  PageMemory::Instance()->KeepSpares(bytes);
}

size_t PageMemorySpareBytes() { return PageMemory::Instance()->spare_bytes(); }

size_t PageMemoryBlockBytes() { return PageMemory::Instance()->block_bytes(); }

}  // namespace actorkv
