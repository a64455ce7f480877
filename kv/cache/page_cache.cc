#include "kv/cache/page_cache.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "kv/base/per_process.h"

namespace actorkv {

namespace {

PerProcess<PageCache> of_process;

constexpr size_t kMaxDefaultBytes = size_t{1} << 30;

Found HowFound(const CacheEntry& entry) {
  if (!entry.is_ahead) return Found::kHere;
  return entry.is_hinted ? Found::kHinted : Found::kAhead;
}

}  // namespace

PageCache::PageCache(size_t capacity_bytes) : capacity_bytes_(capacity_bytes) {
  static_assert(kShards == 64, "ShardOf() takes six bits");
}

PageCache::PageCache() : PageCache(kSharingCapacity) { is_default_ = true; }

PageCache* PageCache::Instance() {
  return of_process.Get([](const PageCache* parents) {
    // What somebody has set counts in a child as well.
    return parents == nullptr || parents->is_default_
               ? new PageCache
               : new PageCache(parents->capacity_bytes());
  });
}

size_t PageCache::DefaultCapacity() const {
  if (!has_own_store_.load(std::memory_order_relaxed)) return kSharingCapacity;
  const auto pages = static_cast<size_t>(sysconf(_SC_PHYS_PAGES));
  const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return std::min(kMaxDefaultBytes, pages / 4 * page_bytes);
}

void PageCache::NoteOwnStore() {
  if (has_own_store_.load(std::memory_order_relaxed)) return;
  const std::lock_guard<std::mutex> lock(capacity_mutex_);
  has_own_store_ = true;
  if (is_default_) Resize(DefaultCapacity());
}

void PageCache::SetCapacity(size_t capacity_bytes) {
  const std::lock_guard<std::mutex> lock(capacity_mutex_);
  is_default_ = false;
  Resize(capacity_bytes);
}

void PageCache::UseDefaultCapacity() {
  const std::lock_guard<std::mutex> lock(capacity_mutex_);
  is_default_ = true;
  Resize(DefaultCapacity());
}

void PageCache::Resize(size_t capacity_bytes) {
  capacity_bytes_.store(capacity_bytes, std::memory_order_relaxed);
  for (Shard& shard : shards_) {
    std::lock_guard<std::mutex> lock(shard.mutex);
    shard.pages.Shrink(capacity_bytes / kShards);
  }
}

const CachedPage* PageCache::FindLocked(Shard* shard, const PageKey& key,
                                        uint64_t hash, TxId txid,
                                        const ChangeLog* changes) {
  shard->pages.CountLook();
  const CachedPage* page = shard->pages.Find(key, hash);
  if (page == nullptr || txid < page->txid()) return nullptr;
  CacheEntry* entry = PageCacheShard::EntryOf(*page);
  if (entry->last < txid) {
    // Only the log can extend the range of snapshots: see the header's
    // invariant.
    if (changes == nullptr ||
        !changes->Unchanged(key.branch, key.pgno, entry->last, txid)) {
      return nullptr;
    }
    entry->last = txid;
  }
  return page;
}

PagePin PageCache::Find(const PageKey& key, TxId txid, const ChangeLog* changes,
                        Found* how) {
  if (how != nullptr) *how = Found::kMissing;
  const uint64_t hash = HashPageKey(key);
  Shard& shard = ShardOf(hash);
  std::lock_guard<std::mutex> lock(shard.mutex);
  const CachedPage* page = FindLocked(&shard, key, hash, txid, changes);
  if (page == nullptr) return nullptr;
  if (how != nullptr) *how = HowFound(*PageCacheShard::EntryOf(*page));
  shard.pages.Use(*page);
  return page->Pin();
}

Found PageCache::Read(const PageKey& key, TxId txid, const ChangeLog* changes,
                      const CopyTarget& buffer) {
  const uint64_t hash = HashPageKey(key);
  Shard& shard = ShardOf(hash);
  std::lock_guard<std::mutex> lock(shard.mutex);
  const CachedPage* page = FindLocked(&shard, key, hash, txid, changes);
  if (page == nullptr || page->page().size() != buffer.size) {
    return Found::kMissing;
  }
  const Found found = HowFound(*PageCacheShard::EntryOf(*page));
  shard.pages.Use(*page);
  // The copy is made under the lock: a pin would be two more writes to memory
  // that is shared.
  std::memcpy(buffer.bytes, page->page().data(), buffer.size);
  return found;
}

bool PageCache::Identify(const PageKey& key, TxId txid,
                         const ChangeLog* changes, PageIdentity* identity) {
  const uint64_t hash = HashPageKey(key);
  Shard& shard = ShardOf(hash);
  std::lock_guard<std::mutex> lock(shard.mutex);
  const CachedPage* page = FindLocked(&shard, key, hash, txid, changes);
  if (page == nullptr) return false;
  *identity = {page->txid(), page->page_hash()};
  return true;
}

void PageCache::Insert(const PageKey& key, TxId txid, PagePin page,
                       Source source) noexcept {
  const bool ahead = source == Source::kAhead || source == Source::kHint;
  const uint64_t hash = HashPageKey(key);
  Shard& shard = ShardOf(hash);
  std::lock_guard<std::mutex> lock(shard.mutex);
  if (source == Source::kMiss) shard.pages.CountMiss();
  const CachedPage* known = shard.pages.Find(key, hash);
  CacheEntry* entry = PageCacheShard::EntryOf(*page);
  if (known == nullptr) {
    if (!shard.pages.Add(key, hash, std::move(page), ahead)) return;
    entry->is_hinted = source == Source::kHint;
  } else {
    CacheEntry* const present = PageCacheShard::EntryOf(*known);
    if (txid < present->last) return;  // a late reader of an older snapshot
    if (ahead && known->txid() == page->txid()) {
      present->last = txid;  // it came by another way meanwhile
      return;
    }
    shard.pages.Replace(*known, std::move(page), ahead);
  }
  entry->last = txid;
  shard.pages.Shrink(capacity_bytes() / kShards);
}

void PageCache::DropStore(uint64_t store) noexcept {
  for (Shard& shard : shards_) {
    std::lock_guard<std::mutex> lock(shard.mutex);
    shard.pages.DropStore(store);
  }
}

PageCacheCounts PageCache::counts() {
  PageCacheCounts counts;
  for (Shard& shard : shards_) {
    std::lock_guard<std::mutex> lock(shard.mutex);
    counts.Add(shard.pages.counts());
  }
  return counts;
}

}  // namespace actorkv
