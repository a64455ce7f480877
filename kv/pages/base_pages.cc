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

Status BasePages::Hash(PageNo pgno, uint64_t* page_hash) {
  if (pgno > page_count() || pgno == LockPage(page_size_)) {
    *page_hash = 0;
    return Status::Ok();
  }
  if (pgno == 1 && base_->first_page_of == base_->head.snapshot) {
    *page_hash = base_->first_page_hash;
    return Status::Ok();
  }
  return reader_.HashPage(pgno, page_hash);
}

// Equal hashes are no proof: the hash is not made to resist an attacker.
Status BasePages::Compare(PageNo pgno, const std::string& page,
                          uint64_t page_hash, uint64_t* base_hash,
                          bool* equal) {
  *equal = false;
  if (Status s = Hash(pgno, base_hash); !s.ok()) return s;
  if (!Shows(pgno) || *base_hash != page_hash) return Status::Ok();
  std::string base_page(page_size_, '\0');
  if (Status s = Read(pgno, base_page.data()); !s.ok()) return s;
  *equal = base_page == page;
  return Status::Ok();
}

}  // namespace actorkv
