// BlockMemory: memory for the blocks in RocksDB's cache, taken from where
// cached pages have theirs (kv/base/page_memory.h). A block that is read into
// memory which the process never used costs a fault of the system for each 4
// KiB of it, more than the read itself; and a search in blocks all over the
// cache misses the processor's table of addresses.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_BLOCK_MEMORY_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_BLOCK_MEMORY_H_

#include <rocksdb/memory_allocator.h>

#include <memory>

namespace actorkv {

// Thread-safe, for any number of caches.
std::shared_ptr<rocksdb::MemoryAllocator> NewBlockMemory();

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_BLOCK_MEMORY_H_
