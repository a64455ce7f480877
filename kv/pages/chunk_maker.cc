#include "kv/pages/chunk_maker.h"

#include "kv/cache/page_cache.h"
#include "kv/format/chunk.h"
#include "kv/format/keys.h"

namespace actorkv {

// Where the page is the base's there is nothing to add.
Status ChunkMaker::AddToDigest(const NewPage& page, OldPage* old, bool* equal) {
  *old = OldPage();
  *equal = false;
  uint64_t old_hash = 0;
  // A page that was staged before has its hash in the digest already, in place
  // of the base's. So it is that one which is subtracted.
  if (new_branch_->Has(page.pgno)) {
    if (Status s = new_branch_->Hash(page.pgno, &old_hash); !s.ok()) return s;
  } else {
    if (Status s = base_->Look(page.pgno, old); !s.ok()) return s;
    old_hash = old->page_hash;
    *equal = base_->Equals(page.pgno, *old, page.bytes, page.page_hash);
  }
  if (!*equal) digest_change_ += page.page_hash - old_hash;
  return Status::Ok();
}

Status ChunkMaker::Put(PageNo pgno, const std::string& page, Batch* batch) {
  const NewPage made{pgno, page, PageHash(pgno, page)};
  OldPage old;
  bool equal = false;
  if (Status s = AddToDigest(made, &old, &equal); !s.ok()) return s;
  // An equal page is not stored again: SQLite writes whole pages of a leaf that
  // it only looked at, and a backup writes all.
  if (!equal) PutChunk(made, old, batch);
  return Status::Ok();
}

Status ChunkMaker::Stage(PageNo pgno, const std::string& page) {
  const NewPage made{pgno, page, PageHash(pgno, page)};
  OldPage old;
  bool equal = false;
  Status s = AddToDigest(made, &old, &equal);
  if (!s.ok() || equal) return s;
  return StageChunk(pgno, page, made.page_hash);
}

Status ChunkMaker::Load(PageNo pgno, std::string_view page,
                        uint64_t page_hash) {
  // There is nothing below to subtract: pages are loaded only where no version
  // of them was.
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
  // The base shows through for the digest's sake alone; Cut() takes it away as
  // well.
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

// Without a base in the form the page is to be stored whole.
StoredForm ChunkMaker::FindDelta(const NewPage& page,
                                 const OldPage& old) const {
  // A delta needs a base in the same branch (kv/README.md, invariant 9), and
  // one that the page really replaces: what was cut off and grew again is
  // zeros.
  if (new_branch_->exists() || !base_->Shows(page.pgno) ||
      base_->page_size() < kMinDeltaPageSize || old.stored == nullptr) {
    return {};
  }
  StoredForm form = old.stored->form();
  // The base of the new delta is that of the old one, a whole page. So a reader
  // reads one more chunk, never a chain of them.
  if (form.base == TxId{}) return {};
  // Blocks add up: those in which the stored delta differs from the whole page
  // stay in the set, as the new one replaces the delta, not only the last
  // change.
  form.changed.AddDifferences(old.stored->page(), page.bytes);
  const uint32_t count = form.changed.count();
  return count != 0 && count <= kMaxDeltaBlocks ? form : StoredForm();
}

void ChunkMaker::PutChunk(const NewPage& page, const OldPage& old,
                          Batch* batch) {
  const ChunkId id{branch_, page.pgno, txid_};
  StoredForm form = FindDelta(page, old);
  const bool whole = form.base == TxId{};
  const std::string value =
      whole
          ? EncodeChunk(id, page.bytes, page.page_hash)
          : EncodeDeltaChunk(id, EncodeDelta(form, page.bytes), page.page_hash);
  batch->Put(BranchPartition(id.branch), ChunkKey(id.pgno, txid_), value);
  written_bytes_ += value.size();
  if (whole) form.base = txid_;
  // The page for the cache is made here, where memory may still run out: after
  // the commit nothing allocates (kv/README.md, invariant 14).
  made_pages_.emplace_back(
      id.pgno, CachedPage::Make({txid_, page.page_hash}, page.bytes, form));
  if (new_branch_->exists()) {
    new_branch_->Add(id.pgno);
  } else {
    changed_pages_.push_back(id.pgno);
  }
}

// `old_page` is as stored; null: it does not show through.
void ChunkMaker::MakeFirstPage(const PageBuffer& written,
                               const PagePin& old_page,
                               std::optional<uint32_t> stamp) {
  const std::string* page = written.Find(1);
  if (page != nullptr) {
    first_page_ = *page;
  } else if (old_page != nullptr) {
    first_page_ = base_->ShownFirstPage(*old_page);
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
  // With a stamp in both heads the counters are nowhere but there, and a commit
  // that changes nothing else of page 1 saves its chunk (kv/decisions/016).
  if (!base_->stamp().has_value()) return old_page->page() == first_page_;
  return stamp.has_value() && EqualBesidesStamp(old_page->page(), first_page_);
}

Status ChunkMaker::PutFirstPage(const PageBuffer& written,
                                std::optional<uint32_t> stamp, Batch* batch) {
  OldPage old;
  if (Status s = base_->Look(1, &old); !s.ok()) return s;
  digest_change_ -= old.page_hash;
  if (written.page_count() == 0) return Status::Ok();
  MakeFirstPage(written, base_->Shows(1) ? old.stored : nullptr, stamp);
  first_page_hash_ = PageHash(1, first_page_);
  digest_change_ += first_page_hash_;
  if (!IsStored(old.stored, stamp)) {
    PutChunk({1, first_page_, first_page_hash_}, old, batch);
  }
  return Status::Ok();
}

void ChunkMaker::CachePages(uint64_t store_id) noexcept {
  for (auto& [pgno, page] : made_pages_) {
    PageCache::Instance()->Insert({store_id, branch_, pgno}, txid_,
                                  std::move(page));
  }
}

}  // namespace actorkv
