#include "kv/pages/stage_writer.h"

#include <utility>

#include "kv/engine/engine_limits.h"
#include "kv/format/chunk.h"
#include "kv/format/keys.h"
#include "kv/store/store.h"

namespace actorkv {

StageWriter::StageWriter(Store* store, BranchId branch, TxId txid,
                         uint32_t page_size)
    : store_(store),
      branch_(branch),
      txid_(txid),
      page_size_(page_size),
      commits_(store) {}

Status StageWriter::Put(PageNo pgno, std::string_view page, uint64_t page_hash,
                        size_t* chunk_bytes) {
  // A reader would not see what is put from here on.
  reader_.reset();
  const size_t limit_bytes = StageBatchLimit(store_->engine()->limits());
  // The chunk is made in the batch itself: a page that is loaded is copied
  // once.
  if (batch_.empty()) batch_.Reserve(limit_bytes + kMaxPageSize);
  batch_.PutMade(BranchPartition(branch_), ChunkKey(pgno, txid_),
                 [&](std::string* bytes) {
                   const size_t begin = bytes->size();
                   AppendChunk({branch_, pgno, txid_}, page, page_hash, bytes);
                   *chunk_bytes = bytes->size() - begin;
                 });
  return batch_.size_bytes() < limit_bytes ? Status::Ok() : Flush();
}

Status StageWriter::Flush() {
  return commits_.Add(&batch_).WithContext("staging");
}

Status StageWriter::Finish() {
  if (Status s = Flush(); !s.ok()) return s;
  return commits_.Wait().WithContext("staging");
}

Status StageWriter::Reader(BranchReader** reader) {
  if (reader_ == nullptr) {
    // Batches that are under way are not to be read yet.
    if (Status s = Finish(); !s.ok()) return s;
    Snapshot snapshot;
    snapshot.branch = branch_;
    snapshot.txid = txid_;
    snapshot.page_size = page_size_;
    auto lineage = std::make_shared<Lineage>();
    lineage->push_back({ActorId{}, branch_, txid_});
    reader_ = std::make_unique<BranchReader>(store_->engine());
    reader_->SetSnapshot(snapshot, std::move(lineage));
  }
  *reader = reader_.get();
  return Status::Ok();
}

}  // namespace actorkv
