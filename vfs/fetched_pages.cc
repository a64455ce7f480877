#include "vfs/fetched_pages.h"

#include <utility>

namespace actorkv {

void FetchedPages::Limit(sqlite3_int64* size) {
  const sqlite3_int64 before = limit_bytes_;
  if (*size >= 0) limit_bytes_ = *size;
  *size = before;
}

const void* FetchedPages::Keep(PagePin page) {
  const void* const bytes = page->page().data();
  pages_.emplace(bytes, std::move(page));
  return bytes;
}

void FetchedPages::Drop(const void* page) {
  const auto found = pages_.find(page);
  if (found != pages_.end()) pages_.erase(found);
}

}  // namespace actorkv
