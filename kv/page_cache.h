// PageCache: versions of pages in memory, for all stores of the process.
//
// A version never changes, so nothing is ever invalidated. What a reader asks
// is another thing: the version that a snapshot sees. Of each page of a branch
// the cache keeps one version and the range of snapshots that are known to see
// it.
//
// Invariant: an entry [first, last] means that every snapshot s of the branch
// with first <= s <= last sees this version. It begins with what one seek
// proved, and is extended only where the ChangeLog proves that nothing came in
// between. A late reader can only add an older range, which loses against a
// newer version.
//
// Bounded in bytes; the least recently used version of a shard goes first.
// Thread-safe.

#ifndef ACTORKV_KV_PAGE_CACHE_H_
#define ACTORKV_KV_PAGE_CACHE_H_

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "kv/change_log.h"
#include "kv/page_delta.h"
#include "kv/types.h"

namespace actorkv {

// One version of a page, as stored: page 1 without its stamp.
class CachedPage {
 public:
  // `form`: in the branch of the snapshots that see it. A version that they
  // see in an ancestor has none there.
  CachedPage(TxId txid, uint64_t page_hash, std::string_view page,
             const StoredForm& form);

  TxId txid() const { return txid_; }
  uint64_t page_hash() const { return page_hash_; }
  const StoredForm& form() const { return form_; }
  std::string_view page() const { return {bytes_.get(), page_bytes_}; }

 private:
  const TxId txid_;  // of the chunk
  const uint64_t page_hash_;
  const StoredForm form_;
  const size_t page_bytes_;
  const std::unique_ptr<char[]> bytes_;
};

// Keeps the page alive, also after the cache dropped it.
using PagePin = std::shared_ptr<const CachedPage>;

// What tells versions of a page apart within one actor: the commit that stored
// it, and the hash of the page as stored. Txids are those of the actor over all
// its branches, and a chunk never changes: equal identities are equal pages.
struct PageIdentity {
  TxId txid;
  uint64_t page_hash = 0;

  friend bool operator==(const PageIdentity& a, const PageIdentity& b) {
    return a.txid == b.txid && a.page_hash == b.page_hash;
  }
};

struct PageKey {
  uint64_t store = 0;  // Store::cache_id()
  BranchId branch;     // of the snapshot
  PageNo pgno = 0;

  friend bool operator==(const PageKey& a, const PageKey& b) {
    return a.store == b.store && a.branch == b.branch && a.pgno == b.pgno;
  }
};

class PageCache {
 public:
  explicit PageCache(size_t capacity_bytes);

  // The one of the process: a quarter of memory, at most 1 GiB.
  static PageCache* Instance();

  // The page as snapshot `txid` sees it; null when that is not known.
  // `changes` may be null.
  PagePin Find(const PageKey& key, TxId txid, const ChangeLog* changes);

  // The same, but only which version it is, and no use of it: what is looked
  // at so keeps nothing else from staying. False when that is not known.
  bool Identify(const PageKey& key, TxId txid, const ChangeLog* changes,
                PageIdentity* identity);

  // A seek at snapshot `txid` found `page`.
  void Insert(const PageKey& key, TxId txid, PagePin page);

  size_t capacity_bytes() const { return capacity_bytes_; }
  size_t size_bytes();

 private:
  struct KeyHash {
    size_t operator()(const PageKey& key) const;
  };
  struct Entry {
    PageKey key;
    TxId last;  // the range begins at page->txid()
    PagePin page;
  };
  using Entries = std::list<Entry>;
  struct Shard {
    std::mutex mutex;
    Entries entries;  // most recently used first
    std::unordered_map<PageKey, Entries::iterator, KeyHash> by_key;
    size_t size_bytes = 0;
  };
  static constexpr size_t kShards = 64;

  Shard& ShardOf(const PageKey& key);

  // The end of the entries when it is not known. REQUIRES: the shard's mutex is
  // held.
  static Entries::iterator FindLocked(Shard* shard, const PageKey& key,
                                      TxId txid, const ChangeLog* changes);

  const size_t capacity_bytes_;
  std::array<Shard, kShards> shards_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGE_CACHE_H_
