#include "kv/page_cache_shard.h"

#include <algorithm>
#include <utility>

namespace actorkv {

namespace {

constexpr size_t kFirstBuckets = 16;
constexpr size_t kYoungShare = 10;  // one part in this many

// Not 0, which stands for nothing.
uint32_t MarkOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 32) | 1; }

}  // namespace

uint64_t HashPageKey(const PageKey& key) {
  // Multiply and fold, twice: neighbouring pages and branches spread over all
  // bits (the finalizer of MurmurHash3 has the same shape).
  uint64_t hash = key.branch.value ^ key.store << 48 ^
                  uint64_t { key.pgno } * 0x9e3779b97f4a7c15;
  hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93;
  hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93;
  return hash ^ hash >> 32;
}

void PageCacheCounts::Add(const PageCacheCounts& other) {
  hits += other.hits;
  misses += other.misses;
  evicted += other.evicted;
  ahead_used += other.ahead_used;
  ahead_wasted += other.ahead_wasted;
  size_bytes += other.size_bytes;
}

PageCacheShard::Entry* PageCacheShard::Find(const PageKey& key, uint64_t hash) {
  if (buckets_.empty()) return nullptr;
  for (uint32_t at = *BucketOf(hash); at != kNone;) {
    Entry& entry = entries_[at];
    if (entry.key == key) return &entry;
    at = entry.next_in_bucket;
  }
  return nullptr;
}

void PageCacheShard::Use(Entry* entry) {
  ++counts_.hits;
  if (entry->is_ahead) {
    entry->is_ahead = false;
    ++counts_.ahead_used;
  } else if (entry->uses < kMaxUses) {
    ++entry->uses;
  }
}

PageCacheShard::Entry* PageCacheShard::Add(const PageKey& key, uint64_t hash) {
  if (free_ == kNone) Grow();
  const uint32_t index = free_;
  Entry& entry = entries_[index];
  free_ = entry.next_in_bucket;
  entry.key = key;
  entry.last = TxId{};
  entry.is_old = Remembers(hash);
  entry.is_ahead = false;
  entry.uses = 0;
  uint32_t* bucket = BucketOf(hash);
  entry.next_in_bucket = *bucket;
  *bucket = index;
  ++entry_count_;
  PushNewest(index);
  return &entry;
}

void PageCacheShard::SetPage(Entry* entry, PagePin page) {
  Queue& queue = QueueOf(*entry);
  if (entry->page != nullptr) queue.bytes -= entry->page->memory_bytes();
  queue.bytes += page->memory_bytes();
  entry->page = std::move(page);
}

void PageCacheShard::Shrink(size_t limit_bytes) {
  const size_t tables = TableBytes();
  const size_t limit = limit_bytes > tables ? limit_bytes - tables : 0;
  while (young_.bytes + old_.bytes > limit && entry_count_ > 1) {
    if (young_.bytes <= limit / kYoungShare && old_.oldest != kNone) {
      EvictOld();
    } else if (!EvictYoung()) {
      EvictOld();
    }
  }
}

PageCacheCounts PageCacheShard::counts() const {
  PageCacheCounts counts = counts_;
  counts.size_bytes = young_.bytes + old_.bytes + TableBytes();
  return counts;
}

size_t PageCacheShard::TableBytes() const {
  return entries_.capacity() * sizeof(Entry) +
         (buckets_.capacity() + gone_.capacity()) * sizeof(uint32_t);
}

// As many entries as buckets.
void PageCacheShard::Grow() {
  const size_t before = entries_.size();
  const size_t after = std::max(kFirstBuckets, 2 * before);
  entries_.resize(after);
  buckets_.assign(after, kNone);
  gone_.assign(after, 0);
  for (size_t i = 0; i < before; ++i) {
    uint32_t* bucket = BucketOf(HashPageKey(entries_[i].key));
    entries_[i].next_in_bucket = *bucket;
    *bucket = static_cast<uint32_t>(i);
  }
  for (size_t i = after; i-- > before;) {
    entries_[i].next_in_bucket = free_;
    free_ = static_cast<uint32_t>(i);
  }
}

void PageCacheShard::PushNewest(uint32_t index) {
  Entry& entry = entries_[index];
  Queue& queue = QueueOf(entry);
  entry.newer = kNone;
  entry.older = queue.newest;
  (queue.newest == kNone ? queue.oldest : entries_[queue.newest].newer) = index;
  queue.newest = index;
  if (entry.page != nullptr) queue.bytes += entry.page->memory_bytes();
}

void PageCacheShard::Unlink(uint32_t index) {
  const Entry& entry = entries_[index];
  Queue& queue = QueueOf(entry);
  (entry.newer == kNone ? queue.newest : entries_[entry.newer].older) =
      entry.older;
  (entry.older == kNone ? queue.oldest : entries_[entry.older].newer) =
      entry.newer;
  queue.bytes -= entry.page->memory_bytes();
}

// True when it made room; it may only have found pages that are in use.
bool PageCacheShard::EvictYoung() {
  while (young_.oldest != kNone) {
    const uint32_t index = young_.oldest;
    Entry& entry = entries_[index];
    if (entry.uses == 0) {
      Remove(index, true);
      return true;
    }
    Unlink(index);
    entry.is_old = true;
    entry.uses = 0;
    PushNewest(index);
  }
  return false;
}

// Ends: each round takes a use from every page.
void PageCacheShard::EvictOld() {
  while (entries_[old_.oldest].uses > 0) {
    const uint32_t index = old_.oldest;
    Unlink(index);
    --entries_[index].uses;
    PushNewest(index);
  }
  Remove(old_.oldest, false);
}

void PageCacheShard::Remove(uint32_t index, bool remember) {
  Entry& entry = entries_[index];
  const uint64_t hash = HashPageKey(entry.key);
  uint32_t* at = BucketOf(hash);
  while (*at != index) at = &entries_[*at].next_in_bucket;
  *at = entry.next_in_bucket;
  Unlink(index);
  if (remember) gone_[hash >> 16 & (gone_.size() - 1)] = MarkOf(hash);
  ++counts_.evicted;
  if (entry.is_ahead) ++counts_.ahead_wasted;
  entry.page.reset();
  entry.next_in_bucket = free_;
  free_ = index;
  --entry_count_;
}

bool PageCacheShard::Remembers(uint64_t hash) {
  uint32_t& mark = gone_[hash >> 16 & (gone_.size() - 1)];
  if (mark != MarkOf(hash)) return false;
  mark = 0;
  return true;
}

}  // namespace actorkv
