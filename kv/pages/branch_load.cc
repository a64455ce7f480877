// The part of BranchWriter that loads a new database from front to back.

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "kv/format/keys.h"
#include "kv/pages/branch_writer.h"
#include "kv/store/store.h"

namespace actorkv {

bool BranchWriter::CanLoad(PageNo pgno) const {
  return source_->head.snapshot.page_count == 0 && pgno > 1 &&
         pgno != LockPage(page_size_) && !IsStaged(pgno) &&
         pages_.count(pgno) == 0;
}

Status BranchWriter::LoadPage(PageNo pgno, const char* page,
                              uint64_t page_hash) {
  if (!failed_.ok()) return failed_;
  if (!CanLoad(pgno)) return WritePage(pgno, page);
  if (!stage_known_) failed_ = BeginStage();
  if (!failed_.ok()) return failed_;
  page_count_ = std::max(page_count_, pgno);
  digest_delta_ += page_hash;
  failed_ = StageChunk(pgno, std::string_view(page, page_size_), page_hash);
  return failed_;
}

Status BranchWriter::SaveLoad(LoadProgress* progress) {
  if (failed_.ok()) failed_ = BeginStage();
  if (failed_.ok()) failed_ = staged_chunks_->Finish();
  if (!failed_.ok()) return failed_;
  progress->stage = stage_;
  progress->txid = txid_;
  progress->page_size = page_size_;
  progress->last_page = page_count_;
  progress->digest = digest_delta_;
  progress->written_bytes = written_bytes_;
  return Status::Ok();
}

Status BranchWriter::ResumeLoad(const LoadProgress& progress, bool* resumed) {
  *resumed = false;
  if (source_->head.snapshot.page_count != 0) return Status::Ok();
  const std::string key = StageKey(progress.stage);
  std::vector<std::optional<std::string>> values;
  if (Status s = store_->engine()->NewReader()->Get(CatalogPartition(), {key},
                                                    &values);
      !s.ok()) {
    return s;
  }
  if (!values[0].has_value()) return Status::Ok();
  // A txid that this process gave away is not used again; of a process that is
  // gone nothing is under way.
  txid_ = actor_->TakeTxId(source_->head.snapshot.txid);
  if (progress.txid < txid_) return Status::Ok();
  if (txid_ < progress.txid) {
    txid_ = actor_->TakeTxId(TxId{progress.txid.value - 1});
  }
  stage_ = progress.stage;
  stage_known_ = true;
  staged_chunks_ =
      std::make_unique<StageWriter>(store_.get(), stage_, txid_, page_size_);
  page_count_ = progress.last_page;
  staged_.resize(size_t{page_count_} + 1);
  for (PageNo pgno = 2; pgno <= page_count_; ++pgno) {
    if (pgno != LockPage(page_size_)) NoteStaged(pgno);
  }
  digest_delta_ = progress.digest;
  written_bytes_ = progress.written_bytes;
  *resumed = true;
  return Status::Ok();
}

}  // namespace actorkv
