// PageBuffer: the pages that a transaction wrote and keeps in memory, and the
// size of the database as it sees it.
//
// Invariants:
//  1. Every page in it is inside the database, and none is the lock page.
//  2. Pages are in the order of their numbers: they go into a batch or a stage
//     as the engine sorts them.
//
// It does not bound itself: whoever puts pages into it looks at memory_bytes().
// Belongs to one thread at a time.

#ifndef ACTORKV_KV_PAGES_PAGE_BUFFER_H_
#define ACTORKV_KV_PAGES_PAGE_BUFFER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "kv/base/status.h"
#include "kv/base/types.h"

namespace actorkv {

class PageBuffer {
 public:
  // A database of so many pages, none of which is in memory.
  PageBuffer(uint32_t page_size, uint32_t page_count)
      : page_size_(page_size), page_count_(page_count) {}

  uint32_t page_size() const { return page_size_; }
  uint32_t page_count() const { return page_count_; }

  // Bytes of the pages in memory.
  size_t memory_bytes() const { return pages_.size() * page_size_; }

  // Keeps a copy of the page, page_size() bytes, instead of what was written
  // under this number before. Grows the database when pgno is past its end. The
  // lock page counts for that, and is not kept. REQUIRES: pgno > 0.
  void Put(PageNo pgno, const char* page);

  // The page, until it is put again or goes; null: it is not in memory.
  const std::string* Find(PageNo pgno) const {
    const auto it = pages_.find(pgno);
    return it == pages_.end() ? nullptr : &it->second;
  }

  // All of them.
  const std::map<PageNo, std::string>& pages() const { return pages_; }

  // The database has at least so many pages.
  void Grow(uint32_t page_count) {
    page_count_ = std::max(page_count_, page_count);
  }

  // The database has so many pages; those behind leave the memory.
  void Truncate(uint32_t page_count);

  // Hands the pages behind `pgno` to `take(pgno, page)`, which returns a
  // Status, in order. A page leaves the memory when it was taken. Errors: that
  // of `take`, with which it ends.
  template <typename Take>
  Status TakeAfter(PageNo pgno, const Take& take);

 private:
  const uint32_t page_size_;
  uint32_t page_count_;
  std::map<PageNo, std::string> pages_;
};

template <typename Take>
Status PageBuffer::TakeAfter(PageNo pgno, const Take& take) {
  for (auto it = pages_.upper_bound(pgno); it != pages_.end();) {
    if (Status s = take(it->first, it->second); !s.ok()) return s;
    it = pages_.erase(it);
  }
  return Status::Ok();
}

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_PAGE_BUFFER_H_
