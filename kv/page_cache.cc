#include "kv/page_cache.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace actorkv {

namespace {

constexpr size_t kMaxDefaultBytes = size_t{1} << 30;

}  // namespace

PageCache::PageCache(size_t capacity_bytes) : capacity_bytes_(capacity_bytes) {
  static_assert(kShards == 64, "ShardOf() takes six bits");
}

PageCache* PageCache::Instance() {
  static auto* const cache = new PageCache(DefaultCapacity());
  return cache;
}

size_t PageCache::DefaultCapacity() {
  const auto pages = static_cast<size_t>(sysconf(_SC_PHYS_PAGES));
  const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return std::min(kMaxDefaultBytes, pages / 4 * page_bytes);
}

void PageCache::SetCapacity(size_t capacity_bytes) {
  capacity_bytes_.store(capacity_bytes, std::memory_order_relaxed);
  for (Shard& shard : shards_) {
    std::lock_guard<std::mutex> lock(shard.mutex);
    shard.pages.Shrink(capacity_bytes / kShards);
  }
}

PageCacheShard::Entry* PageCache::FindLocked(Shard* shard, const PageKey& key,
                                             uint64_t hash, TxId txid,
                                             const ChangeLog* changes) {
  PageCacheShard::Entry* entry = shard->pages.Find(key, hash);
  if (entry == nullptr || txid < entry->page->txid()) return nullptr;
  if (entry->last < txid) {
    if (changes == nullptr ||
        !changes->Unchanged(key.branch, key.pgno, entry->last, txid)) {
      return nullptr;
    }
    entry->last = txid;
  }
  return entry;
}

PagePin PageCache::Find(const PageKey& key, TxId txid,
                        const ChangeLog* changes) {
  const uint64_t hash = HashPageKey(key);
  Shard& shard = ShardOf(hash);
  std::lock_guard<std::mutex> lock(shard.mutex);
  PageCacheShard::Entry* entry = FindLocked(&shard, key, hash, txid, changes);
  if (entry == nullptr) {
    shard.pages.CountMiss();
    return nullptr;
  }
  shard.pages.Use(entry);
  return entry->page;
}

bool PageCache::Read(const PageKey& key, TxId txid, const ChangeLog* changes,
                     const PageBuffer& page) {
  const uint64_t hash = HashPageKey(key);
  Shard& shard = ShardOf(hash);
  std::lock_guard<std::mutex> lock(shard.mutex);
  PageCacheShard::Entry* entry = FindLocked(&shard, key, hash, txid, changes);
  if (entry == nullptr || entry->page->page().size() != page.size) {
    shard.pages.CountMiss();
    return false;
  }
  shard.pages.Use(entry);
  // Under the lock: a pin would be two more writes to memory that is shared.
  std::memcpy(page.bytes, entry->page->page().data(), page.size);
  return true;
}

bool PageCache::Identify(const PageKey& key, TxId txid,
                         const ChangeLog* changes, PageIdentity* identity) {
  const uint64_t hash = HashPageKey(key);
  Shard& shard = ShardOf(hash);
  std::lock_guard<std::mutex> lock(shard.mutex);
  const PageCacheShard::Entry* entry =
      FindLocked(&shard, key, hash, txid, changes);
  if (entry == nullptr) return false;
  *identity = {entry->page->txid(), entry->page->page_hash()};
  return true;
}

void PageCache::Insert(const PageKey& key, TxId txid, PagePin page) {
  InsertAs(key, txid, std::move(page), false);
}

void PageCache::InsertAhead(const PageKey& key, TxId txid, PagePin page) {
  InsertAs(key, txid, std::move(page), true);
}

void PageCache::InsertAs(const PageKey& key, TxId txid, PagePin page,
                         bool ahead) {
  const uint64_t hash = HashPageKey(key);
  Shard& shard = ShardOf(hash);
  std::lock_guard<std::mutex> lock(shard.mutex);
  PageCacheShard::Entry* entry = shard.pages.Find(key, hash);
  if (entry == nullptr) {
    entry = shard.pages.Add(key, hash);
    entry->is_ahead = ahead;
  } else if (txid < entry->last) {
    return;  // a late reader of an older snapshot
  } else if (!ahead) {
    entry->is_ahead = false;
  }
  entry->last = txid;
  shard.pages.SetPage(entry, std::move(page));
  shard.pages.Shrink(capacity_bytes() / kShards);
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
