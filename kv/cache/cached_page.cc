#include "kv/cache/cached_page.h"

#include <cstring>
#include <new>

#include "kv/base/page_memory.h"

namespace actorkv {

namespace {

// The bytes behind a page: SQLite may read so far past the end of a damaged
// one.
constexpr size_t kSlackBytes = 16;

size_t WholeBytes(size_t page_bytes) {
  return sizeof(CachedPage) + page_bytes + kSlackBytes;
}

}  // namespace

PagePin CachedPage::Make(const PageIdentity& identity, std::string_view page,
                         const StoredForm& form) {
  void* memory = AllocatePage(WholeBytes(page.size()));
  auto* made = new (memory)
      CachedPage(identity, static_cast<uint32_t>(page.size()), form);
  char* bytes = static_cast<char*>(memory) + sizeof(CachedPage);
  std::memcpy(bytes, page.data(), page.size());
  std::memset(bytes + page.size(), 0, kSlackBytes);
  return PagePin(made);
}

size_t CachedPage::memory_bytes() const {
  return PageMemoryBytes(WholeBytes(page_bytes_));
}

void CachedPage::Destroy(const CachedPage* page) {
  const size_t bytes = WholeBytes(page->page_bytes_);
  page->~CachedPage();
  FreePage(const_cast<CachedPage*>(page), bytes);
}

}  // namespace actorkv
