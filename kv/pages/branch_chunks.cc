// The part of BranchWriter that makes pages into chunks: whole, or as deltas
// (kv/format/page_delta.h).

#include <algorithm>
#include <string>
#include <utility>

#include "kv/format/keys.h"
#include "kv/format/page_list.h"
#include "kv/pages/branch_writer.h"

namespace actorkv {

// Into the stage where `batch` is null.
Status BranchWriter::PutPage(PageNo pgno, const std::string& page,
                             Batch* batch) {
  const uint64_t page_hash = PageHash(pgno, page);
  uint64_t old_hash = 0;
  if (IsStaged(pgno)) {
    if (Status s = HashStaged(pgno, &old_hash); !s.ok()) return s;
  } else {
    bool equal = false;
    if (Status s = EqualsBase(pgno, page, page_hash, &old_hash, &equal);
        !s.ok()) {
      return s;
    }
    if (equal) return Status::Ok();
  }
  digest_delta_ += page_hash - old_hash;
  if (batch == nullptr) return StageChunk(pgno, page, page_hash);
  return PutChunk(pgno, page, page_hash, batch);
}

Status BranchWriter::StageChunk(PageNo pgno, std::string_view page,
                                uint64_t page_hash) {
  NoteStaged(pgno);
  size_t chunk_bytes = 0;
  Status s = staged_chunks_->Put(pgno, page, page_hash, &chunk_bytes);
  written_bytes_ += chunk_bytes;
  return s;
}

// How the page can be stored as a delta. Without a base: it is to be whole.
Status BranchWriter::FindDelta(PageNo pgno, std::string_view page,
                               StoredForm* form) {
  *form = StoredForm();
  if (stage_ != BranchId{} || rewrite_ || pgno > base_limit_ ||
      page_size_ < kMinDeltaPageSize) {
    return Status::Ok();
  }
  PagePin old;
  if (Status s = base_reader_.PinPage(pgno, &old); !s.ok()) return s;
  StoredForm found = old->form();
  if (found.base == TxId{}) return Status::Ok();
  found.changed.AddDifferences(old->page(), page);
  const uint32_t count = found.changed.count();
  if (count != 0 && count <= kMaxDeltaBlocks) *form = found;
  return Status::Ok();
}

Status BranchWriter::PutChunk(PageNo pgno, const std::string& page,
                              uint64_t page_hash, Batch* batch) {
  const ChunkId id{branch(), pgno, txid_};
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
  if (stage_ != BranchId{}) {
    NoteStaged(pgno);
  } else {
    ++changed_page_count_;
    changed_pages_.push_back(pgno);
  }
  return Status::Ok();
}

// The pages that the commit stores; none where that would be a long list.
std::optional<std::string> BranchWriter::ListPages() const {
  std::vector<PageNo> pages = changed_pages_;
  // A fork of a large database has one page here, the first.
  const size_t count = pages.size() + staged_count_;
  for (PageNo pgno = 1; pages.size() < count; ++pgno) {
    if (staged_[pgno]) pages.push_back(pgno);
  }
  std::string list = EncodePageList(std::move(pages));
  if (list.size() > kMaxPageListBytes) return std::nullopt;
  return list;
}

void BranchWriter::NoteStaged(PageNo pgno) {
  if (IsStaged(pgno)) return;
  ++changed_page_count_;
  if (staged_.size() <= pgno) staged_.resize(std::max(pgno, page_count_) + 1);
  staged_[pgno] = true;
  ++staged_count_;
}

}  // namespace actorkv
