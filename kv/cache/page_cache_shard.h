// PageCacheShard: a part of the page cache, which decides what to keep.
//
// Two queues, first in, first out (S3-FIFO; Yang et al., SOSP 2023):
//
//   new pages -> young, a tenth of the bytes -> old, the rest
//
// A page that was used again while it was young moves to the old ones; others
// go, and are remembered for a while by a few bits of their hash. A page that
// comes back so soon becomes an old one at once. An old page that was used
// since the queue last came to it stays for another round. So a scan, whose
// pages are used once, passes through the young tenth and pushes out nothing
// that is in use; and a use costs a mark in the page, not a move in a list.
//
// A page that was read ahead of being asked for comes into a queue of its own,
// beside the young, and its first use counts as that of a new page. Before that
// it does not go to make room, unless such pages have more than their share: a
// small part of the cache, which is enough for several scans.
//
// Only its tables are allocated here, and a page that there is no memory for is
// not cached. Not thread-safe: the owner has a lock. No I/O.

#ifndef ACTORKV_KV_CACHE_PAGE_CACHE_SHARD_H_
#define ACTORKV_KV_CACHE_PAGE_CACHE_SHARD_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kv/base/types.h"
#include "kv/cache/cached_page.h"

namespace actorkv {

uint64_t HashPageKey(const PageKey& key);

struct PageCacheCounts {
  uint64_t looks = 0;  // for a page, or whether it is there
  uint64_t hits = 0;
  uint64_t misses = 0;  // pages that were read because they were asked for
  uint64_t evicted = 0;
  uint64_t ahead_used = 0;    // read ahead, then asked for
  uint64_t ahead_wasted = 0;  // read ahead, and gone before anyone asked
  uint64_t hinted_used = 0;   // preloaded, then asked for
  uint64_t size_bytes = 0;    // pages, entries and tables, at present

  void Add(const PageCacheCounts& other);
};

class PageCacheShard {
 public:
  // Finds a page; null when there is none. `hash` is HashPageKey(key).
  const CachedPage* Find(const PageKey& key, uint64_t hash);

  // The entry of a page that is here. The caller may change `last` and
  // `is_hinted`.
  static CacheEntry* EntryOf(const CachedPage& page) { return &page.entry_; }

  // Tells that the page was asked for.
  void Use(const CachedPage& page);

  // Adds a page under a key that is not there. It is in no other cache.
  // `ahead`: nobody asked for it yet. False where there is no memory for its
  // place: then it is not added.
  bool Add(const PageKey& key, uint64_t hash, PagePin page,
           bool ahead) noexcept;

  // Puts `page` in the place of `old`, which is here.
  void Replace(const CachedPage& old, PagePin page, bool ahead);

  // Drops pages until no more than `limit_bytes` are taken, or one is left.
  void Shrink(size_t limit_bytes);

  // Drops all pages of a store.
  void DropStore(uint64_t store) noexcept;

  PageCacheCounts counts() const;
  void CountLook() { ++counts_.looks; }
  void CountMiss() { ++counts_.misses; }

 private:
  static constexpr uint8_t kMaxUses = 3;

  struct Queue {
    const CachedPage* newest = nullptr;
    const CachedPage* oldest = nullptr;
    size_t bytes = 0;
  };

  // Slot: open addressing: a page is in the first free slot at or behind the
  // one of its hash. The numbers beside it spare a look at most of the others.
  struct Slot {
    PagePin page;
    uint32_t hash = 0;
    uint32_t store = 0;  // the lower bits
  };

  Queue& QueueOf(const CachedPage& page) {
    const CacheEntry& entry = *EntryOf(page);
    if (entry.is_old) return old_;
    return entry.came_ahead ? ahead_ : young_;
  }
  size_t PageBytes() const { return young_.bytes + old_.bytes + ahead_.bytes; }
  size_t mask() const { return slots_.size() - 1; }
  size_t SlotOf(const CachedPage& page) const;
  size_t TableBytes() const;
  bool Grow() noexcept;  // false: there is no memory for it
  void Place(Slot slot);
  void PushNewest(const CachedPage& page);
  void Unlink(const CachedPage& page);
  void EvictOne(size_t limit_bytes);
  void EvictNew(const CachedPage& page);
  void EvictOld();
  void Evict(const CachedPage& page, bool remember);
  void Remove(const CachedPage& page);
  void Vacate(size_t at);
  bool Remembers(uint64_t hash);

  std::vector<Slot> slots_;  // a power of two, or none
  // The marks of pages that went while they were young, by hash: a few bits
  // each.
  std::vector<uint32_t> gone_;
  size_t page_count_ = 0;
  Queue young_;
  Queue old_;
  Queue ahead_;
  PageCacheCounts counts_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_CACHE_PAGE_CACHE_SHARD_H_
