// IteratorSet: the iterators of one reader. IteratorPool: sets that no reader
// has now, kept for the next one, because making an iterator costs as much as
// two reads of a page with it.
//
// An iterator keeps alive the write buffers and files that it was made from.
// So that this does not cost memory and disk:
//
//  1. Never more than kMaxIdleSets are kept.
//  2. All are dropped when a flush or a compaction was done (the listener),
//     that is, as soon as they keep something alive that is not in use; sets
//     that were out at that moment are dropped when they come back.
//  3. All are dropped before a database is closed, and left as they are when it
//     is given up (kv/rocksdb/rocksdb_handle.h).
//
// Giving back and dropping allocate nothing. Thread-safe.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_ITERATORS_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_ITERATORS_H_

#include <rocksdb/iterator.h>
#include <rocksdb/listener.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "kv/rocksdb/spare_memory.h"

namespace actorkv {

enum class IteratorKind : size_t { kDefault = 0, kChunks = 1, kPage = 2 };

// EndIterator: ends an iterator. The last one of files that are obsolete notes
// them, in destructors, which do not stand a failing allocation.
struct EndIterator {
  void operator()(rocksdb::Iterator* iterator) const {
    const SpareMemory::Use use;
    delete iterator;
  }
};
using OwnedIterator = std::unique_ptr<rocksdb::Iterator, EndIterator>;

struct IteratorSlot {
  OwnedIterator iterator;
  uint64_t session = 0;      // the reader's, when it was last used
  uint64_t write_count = 0;  // the handle's, before it was made or refreshed
};

struct IteratorSet {
  std::array<IteratorSlot, 3> slots;  // by IteratorKind
  uint64_t generation = 0;            // the pool's, when it was taken

  // Lets go of the iterators without ending them: of a database that was given
  // up, they may wait for a lock that nobody gives back.
  void Leave() noexcept;
};

class IteratorPool {
 public:
  static constexpr size_t kMaxIdleSets = 64;

  IteratorPool() { idle_.reserve(kMaxIdleSets); }

  // Returns a set that was given back, else an empty one. Its sessions are 0.
  IteratorSet Take() noexcept;

  // Takes the iterators out of `set`; drops them where there is no room.
  // REQUIRES: the database is open and stays so during the call.
  void GiveBack(IteratorSet* set) noexcept;

  void Clear() noexcept;

  // Empties the pool like Clear(), but the iterators are left as they are.
  void Leave() noexcept;

  // Returns a listener for the options of a database, which clears the pool
  // after each flush and compaction.
  static std::shared_ptr<rocksdb::EventListener> NewListener(
      std::shared_ptr<IteratorPool> pool);

 private:
  std::mutex mutex_;
  uint64_t generation_ = 0;  // rises with each Clear()
  std::vector<IteratorSet> idle_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_ITERATORS_H_
