// BasePages: the pages that a transaction begins with, and how far they show
// through what it wrote.
//
// Invariants:
//  1. shown_count() only falls. What was cut off does not come back, also where
//     the database grows again.
//  2. One Look() at a page gives all that a commit wants of it: the hash to
//     subtract, the bytes to compare with, the form to make a delta of. So a
//     commit asks the page cache once for each page that it stores.
//
// Belongs to one thread at a time.

#ifndef ACTORKV_KV_PAGES_BASE_PAGES_H_
#define ACTORKV_KV_PAGES_BASE_PAGES_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "kv/pages/branch_reader.h"
#include "kv/store/actor.h"

namespace actorkv {

// What the base has of a page.
struct OldPage {
  // With which it counts in digest(); 0: it does not.
  uint64_t page_hash = 0;
  // As stored, page 1 without its stamp; null: the base has none.
  PagePin stored;
};

class BasePages {
 public:
  // The pages of `base`, for a version whose pages have `page_size` bytes.
  // Where those of the base have another size, every page is written: nothing
  // of the base shows through, or counts in the digest.
  BasePages(Engine* engine, std::shared_ptr<const HeadState> base,
            uint32_t page_size);

  // See BranchReader::UseCache().
  void UseCache(uint64_t store_id, std::shared_ptr<const ChangeLog> changes) {
    reader_.UseCache(store_id, std::move(changes));
  }

  uint32_t page_size() const { return page_size_; }

  // Pages of the base, also those that do not show through. 0 where they have
  // another size.
  uint32_t page_count() const {
    return is_replaced_ ? 0 : base_->head.snapshot.page_count;
  }

  // Pages up to here show through where the transaction wrote none.
  uint32_t shown_count() const { return shown_count_; }
  bool Shows(PageNo pgno) const { return pgno <= shown_count_; }

  // Pages behind `page_count` do not show through any more.
  void Cut(uint32_t page_count) {
    shown_count_ = std::min(shown_count_, page_count);
  }

  // The sum of the page hashes.
  uint64_t digest() const { return is_replaced_ ? 0 : base_->head.digest; }

  // The stamp of page 1, see Snapshot.
  const std::optional<uint32_t>& stamp() const {
    return base_->head.snapshot.stamp;
  }

  // The page as SQLite sees it. REQUIRES: the page shows through. Errors: as
  // BranchReader::ReadPage().
  Status Read(PageNo pgno, char* page) { return reader_.ReadPage(pgno, page); }

  // The page, whether it shows through or not. Errors: as
  // BranchReader::PinPage().
  Status Look(PageNo pgno, OldPage* old);

  // OldPage::page_hash alone, where the page is not looked at. Not page 1.
  Status Hash(PageNo pgno, uint64_t* page_hash);

  // Whether `page`, with this hash, is what shows through, of which `old` is
  // what Look() found.
  bool Equals(PageNo pgno, const OldPage& old, const std::string& page,
              uint64_t page_hash) const;

  // Page 1 as SQLite sees it. `stored`: as Look() found it.
  std::string ShownFirstPage(const CachedPage& stored) const;

 private:
  uint64_t HashOfFirstPage(const CachedPage& stored) const;

  const std::shared_ptr<const HeadState> base_;
  const uint32_t page_size_;
  const bool is_replaced_;  // every page is
  uint32_t shown_count_;
  BranchReader reader_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_BASE_PAGES_H_
