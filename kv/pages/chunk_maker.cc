#include "kv/pages/chunk_maker.h"

#include "kv/cache/page_cache.h"
#include "kv/format/chunk.h"
#include "kv/format/keys.h"

namespace actorkv {

// Where the page is the base's there is nothing to add.
Status ChunkMaker::AddToDigest(PageNo pgno, const std::string& page,
                               uint64_t page_hash, bool* equal) {
  *equal = false;
  uint64_t old_hash = 0;
  Status s = new_branch_->Has(pgno)
                 ? new_branch_->Hash(pgno, &old_hash)
                 : base_->Compare(pgno, page, page_hash, &old_hash, equal);
  if (s.ok() && !*equal) digest_change_ += page_hash - old_hash;
  return s;
}

Status ChunkMaker::Put(PageNo pgno, const std::string& page, Batch* batch) {
  const uint64_t page_hash = PageHash(pgno, page);
  bool equal = false;
  Status s = AddToDigest(pgno, page, page_hash, &equal);
  if (!s.ok() || equal) return s;
  return PutChunk(pgno, page, page_hash, batch);
}

Status ChunkMaker::Stage(PageNo pgno, const std::string& page) {
  const uint64_t page_hash = PageHash(pgno, page);
  bool equal = false;
  Status s = AddToDigest(pgno, page, page_hash, &equal);
  if (!s.ok() || equal) return s;
  return StageChunk(pgno, page, page_hash);
}

Status ChunkMaker::Load(PageNo pgno, std::string_view page,
                        uint64_t page_hash) {
  digest_change_ += page_hash;
  return StageChunk(pgno, page, page_hash);
}

Status ChunkMaker::StageChunk(PageNo pgno, std::string_view page,
                              uint64_t page_hash) {
  size_t chunk_bytes = 0;
  Status s = new_branch_->Put(pgno, page, page_hash, &chunk_bytes);
  written_bytes_ += chunk_bytes;
  return s;
}

Status ChunkMaker::Unstage(PageNo pgno) {
  uint64_t staged_hash = 0;
  uint64_t base_hash = 0;
  if (Status s = new_branch_->Hash(pgno, &staged_hash); !s.ok()) return s;
  if (Status s = base_->Hash(pgno, &base_hash); !s.ok()) return s;
  digest_change_ -= staged_hash - base_hash;
  new_branch_->Remove(pgno);
  return Status::Ok();
}

Status ChunkMaker::Remove(PageNo pgno) {
  uint64_t base_hash = 0;
  if (Status s = base_->Hash(pgno, &base_hash); !s.ok()) return s;
  digest_change_ -= base_hash;
  return Status::Ok();
}

// Without a base in `form` the page is to be stored whole.
Status ChunkMaker::FindDelta(PageNo pgno, std::string_view page,
                             StoredForm* form) {
  *form = StoredForm();
  if (new_branch_->exists() || !base_->Shows(pgno) ||
      base_->page_size() < kMinDeltaPageSize) {
    return Status::Ok();
  }
  PagePin old;
  if (Status s = base_->Pin(pgno, &old); !s.ok()) return s;
  StoredForm found = old->form();
  if (found.base == TxId{}) return Status::Ok();
  found.changed.AddDifferences(old->page(), page);
  const uint32_t count = found.changed.count();
  if (count != 0 && count <= kMaxDeltaBlocks) *form = found;
  return Status::Ok();
}

Status ChunkMaker::PutChunk(PageNo pgno, const std::string& page,
                            uint64_t page_hash, Batch* batch) {
  const ChunkId id{branch_, pgno, txid_};
  StoredForm form;
  if (Status s = FindDelta(pgno, page, &form); !s.ok()) return s;
  const bool whole = form.base == TxId{};
  const std::string value =
      whole ? EncodeChunk(id, page, page_hash)
            : EncodeDeltaChunk(id, EncodeDelta(form, page), page_hash);
  batch->Put(BranchPartition(id.branch), ChunkKey(pgno, txid_), value);
  written_bytes_ += value.size();
  if (whole) form.base = txid_;
  made_pages_.emplace_back(pgno,
                           CachedPage::Make({txid_, page_hash}, page, form));
  if (new_branch_->exists()) {
    new_branch_->Add(pgno);
  } else {
    changed_pages_.push_back(pgno);
  }
  return Status::Ok();
}

// `old_page` is as stored; null: it does not show through.
void ChunkMaker::MakeFirstPage(const PageBuffer& written,
                               const PagePin& old_page,
                               std::optional<uint32_t> stamp) {
  const std::string* page = written.Find(1);
  if (page != nullptr) {
    first_page_ = *page;
  } else if (old_page != nullptr) {
    first_page_ = old_page->page();
    if (base_->stamp().has_value()) {
      ApplyStamp(*base_->stamp(), first_page_.data());
    }
  } else {
    first_page_.assign(base_->page_size(), '\0');
  }
  if (stamp.has_value()) ApplyStamp(*stamp, first_page_.data());
}

// Whether the branch that goes on has the first page, but for its stamp.
// Without a stamp in the head page 1 is as stored, so it must be stored.
bool ChunkMaker::IsStored(const PagePin& old_page,
                          std::optional<uint32_t> stamp) const {
  if (old_page == nullptr || new_branch_->exists()) return false;
  if (!base_->stamp().has_value()) return old_page->page() == first_page_;
  return stamp.has_value() && EqualBesidesStamp(old_page->page(), first_page_);
}

Status ChunkMaker::PutFirstPage(const PageBuffer& written,
                                std::optional<uint32_t> stamp, Batch* batch) {
  uint64_t old_hash = 0;
  if (Status s = base_->Hash(1, &old_hash); !s.ok()) return s;
  digest_change_ -= old_hash;
  PagePin old_page;
  if (base_->page_count() > 0) {
    if (Status s = base_->Pin(1, &old_page); !s.ok()) return s;
  }
  if (written.page_count() == 0) return Status::Ok();
  MakeFirstPage(written, base_->Shows(1) ? old_page : nullptr, stamp);
  first_page_hash_ = PageHash(1, first_page_);
  digest_change_ += first_page_hash_;
  if (IsStored(old_page, stamp)) return Status::Ok();
  return PutChunk(1, first_page_, first_page_hash_, batch);
}

void ChunkMaker::CachePages(uint64_t store_id) noexcept {
  for (auto& [pgno, page] : made_pages_) {
    PageCache::Instance()->Insert({store_id, branch_, pgno}, txid_,
                                  std::move(page));
  }
}

}  // namespace actorkv
