#include "kv/stage_writer.h"

#include <utility>

#include "kv/engine_limits.h"
#include "kv/keys.h"

namespace actorkv {

StageWriter::StageWriter(Store* store, BranchId branch, TxId txid,
                         uint32_t page_size)
    : store_(store),
      branch_(branch),
      txid_(txid),
      page_size_(page_size),
      commits_(store) {}

Status StageWriter::Put(PageNo pgno, std::string_view chunk) {
  reader_.reset();
  batch_.Put(BranchPartition(branch_), ChunkKey(pgno, txid_), chunk);
  if (batch_.size_bytes() < StageBatchLimit(store_->engine()->limits())) {
    return Status::Ok();
  }
  return Flush();
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
