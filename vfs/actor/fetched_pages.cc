#include "vfs/actor/fetched_pages.h"

#include <utility>

namespace actorkv {

void FetchedPages::Limit(sqlite3_int64* size) {
  const sqlite3_int64 before = limit_bytes_;
  if (*size >= 0) limit_bytes_ = *size;
  *size = before;
}

FetchedPages::Slot* FetchedPages::PairOf(sqlite3_int64 offset) {
  // Fibonacci hashing: the upper bits of the product choose the pair.
  const uint64_t hash = static_cast<uint64_t>(offset) * 0x9e3779b97f4a7c15;
  return &slots_[(hash >> 57) * 2];
}

const void* FetchedPages::Again(sqlite3_int64 offset) {
  if (slots_.empty()) return nullptr;
  Slot* pair = PairOf(offset);
  for (Slot* slot : {&pair[0], &pair[1]}) {
    if (slot->page == nullptr || slot->offset != offset ||
        slot->generation != generation_) {
      continue;
    }
    ++slot->use_count;
    const void* const bytes = slot->page->page().data();
    // A page that is asked for once does not push out one that is asked for
    // again.
    if (slot == &pair[1]) std::swap(pair[0], pair[1]);
    return bytes;
  }
  return nullptr;
}

const void* FetchedPages::Keep(sqlite3_int64 offset, PagePin page) {
  if (slots_.empty()) slots_.resize(kSlots);
  const void* const bytes = page->page().data();
  Slot* pair = PairOf(offset);
  for (Slot* slot : {&pair[1], &pair[0]}) {
    // SQLite still reads a page that it has not given back.
    if (slot->use_count != 0) continue;
    slot->page = std::move(page);
    slot->offset = offset;
    slot->generation = generation_;
    slot->use_count = 1;
    return bytes;
  }
  // Both slots are in use, and the pager must get what it asked for.
  others_.emplace(bytes, std::move(page));
  return bytes;
}

void FetchedPages::Drop(sqlite3_int64 offset, const void* page) {
  if (slots_.empty()) return;
  Slot* pair = PairOf(offset);
  for (Slot* slot : {&pair[0], &pair[1]}) {
    // The bytes decide, not the offset: the slot may hold the same page of
    // another snapshot.
    if (slot->use_count == 0 || slot->page->page().data() != page) continue;
    --slot->use_count;
    return;
  }
  const auto found = others_.find(page);
  if (found != others_.end()) others_.erase(found);
}

}  // namespace actorkv
