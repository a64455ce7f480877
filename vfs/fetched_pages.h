// FetchedPages: the pages that SQLite reads in place.
//
// With PRAGMA mmap_size above 0 the pager asks for pointers to pages (xFetch)
// instead of copies. They point into versions of pages in the page cache,
// which never change; each is kept alive until SQLite gives it back (xUnfetch),
// also when the cache drops it. SQLite may read some bytes past the end of a
// damaged page: there is slack behind each (kv/page_cache.h).
//
// Belongs to one thread at a time.

#ifndef ACTORKV_VFS_FETCHED_PAGES_H_
#define ACTORKV_VFS_FETCHED_PAGES_H_

#include <unordered_map>

#include "kv/page_cache.h"
#include "vfs/sqlite_api.h"

namespace actorkv {

class FetchedPages {
 public:
  // SQLITE_FCNTL_MMAP_SIZE: *size becomes the present limit, in bytes; one
  // that was not negative is the new limit. Nothing is mapped, so any above 0
  // means the same: pages are read in place.
  void Limit(sqlite3_int64* size);

  bool enabled() const { return limit_bytes_ > 0; }

  // Keeps the page until Drop(). The pointer is to its first byte.
  const void* Keep(PagePin page);
  void Drop(const void* page);

 private:
  sqlite3_int64 limit_bytes_ = 0;
  // A page may be fetched twice before it is dropped once.
  std::unordered_multimap<const void*, PagePin> pages_;
};

}  // namespace actorkv

#endif  // ACTORKV_VFS_FETCHED_PAGES_H_
