// FetchedPages: the pages that SQLite reads in place.
//
// With PRAGMA mmap_size above 0 the pager asks for pointers to pages (xFetch)
// instead of copies. They point into versions of pages in the page cache,
// which never change; each is kept alive until SQLite gives it back (xUnfetch),
// also when the cache drops it. SQLite may read some bytes past the end of a
// damaged page: there is slack behind each (kv/cache/cached_page.h).
//
// The pager asks for the root and the inner pages of a tree again and again. So
// up to kSlots pages stay when they were given back, for as long as the
// connection reads the same snapshot; then they cost no lock.
//
// Belongs to one thread at a time.

#ifndef ACTORKV_VFS_ACTOR_FETCHED_PAGES_H_
#define ACTORKV_VFS_ACTOR_FETCHED_PAGES_H_

#include <unordered_map>
#include <vector>

#include "kv/cache/page_cache.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

class FetchedPages {
 public:
  // SQLITE_FCNTL_MMAP_SIZE: *size becomes the present limit, in bytes; one
  // that was not negative is the new limit. Nothing is mapped, so any above 0
  // means the same: pages are read in place.
  void Limit(sqlite3_int64* size);

  bool enabled() const { return limit_bytes_ > 0; }

  // Tells that another snapshot is read from here on.
  void Forget() { ++generation_; }

  // Returns the page at this offset when it is still here, else null. It is to
  // be dropped like one that was kept.
  const void* Again(sqlite3_int64 offset);

  // Keeps the page at `offset` until Drop(). The pointer is to its first byte.
  const void* Keep(sqlite3_int64 offset, PagePin page);
  void Drop(sqlite3_int64 offset, const void* page);

 private:
  // Pairs of slots; a page has one of two.
  static constexpr size_t kSlots = 256;

  struct Slot {
    PagePin page;
    sqlite3_int64 offset = 0;
    uint32_t generation = 0;
    uint32_t use_count = 0;  // until it is given back
  };

  // The pair of this offset: first the page that was asked for again.
  Slot* PairOf(sqlite3_int64 offset);

  sqlite3_int64 limit_bytes_ = 0;
  uint32_t generation_ = 0;
  std::vector<Slot> slots_;  // none until the first page
  // The pages that found both their slots in use. One may be here twice.
  std::unordered_multimap<const void*, PagePin> others_;
};

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_FETCHED_PAGES_H_
