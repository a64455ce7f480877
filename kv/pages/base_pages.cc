#include "kv/pages/base_pages.h"

#include <utility>

namespace actorkv {

BasePages::BasePages(Engine* engine, std::shared_ptr<const HeadState> base,
                     uint32_t page_size)
    : base_(std::move(base)),
      page_size_(page_size),
      is_replaced_(base_->head.snapshot.page_count != 0 &&
                   base_->head.snapshot.page_size != page_size),
      shown_count_(page_count()),
      reader_(engine) {
  reader_.SetSnapshot(base_->head.snapshot, base_->lineage);
}

Status BasePages::Look(PageNo pgno, OldPage* old) {
  *old = OldPage();
  if (pgno > page_count() || pgno == LockPage(page_size_)) return Status::Ok();
  if (Status s = reader_.PinPage(pgno, &old->stored); !s.ok()) return s;
  old->page_hash =
      pgno == 1 ? HashOfFirstPage(*old->stored) : old->stored->page_hash();
  return Status::Ok();
}

Status BasePages::Hash(PageNo pgno, uint64_t* page_hash) {
  if (pgno > page_count() || pgno == LockPage(page_size_)) {
    *page_hash = 0;
    return Status::Ok();
  }
  return reader_.HashPage(pgno, page_hash);
}

// Page 1 counts with its stamp. The commit that made the base knows the hash.
uint64_t BasePages::HashOfFirstPage(const CachedPage& stored) const {
  if (base_->first_page_of == base_->head.snapshot) {
    return base_->first_page_hash;
  }
  return stamp().has_value() ? PageHash(1, ShownFirstPage(stored))
                             : stored.page_hash();
}

std::string BasePages::ShownFirstPage(const CachedPage& stored) const {
  std::string page(stored.page());
  if (stamp().has_value()) ApplyStamp(*stamp(), page.data());
  return page;
}

// Equal hashes are no proof: the hash is not made to resist an attacker.
bool BasePages::Equals(PageNo pgno, const OldPage& old, const std::string& page,
                       uint64_t page_hash) const {
  if (!Shows(pgno) || old.stored == nullptr || old.page_hash != page_hash) {
    return false;
  }
  return pgno == 1 ? ShownFirstPage(*old.stored) == page
                   : old.stored->page() == page;
}

}  // namespace actorkv
