#include "kv/page_cache.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace actorkv {

namespace {

constexpr size_t kMaxDefaultBytes = size_t{1} << 30;

// SQLite may read this far past the end of a damaged page.
constexpr size_t kSlackBytes = 16;

// What an entry costs beside its page: list and map nodes, pin, allocator.
constexpr size_t kEntryBytes = 232;

size_t DefaultCapacity() {
  const auto pages = static_cast<size_t>(sysconf(_SC_PHYS_PAGES));
  const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return std::min(kMaxDefaultBytes, pages / 4 * page_bytes);
}

std::unique_ptr<char[]> CopyWithSlack(std::string_view page) {
  auto bytes = std::make_unique<char[]>(page.size() + kSlackBytes);
  std::memcpy(bytes.get(), page.data(), page.size());
  return bytes;
}

size_t EntryBytes(const PagePin& page) {
  return page->page().size() + kSlackBytes + kEntryBytes;
}

}  // namespace

CachedPage::CachedPage(TxId txid, uint64_t page_hash, std::string_view page,
                       const StoredForm& form)
    : txid_(txid),
      page_hash_(page_hash),
      form_(form),
      page_bytes_(page.size()),
      bytes_(CopyWithSlack(page)) {}

PageCache::PageCache(size_t capacity_bytes) : capacity_bytes_(capacity_bytes) {}

PageCache* PageCache::Instance() {
  static auto* const cache = new PageCache(DefaultCapacity());
  return cache;
}

size_t PageCache::KeyHash::operator()(const PageKey& key) const {
  // Fibonacci hashing; neighbouring pages of a branch go to different shards.
  constexpr uint64_t kGolden = 0x9e3779b97f4a7c15;
  uint64_t hash = (key.branch.value ^ key.store << 48) * kGolden;
  hash = (hash ^ key.pgno) * kGolden;
  return static_cast<size_t>(hash ^ hash >> 32);
}

PageCache::Shard& PageCache::ShardOf(const PageKey& key) {
  return shards_[(KeyHash()(key) >> 8) % kShards];
}

PageCache::Entries::iterator PageCache::FindLocked(Shard* shard,
                                                   const PageKey& key,
                                                   TxId txid,
                                                   const ChangeLog* changes) {
  const auto none = shard->entries.end();
  auto found = shard->by_key.find(key);
  if (found == shard->by_key.end()) return none;
  Entry& entry = *found->second;
  if (txid < entry.page->txid()) return none;
  if (entry.last < txid) {
    if (changes == nullptr ||
        !changes->Unchanged(key.branch, key.pgno, entry.last, txid)) {
      return none;
    }
    entry.last = txid;
  }
  return found->second;
}

PagePin PageCache::Find(const PageKey& key, TxId txid,
                        const ChangeLog* changes) {
  Shard& shard = ShardOf(key);
  std::lock_guard<std::mutex> lock(shard.mutex);
  const auto entry = FindLocked(&shard, key, txid, changes);
  if (entry == shard.entries.end()) return nullptr;
  shard.entries.splice(shard.entries.begin(), shard.entries, entry);
  return entry->page;
}

bool PageCache::Identify(const PageKey& key, TxId txid,
                         const ChangeLog* changes, PageIdentity* identity) {
  Shard& shard = ShardOf(key);
  std::lock_guard<std::mutex> lock(shard.mutex);
  const auto entry = FindLocked(&shard, key, txid, changes);
  if (entry == shard.entries.end()) return false;
  *identity = {entry->page->txid(), entry->page->page_hash()};
  return true;
}

void PageCache::Insert(const PageKey& key, TxId txid, PagePin page) {
  Shard& shard = ShardOf(key);
  const size_t bytes = EntryBytes(page);
  std::lock_guard<std::mutex> lock(shard.mutex);
  auto found = shard.by_key.find(key);
  if (found != shard.by_key.end()) {
    Entry& entry = *found->second;
    if (txid < entry.last) return;  // a late reader of an older snapshot
    shard.size_bytes += bytes - EntryBytes(entry.page);
    entry.last = txid;
    entry.page = std::move(page);
    shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
  } else {
    shard.entries.push_front(Entry{key, txid, std::move(page)});
    shard.by_key.emplace(key, shard.entries.begin());
    shard.size_bytes += bytes;
  }
  while (shard.size_bytes > capacity_bytes_ / kShards &&
         shard.entries.size() > 1) {
    const Entry& oldest = shard.entries.back();
    shard.size_bytes -= EntryBytes(oldest.page);
    shard.by_key.erase(oldest.key);
    shard.entries.pop_back();
  }
}

size_t PageCache::size_bytes() {
  size_t bytes = 0;
  for (Shard& shard : shards_) {
    std::lock_guard<std::mutex> lock(shard.mutex);
    bytes += shard.size_bytes;
  }
  return bytes;
}

}  // namespace actorkv
