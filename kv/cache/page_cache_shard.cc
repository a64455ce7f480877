#include "kv/cache/page_cache_shard.h"

#include <algorithm>
#include <utility>

#include "kv/base/thrown.h"

namespace actorkv {

namespace {

constexpr size_t kFirstSlots = 16;
constexpr size_t kYoungShare = 10;  // one part in this many

// Returns the bytes that pages that nobody asked for yet may take of a shard. A
// scan has up to 24 KiB of them in each (vfs/actor/snapshot_reader.cc).
size_t AheadShare(size_t limit_bytes) {
  constexpr size_t kSeveralScansBytes = size_t{64} << 10;
  return std::min(limit_bytes / 2, limit_bytes / 16 + kSeveralScansBytes);
}

// Returns bits that choose no slot; not 0, which stands for nothing.
uint32_t MarkOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 26) | 1; }

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
  looks += other.looks;
  hits += other.hits;
  misses += other.misses;
  evicted += other.evicted;
  ahead_used += other.ahead_used;
  ahead_wasted += other.ahead_wasted;
  hinted_used += other.hinted_used;
  size_bytes += other.size_bytes;
}

const CachedPage* PageCacheShard::Find(const PageKey& key, uint64_t hash) {
  if (slots_.empty()) return nullptr;
  const auto wanted = static_cast<uint32_t>(hash);
  for (size_t at = wanted & mask(); slots_[at].page != nullptr;
       at = (at + 1) & mask()) {
    const Slot& slot = slots_[at];
    if (slot.hash == wanted && slot.page->entry_.key == key) {
      return slot.page.get();
    }
  }
  return nullptr;
}

void PageCacheShard::Use(const CachedPage& page) {
  ++counts_.hits;
  CacheEntry* entry = EntryOf(page);
  if (entry->is_ahead) {
    // The page's place in the queue stays: a move would touch pages beside it.
    entry->is_ahead = false;
    ++(entry->is_hinted ? counts_.hinted_used : counts_.ahead_used);
  } else if (entry->uses < kMaxUses) {
    ++entry->uses;
  }
}

bool PageCacheShard::Add(const PageKey& key, uint64_t hash, PagePin page,
                         bool ahead) noexcept {
  // A quarter of the slots stays free, so that searches are short.
  if (4 * (page_count_ + 1) > 3 * slots_.size() && !Grow()) return false;
  const CachedPage& added = *page;
  CacheEntry* entry = EntryOf(added);
  *entry = CacheEntry();
  entry->key = key;
  // A page that comes back so soon was evicted too early (S3-FIFO's ghost
  // queue).
  entry->is_old = Remembers(hash);
  entry->came_ahead = ahead;
  entry->is_ahead = ahead;
  Place({std::move(page), static_cast<uint32_t>(hash),
         static_cast<uint32_t>(key.store)});
  ++page_count_;
  PushNewest(added);
  return true;
}

void PageCacheShard::Replace(const CachedPage& old, PagePin page, bool ahead) {
  const size_t at = SlotOf(old);
  CacheEntry* entry = EntryOf(*page);
  Unlink(old);
  // The new version takes over the place and the uses: it is the same page.
  *entry = *EntryOf(old);
  if (!ahead) entry->is_ahead = false;
  PushNewest(*page);
  slots_[at].page = std::move(page);
}

void PageCacheShard::Shrink(size_t limit_bytes) {
  // Tables count as well, so that the whole cache stays within its limit.
  const size_t tables = TableBytes();
  const size_t limit = limit_bytes > tables ? limit_bytes - tables : 0;
  // One page stays whatever its size, as the caller has just put it in.
  while (PageBytes() > limit && page_count_ > 1) EvictOne(limit);
}

void PageCacheShard::EvictOne(size_t limit_bytes) {
  const bool few_new = young_.bytes + ahead_.bytes <= limit_bytes / kYoungShare;
  if (few_new && old_.oldest != nullptr) return EvictOld();
  // What was read ahead and not asked for yet goes before young pages only
  // where there is more of it than scans use: else a scan would evict what it
  // is about to read.
  const CachedPage* const ahead = ahead_.oldest;
  if (ahead != nullptr &&
      (!EntryOf(*ahead)->is_ahead || ahead_.bytes > AheadShare(limit_bytes))) {
    return EvictNew(*ahead);
  }
  if (young_.oldest != nullptr) return EvictNew(*young_.oldest);
  if (old_.oldest != nullptr) return EvictOld();
  EvictNew(*ahead);
}

// Drops a store's pages. Removing one moves those behind it into the slot,
// which is looked at again. Pages that move into slots at the front, around the
// end, were looked at there before.
void PageCacheShard::DropStore(uint64_t store) noexcept {
  for (size_t at = 0; at < slots_.size();) {
    const Slot& slot = slots_[at];
    const bool drops = slot.page != nullptr &&
                       slot.store == static_cast<uint32_t>(store) &&
                       slot.page->entry_.key.store == store;
    if (drops) {
      Remove(*slot.page);
    } else {
      ++at;
    }
  }
}

PageCacheCounts PageCacheShard::counts() const {
  PageCacheCounts counts = counts_;
  counts.size_bytes = PageBytes() + TableBytes();
  return counts;
}

size_t PageCacheShard::SlotOf(const CachedPage& page) const {
  size_t at = HashPageKey(page.entry_.key) & mask();
  while (slots_[at].page.get() != &page) at = (at + 1) & mask();
  return at;
}

size_t PageCacheShard::TableBytes() const {
  return slots_.capacity() * sizeof(Slot) + gone_.capacity() * sizeof(uint32_t);
}

bool PageCacheShard::Grow() noexcept {
  const size_t size = std::max(kFirstSlots, 2 * slots_.size());
  std::vector<Slot> before;
  std::vector<uint32_t> gone;
  const bool made = IfMemory([&] {
    before.resize(size);
    gone.resize(size);
  });
  if (!made) return false;
  before.swap(slots_);
  gone_.swap(gone);
  for (Slot& slot : before) {
    if (slot.page != nullptr) Place(std::move(slot));
  }
  return true;
}

void PageCacheShard::Place(Slot slot) {
  size_t at = slot.hash & mask();
  while (slots_[at].page != nullptr) at = (at + 1) & mask();
  slots_[at] = std::move(slot);
}

void PageCacheShard::PushNewest(const CachedPage& page) {
  CacheEntry* entry = EntryOf(page);
  Queue& queue = QueueOf(page);
  entry->newer = nullptr;
  entry->older = queue.newest;
  if (queue.newest == nullptr) {
    queue.oldest = &page;
  } else {
    EntryOf(*queue.newest)->newer = &page;
  }
  queue.newest = &page;
  queue.bytes += page.memory_bytes();
}

void PageCacheShard::Unlink(const CachedPage& page) {
  const CacheEntry& entry = *EntryOf(page);
  Queue& queue = QueueOf(page);
  if (entry.newer == nullptr) {
    queue.newest = entry.older;
  } else {
    EntryOf(*entry.newer)->older = entry.older;
  }
  if (entry.older == nullptr) {
    queue.oldest = entry.newer;
  } else {
    EntryOf(*entry.older)->newer = entry.newer;
  }
  queue.bytes -= page.memory_bytes();
}

// Evicts a young page or, when it was used again, makes it an old one.
void PageCacheShard::EvictNew(const CachedPage& page) {
  CacheEntry* entry = EntryOf(page);
  if (entry->uses == 0) return Evict(page, !entry->is_ahead);
  Unlink(page);
  entry->is_old = true;
  entry->uses = 0;
  PushNewest(page);
}

// Evicts an old page. The search ends, as each round takes a use from every
// page.
void PageCacheShard::EvictOld() {
  while (EntryOf(*old_.oldest)->uses > 0) {
    const CachedPage& page = *old_.oldest;
    Unlink(page);
    --EntryOf(page)->uses;
    PushNewest(page);
  }
  Evict(*old_.oldest, false);
}

void PageCacheShard::Evict(const CachedPage& page, bool remember) {
  if (remember) {
    const uint64_t hash = HashPageKey(page.entry_.key);
    gone_[static_cast<uint32_t>(hash) & mask()] = MarkOf(hash);
  }
  ++counts_.evicted;
  Remove(page);
}

void PageCacheShard::Remove(const CachedPage& page) {
  if (page.entry_.is_ahead && !page.entry_.is_hinted) ++counts_.ahead_wasted;
  Unlink(page);
  --page_count_;
  Vacate(SlotOf(page));
}

// Frees a slot, and moves pages behind it forward that could not be found past
// a free one (Knuth, The Art of Computer Programming 3, 6.4, algorithm R).
void PageCacheShard::Vacate(size_t at) {
  slots_[at].page.reset();
  for (size_t next = (at + 1) & mask(); slots_[next].page != nullptr;
       next = (next + 1) & mask()) {
    const size_t home = slots_[next].hash & mask();
    // A page stays when its home is in (at, next], around the end.
    if (((next - home) & mask()) < ((next - at) & mask())) continue;
    slots_[at] = std::move(slots_[next]);
    at = next;
  }
}

bool PageCacheShard::Remembers(uint64_t hash) {
  uint32_t& mark = gone_[static_cast<uint32_t>(hash) & mask()];
  if (mark != MarkOf(hash)) return false;
  mark = 0;
  return true;
}

}  // namespace actorkv
