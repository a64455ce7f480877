#include "kv/pages/page_buffer.h"

namespace actorkv {

void PageBuffer::Put(PageNo pgno, const char* page) {
  Grow(pgno);
  if (pgno == LockPage(page_size_)) return;
  pages_[pgno].assign(page, page_size_);
}

void PageBuffer::Truncate(uint32_t page_count) {
  pages_.erase(pages_.upper_bound(page_count), pages_.end());
  page_count_ = page_count;
}

}  // namespace actorkv
