#include "kv/pages/new_branch.h"

#include "kv/format/keys.h"
#include "kv/store/store.h"

namespace actorkv {

Status NewBranch::BeginStage(ActorId actor, TxId txid, Batch* batch) {
  StageRecord record;
  record.actor = actor;
  record.created_at_us = id_.value;
  // Who finds the record asks whether its owner lives (kv/README.md, invariant
  // 5).
  record.owner = store_->engine()->owner();
  const std::string key = StageKey(id_);
  batch->Put(CatalogPartition(), key, EncodeRecord(key, record));
  writer_ = std::make_unique<StageWriter>(store_, id_, txid, page_size_);
  is_staged_ = true;
  // The record need not be on the disk before the chunks: the log keeps their
  // order, so what survives of a stage has its record.
  return store_->Commit(*batch, Durability::kBuffered)
      .status.WithContext("staging");
}

void NewBranch::Resume(BranchId id, TxId txid, PageNo last_page) {
  id_ = id;
  is_staged_ = true;
  writer_ = std::make_unique<StageWriter>(store_, id_, txid, page_size_);
  has_.resize(size_t{last_page} + 1);
  // A load goes from page 2 to the last without a gap, so its progress is one
  // number.
  for (PageNo pgno = 2; pgno <= last_page; ++pgno) {
    if (pgno != LockPage(page_size_)) Add(pgno);
  }
}

void NewBranch::Add(PageNo pgno) {
  if (Has(pgno)) return;
  ++added_count_;
  ++page_count_;
  if (has_.size() <= pgno) has_.resize(size_t{pgno} + 1);
  has_[pgno] = true;
}

void NewBranch::Remove(PageNo pgno) {
  if (!Has(pgno)) return;
  has_[pgno] = false;
  --page_count_;
}

PageNo NewBranch::NextAfter(PageNo pgno) const {
  for (size_t next = size_t{pgno} + 1; next < has_.size(); ++next) {
    if (has_[next]) return static_cast<PageNo>(next);
  }
  return 0;
}

std::vector<PageNo> NewBranch::Pages() const {
  std::vector<PageNo> pages;
  for (PageNo pgno = 1; pages.size() < page_count_; ++pgno) {
    if (has_[pgno]) pages.push_back(pgno);
  }
  return pages;
}

Status NewBranch::Put(PageNo pgno, std::string_view page, uint64_t page_hash,
                      size_t* chunk_bytes) {
  Add(pgno);
  return writer_->Put(pgno, page, page_hash, chunk_bytes);
}

Status NewBranch::Read(PageNo pgno, char* page) {
  BranchReader* reader = nullptr;
  if (Status s = writer_->Reader(&reader); !s.ok()) return s;
  return reader->ReadPage(pgno, page);
}

Status NewBranch::Hash(PageNo pgno, uint64_t* page_hash) {
  BranchReader* reader = nullptr;
  if (Status s = writer_->Reader(&reader); !s.ok()) return s;
  return reader->HashPage(pgno, page_hash);
}

void NewBranch::Drop(ActorId actor) noexcept {
  writer_.reset();  // what lands after the drop would never be dropped
  if (is_staged_) store_->work()->AddDeadStage(actor, id_);
  is_staged_ = false;
}

// Where the commit could not take the stage record away, dropping the stage
// does; it finds the branch record and keeps the branch.
void NewBranch::Detach(ActorId actor, bool committed) noexcept {
  if (committed && is_staged_ &&
      !store_->engine()->limits().multi_partition_commit) {
    store_->work()->AddDeadStage(actor, id_);
  }
  is_staged_ = false;
}

}  // namespace actorkv
