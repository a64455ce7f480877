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
//  3. All are dropped before a database is closed (kv/rocksdb_handle.h).
//
// Thread-safe.

#ifndef ACTORKV_KV_ROCKSDB_ITERATORS_H_
#define ACTORKV_KV_ROCKSDB_ITERATORS_H_

#include <rocksdb/iterator.h>
#include <rocksdb/listener.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace actorkv {

enum class IteratorKind : size_t { kDefault = 0, kChunks = 1, kPage = 2 };

struct IteratorSlot {
  std::unique_ptr<rocksdb::Iterator> iterator;
  uint64_t session = 0;      // the reader's, when it was last used
  uint64_t write_count = 0;  // the handle's, before it was made or refreshed
};

struct IteratorSet {
  std::array<IteratorSlot, 3> slots;  // by IteratorKind
  uint64_t generation = 0;            // the pool's, when it was taken
};

class IteratorPool {
 public:
  static constexpr size_t kMaxIdleSets = 64;

  // A set that was given back, else an empty one. Its sessions are 0.
  IteratorSet Take();

  // Takes the iterators out of `set`; drops them where there is no room.
  // REQUIRES: the database is open and stays so during the call.
  void GiveBack(IteratorSet* set);

  void Clear();

  // For the options of the database: clears the pool after each flush and
  // compaction. The pool must outlive the database.
  std::shared_ptr<rocksdb::EventListener> NewListener();

 private:
  std::mutex mutex_;
  uint64_t generation_ = 0;  // rises with each Clear()
  std::vector<IteratorSet> idle_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ITERATORS_H_
