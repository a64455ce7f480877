// PageCacheShard: a part of the page cache, with the decision what to keep.
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
// that is in use; and a use costs a mark in the entry, not a move in a list.
//
// A page that was read ahead of being asked for is not used until it is asked
// for, and its first use counts as that of a new page.
//
// Not thread-safe: the owner has a lock. No I/O.

#ifndef ACTORKV_KV_PAGE_CACHE_SHARD_H_
#define ACTORKV_KV_PAGE_CACHE_SHARD_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kv/cached_page.h"
#include "kv/types.h"

namespace actorkv {

struct PageKey {
  uint64_t store = 0;  // Store::cache_id()
  BranchId branch;     // of the snapshot
  PageNo pgno = 0;

  friend bool operator==(const PageKey& a, const PageKey& b) {
    return a.pgno == b.pgno && a.branch == b.branch && a.store == b.store;
  }
};

uint64_t HashPageKey(const PageKey& key);

struct PageCacheCounts {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t evicted = 0;
  uint64_t ahead_used = 0;    // read ahead, then asked for
  uint64_t ahead_wasted = 0;  // read ahead, and gone before anyone asked
  uint64_t size_bytes = 0;    // of pages, entries and tables; now

  void Add(const PageCacheCounts& other);
};

class PageCacheShard {
 public:
  // A version and the snapshots that see it: see kv/page_cache.h.
  struct alignas(64) Entry {  // a cache line
    PageKey key;
    TxId last;  // the range begins at page->txid()
    PagePin page;
    uint32_t next_in_bucket;
    uint32_t newer;  // in its queue, as `older`
    uint32_t older;
    bool is_old;
    bool is_ahead;  // nobody asked for it yet
    uint8_t uses;
  };

  // Null when there is none. `hash` is HashPageKey(key).
  Entry* Find(const PageKey& key, uint64_t hash);

  // It was asked for.
  void Use(Entry* entry);

  // Adds an entry that is not there, as the newest. Pointers to others are no
  // longer valid.
  Entry* Add(const PageKey& key, uint64_t hash);

  // Gives the entry another page, or its first.
  void SetPage(Entry* entry, PagePin page);

  // Drops entries until no more than `limit_bytes` are taken, or one is left.
  void Shrink(size_t limit_bytes);

  PageCacheCounts counts() const;
  void CountMiss() { ++counts_.misses; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint8_t kMaxUses = 3;

  struct Queue {
    uint32_t newest = kNone;
    uint32_t oldest = kNone;
    size_t bytes = 0;  // of pages
  };

  Queue& QueueOf(const Entry& entry) { return entry.is_old ? old_ : young_; }
  uint32_t* BucketOf(uint64_t hash) {
    return &buckets_[hash & (buckets_.size() - 1)];
  }
  size_t TableBytes() const;
  void Grow();
  void PushNewest(uint32_t index);
  void Unlink(uint32_t index);
  bool EvictYoung();
  void EvictOld();
  void Remove(uint32_t index, bool remember);
  bool Remembers(uint64_t hash);

  std::vector<Entry> entries_;
  std::vector<uint32_t> buckets_;  // of hash: the first entry; a power of two
  // Of pages that went while they were young, by hash: a few bits each.
  std::vector<uint32_t> gone_;
  uint32_t free_ = kNone;  // linked by next_in_bucket
  size_t entry_count_ = 0;
  Queue young_;
  Queue old_;
  PageCacheCounts counts_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGE_CACHE_SHARD_H_
