// Page memory: memory for cached pages, and for the blocks that RocksDB caches
// (kv/rocksdb/rocksdb_block_memory.h), in blocks of 2 MiB.
//
// A random read of a page misses the processor's table of addresses (TLB) more
// often than its caches, so blocks are huge pages of the system where it has
// them. The first few, and the first of each size, are not: a process with
// little in its cache takes what it uses, and does not wait for 2 MiB of zeros.
//
// A block goes back to the system when its last page is free, but for the one
// that was emptied last. A few are kept for the next, because memory that a
// process touches for the first time costs more than what is read into it (0.5
// to 1.5 us for 4 KiB; 9 us in a virtual machine that never used it), but no
// more than KeepSpareMemory() allows. The system may take the memory of those
// when it is short (MADV_FREE).
//
// Thread-safe.

#ifndef ACTORKV_KV_BASE_PAGE_MEMORY_H_
#define ACTORKV_KV_BASE_PAGE_MEMORY_H_

#include <cstddef>

namespace actorkv {

// Returns the bytes that AllocatePage(size) really takes, but for its share of
// a block that is not full.
size_t PageMemoryBytes(size_t size);

// Allocates `size` bytes, aligned to a cache line. Throws std::bad_alloc.
void* AllocatePage(size_t size);

// Frees a page. REQUIRES: `memory` is of AllocatePage(size).
void FreePage(void* memory, size_t size);

// Sets how much is kept for the next pages: `bytes`, and at most
// kMaxSpareBytes, as at first.
inline constexpr size_t kMaxSpareBytes = size_t{128} << 20;
void KeepSpareMemory(size_t bytes);

// These return the bytes of all blocks that have pages, and of those that are
// kept for the next.
size_t PageMemoryBlockBytes();
size_t PageMemorySpareBytes();

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_PAGE_MEMORY_H_
