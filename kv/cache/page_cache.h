// PageCache: versions of pages in memory, for all stores of the process.
//
// A version never changes, so nothing is ever invalidated. A reader asks for
// another thing: the version that a snapshot sees. For each page of a branch
// the cache keeps one version and the range of snapshots that are known to see
// it.
//
// Invariant: an entry [first, last] means that every snapshot s of the branch
// with first <= s <= last sees this version. It begins with what one seek
// proved, and is extended only where the ChangeLog proves that nothing came in
// between. A late reader can only add an older range, which loses against a
// newer version; that is also why pages that were read ahead may come late.
//
// Bounded in bytes, in shards with a lock each (kv/cache/page_cache_shard.h).
// Pages that a PagePin holds on to after they were dropped are not counted.
// Thread-safe.

#ifndef ACTORKV_KV_CACHE_PAGE_CACHE_H_
#define ACTORKV_KV_CACHE_PAGE_CACHE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>

#include "kv/base/types.h"
#include "kv/cache/cached_page.h"
#include "kv/cache/change_log.h"
#include "kv/cache/page_cache_shard.h"

namespace actorkv {

// The bytes of a page that are wanted, and where to.
struct CopyTarget {
  char* bytes = nullptr;
  size_t size = 0;  // the whole page's
};

enum class Found {
  kMissing,
  kHere,
  kAhead,   // it was read ahead, and is asked for the first time
  kHinted,  // the same for a page that was preloaded
};

class PageCache {
 public:
  // Source: why a page comes into the cache.
  enum class Source {
    kCommit,  // it was made here
    kMiss,    // it was asked for, and was not here
    kAhead,   // nobody asked for it yet, as with the next one
    kHint,
  };

  // A cache of DefaultCapacity().
  PageCache();
  explicit PageCache(size_t capacity_bytes);

  // The cache of the process. Its capacity is DefaultCapacity() unless it was
  // set, here or in the process that this one was forked from.
  static PageCache* Instance();

  // Returns a quarter of memory, at most 1 GiB, in a process that has had a
  // store of its own. One that shares those of others has them cached by their
  // owner as well, and there may be many such processes: kSharingCapacity.
  size_t DefaultCapacity() const;

  // A store is open that no other process owns.
  void NoteOwnStore();

  // Drops at once what is too much. Each of the shards keeps one page in any
  // case.
  void SetCapacity(size_t capacity_bytes);
  // Goes back to DefaultCapacity().
  void UseDefaultCapacity();

  // Finds the page as snapshot `txid` sees it; null when that is not known.
  // `changes` may be null; and `how`, which is how it was found.
  PagePin Find(const PageKey& key, TxId txid, const ChangeLog* changes,
               Found* how = nullptr);

  // Copies the same into `buffer`, without a pin. kMissing when the cache does
  // not know, or has a page of another size.
  Found Read(const PageKey& key, TxId txid, const ChangeLog* changes,
             const CopyTarget& buffer);

  // Tells only which version it is, and counts no use: such looks keep no page
  // in the cache. False when that is not known.
  bool Identify(const PageKey& key, TxId txid, const ChangeLog* changes,
                PageIdentity* identity);

  // Inserts `page`, which a seek at snapshot `txid` found, or a commit made.
  // REQUIRES: it is in no cache. Does nothing where there is no memory for its
  // place.
  void Insert(const PageKey& key, TxId txid, PagePin page,
              Source source = Source::kCommit) noexcept;

  // Drops all pages of a store that nobody reads any more. Its cost grows with
  // the capacity, not only with the store.
  void DropStore(uint64_t store) noexcept;

  size_t capacity_bytes() const {
    return capacity_bytes_.load(std::memory_order_relaxed);
  }
  size_t size_bytes() { return static_cast<size_t>(counts().size_bytes); }

  // The counts since the process began.
  PageCacheCounts counts();

 private:
  static constexpr size_t kSharingCapacity = size_t{64} << 20;

  // Shard: a lock in a cache line of its own, or neighbours would wait for each
  // other.
  struct alignas(64) Shard {
    std::mutex mutex;
    PageCacheShard pages;
  };
  static constexpr size_t kShards = 64;

  Shard& ShardOf(uint64_t hash) { return shards_[hash >> 58]; }

  // Finds a page; null when it is not known. REQUIRES: the shard's mutex is
  // held.
  static const CachedPage* FindLocked(Shard* shard, const PageKey& key,
                                      uint64_t hash, TxId txid,
                                      const ChangeLog* changes);

  void Resize(size_t capacity_bytes);

  std::mutex capacity_mutex_;  // held while the capacity changes
  bool is_default_ = false;
  std::atomic<bool> has_own_store_{false};
  std::atomic<size_t> capacity_bytes_;
  std::array<Shard, kShards> shards_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_CACHE_PAGE_CACHE_H_
