#include "kv/cached_page.h"

#include <cstring>
#include <new>

namespace actorkv {

namespace {

// SQLite may read this far past the end of a damaged page.
constexpr size_t kSlackBytes = 16;

// The allocator keeps a word in front of each piece and rounds up (glibc
// malloc(3), on 64-bit machines).
constexpr size_t kAllocatorWordBytes = 8;
constexpr size_t kAllocatorUnitBytes = 16;

}  // namespace

PagePin CachedPage::Make(TxId txid, uint64_t page_hash, std::string_view page) {
  void* memory = ::operator new(sizeof(CachedPage) + page.size() + kSlackBytes);
  auto* made = new (memory)
      CachedPage(txid, page_hash, static_cast<uint32_t>(page.size()));
  char* bytes = static_cast<char*>(memory) + sizeof(CachedPage);
  std::memcpy(bytes, page.data(), page.size());
  std::memset(bytes + page.size(), 0, kSlackBytes);
  return PagePin(made);
}

size_t CachedPage::memory_bytes() const {
  const size_t used =
      sizeof(CachedPage) + page_bytes_ + kSlackBytes + kAllocatorWordBytes;
  return (used + kAllocatorUnitBytes - 1) / kAllocatorUnitBytes *
         kAllocatorUnitBytes;
}

void CachedPage::Destroy(const CachedPage* page) {
  page->~CachedPage();
  ::operator delete(const_cast<CachedPage*>(page));
}

}  // namespace actorkv
