// SpareMemory: memory put aside for RocksDB, whose code does not stand an
// allocation that fails: its threads and destructors end the process, and a
// database that an exception passed through has to be given up
// (kv/rocksdb/rocksdb_fence.h).
//
// Where operator new finds no memory inside of it (SpareMemory::Use), what was
// put aside goes back to the allocator, and it tries again. It is put aside
// anew before RocksDB is called next; where that cannot be, it is not called.
//
// This is the handler of the process for memory that runs out
// (std::set_new_handler). Outside of RocksDB it does what the one before it
// did.
//
// Thread-safe.

#ifndef ACTORKV_KV_ROCKSDB_SPARE_MEMORY_H_
#define ACTORKV_KV_ROCKSDB_SPARE_MEMORY_H_

#include <cstddef>

namespace actorkv {

class SpareMemory {
 public:
  // The size in bytes of address space; no page of it is touched. Any one call
  // takes far less.
  static constexpr size_t kBytes = size_t{8} << 20;

  // Sets the handler at the first call; does nothing afterwards.
  static void Install() noexcept;

  // Puts memory aside where there is none. False: there is no memory for it.
  static bool Fill() noexcept;

  // While it lives, this thread is in RocksDB. May be nested.
  class Use {
   public:
    Use() noexcept;
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
  };

  // The number of times that it was given up so far.
  static size_t spent_count();
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_SPARE_MEMORY_H_
