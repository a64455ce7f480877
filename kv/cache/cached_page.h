// CachedPage: one version of a page in memory. PagePin: a hold on it.
//
// A version and its bytes are one piece of memory that never changes and goes
// with its last pin. In front of it the page cache keeps what it knows of the
// page (CacheEntry), so that a hit finds all in memory that it reads anyway.
// SQLite may read some bytes past the end of a damaged page: there is slack
// behind each.
//
// Thread-safe; one PagePin belongs to one thread at a time.

#ifndef ACTORKV_KV_CACHE_CACHED_PAGE_H_
#define ACTORKV_KV_CACHE_CACHED_PAGE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "kv/base/types.h"
#include "kv/format/page_delta.h"

namespace actorkv {

class CachedPage;
class PagePin;

struct PageKey {
  uint64_t store = 0;  // Store::cache_id()
  BranchId branch;     // of the snapshot
  PageNo pgno = 0;

  friend bool operator==(const PageKey& a, const PageKey& b) {
    return a.pgno == b.pgno && a.branch == b.branch && a.store == b.store;
  }
};

// PageIdentity: tells versions of a page apart within one actor: the commit
// that stored it, and the hash of the page as stored. Txids are those of the
// actor over all its branches, and a chunk never changes: equal identities are
// equal pages.
struct PageIdentity {
  TxId txid;
  uint64_t page_hash = 0;

  friend bool operator==(const PageIdentity& a, const PageIdentity& b) {
    return a.txid == b.txid && a.page_hash == b.page_hash;
  }
};

// CacheEntry: what the cache keeps of a page; nobody else looks at it
// (kv/cache/page_cache_shard.h).
struct CacheEntry {
  PageKey key;
  bool is_old = false;
  bool came_ahead = false;  // it was read ahead of being asked for
  bool is_ahead = false;    // and nobody asked for it yet
  bool is_hinted = false;   // it was preloaded (kv/pages/preload.h)
  uint8_t uses = 0;
  TxId last;  // the range of snapshots that see it begins at txid()
  const CachedPage* newer = nullptr;  // in its queue
  const CachedPage* older = nullptr;
};

// CachedPage: a page as stored: page 1 without its stamp.
class CachedPage {
 public:
  // Makes a copy of `page`. `form` is its form in the branch of the snapshots
  // that see it. A version that they see in an ancestor has none there.
  static PagePin Make(const PageIdentity& identity, std::string_view page,
                      const StoredForm& form);

  CachedPage(const CachedPage&) = delete;
  CachedPage& operator=(const CachedPage&) = delete;

  TxId txid() const { return txid_; }  // the chunk's
  uint64_t page_hash() const { return page_hash_; }
  const StoredForm& form() const { return form_; }
  std::string_view page() const {
    return {reinterpret_cast<const char*>(this + 1), page_bytes_};
  }

  PagePin Pin() const;

  // The memory that it takes, with what is kept beside it.
  size_t memory_bytes() const;

 private:
  friend class PageCacheShard;
  friend class PagePin;

  CachedPage(const PageIdentity& identity, uint32_t page_bytes,
             const StoredForm& form)
      : page_bytes_(page_bytes),
        txid_(identity.txid),
        page_hash_(identity.page_hash),
        form_(form) {}
  ~CachedPage() = default;

  static void Destroy(const CachedPage* page);

  mutable CacheEntry entry_;
  mutable std::atomic<uint32_t> pins_{1};
  const uint32_t page_bytes_;
  const TxId txid_;
  const uint64_t page_hash_;
  const StoredForm form_;
  // The bytes of the page follow, and the slack.
};

// PagePin: keeps a version alive, also after the cache dropped it. Used as a
// std::shared_ptr<const CachedPage> is; half its size, and all in one piece.
class PagePin {
 public:
  PagePin() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): as a shared_ptr has it.
  PagePin(std::nullptr_t) {}
  PagePin(const PagePin& other) : page_(other.page_) {
    if (page_ != nullptr) page_->pins_.fetch_add(1, std::memory_order_relaxed);
  }
  PagePin(PagePin&& other) noexcept
      : page_(std::exchange(other.page_, nullptr)) {}
  PagePin& operator=(PagePin other) noexcept {
    std::swap(page_, other.page_);
    return *this;
  }
  ~PagePin() { reset(); }

  void reset() {
    const CachedPage* page = std::exchange(page_, nullptr);
    if (page != nullptr &&
        page->pins_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      CachedPage::Destroy(page);
    }
  }

  const CachedPage* get() const { return page_; }
  const CachedPage& operator*() const { return *page_; }
  const CachedPage* operator->() const { return page_; }
  explicit operator bool() const { return page_ != nullptr; }

  friend bool operator==(const PagePin& a, std::nullptr_t) {
    return a.page_ == nullptr;
  }
  friend bool operator!=(const PagePin& a, std::nullptr_t) {
    return a.page_ != nullptr;
  }

 private:
  friend class CachedPage;

  explicit PagePin(const CachedPage* page) : page_(page) {}

  const CachedPage* page_ = nullptr;
};

inline PagePin CachedPage::Pin() const {
  pins_.fetch_add(1, std::memory_order_relaxed);
  return PagePin(this);
}

}  // namespace actorkv

#endif  // ACTORKV_KV_CACHE_CACHED_PAGE_H_
