// Memory for cached pages, in blocks of 2 MiB.
//
// A random read of a page misses the processor's table of addresses (TLB) more
// often than its caches, so blocks are huge pages of the system where it has
// them. The first few are not: a process with little in its cache takes what it
// uses, and does not wait for 2 MiB of zeros. A block goes back to the system
// when its last page is free.
//
// Thread-safe.

#ifndef ACTORKV_KV_PAGE_MEMORY_H_
#define ACTORKV_KV_PAGE_MEMORY_H_

#include <cstddef>

namespace actorkv {

// What AllocatePage(size) really takes, in bytes, but for its share of a block
// that is not full.
size_t PageMemoryBytes(size_t size);

// `size` bytes, aligned to a cache line. Throws std::bad_alloc.
void* AllocatePage(size_t size);

// REQUIRES: `memory` is of AllocatePage(size).
void FreePage(void* memory, size_t size);

// All blocks together, now.
size_t PageMemoryBlockBytes();

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGE_MEMORY_H_
