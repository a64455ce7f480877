#include "kv/flatten.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/branch_reader.h"
#include "kv/keys.h"
#include "kv/store.h"

namespace actorkv {

namespace {

constexpr size_t kScanChunks = 64;  // at a time: bounds memory, 64 pages

class Flattener {
 public:
  Flattener(Store* store, const HeadState& state, BranchRecord record)
      : store_(store),
        actor_(state.entry.actor),
        branch_(state.head.snapshot.branch),
        lineage_(state.lineage),
        record_(std::move(record)),
        resolver_(store->engine()),
        max_copy_bytes_(store->engine()->limits().max_batch_bytes / 2) {
    // What the branch inherits: the view just below its first commit.
    Snapshot inherited;
    inherited.branch = branch_;
    inherited.txid = TxId{record_.first_txid.value - 1};
    inherited.page_size = state.head.snapshot.page_size;
    resolver_.SetSnapshot(inherited, lineage_);
  }

  Status Run(std::shared_ptr<const Lineage>* lineage) {
    for (size_t level = 1; level + 1 < lineage_->size(); ++level) {
      if (Status s = CopyLevel((*lineage_)[level]); !s.ok()) return s;
    }
    return MoveParent(lineage);
  }

 private:
  // Copies the pages of one ancestor that the branch still sees.
  Status CopyLevel(const BranchPoint& point) {
    std::unique_ptr<EngineReader> reader = store_->engine()->NewReader();
    std::string start = ChunkKey(0, TxId{~uint64_t{0}});
    for (;;) {
      std::vector<KeyValue> pairs;
      if (Status s = reader->Scan(BranchPartition(point.branch), start,
                                  kScanChunks, &pairs);
          !s.ok()) {
        return s;
      }
      Batch batch;
      for (const KeyValue& pair : pairs) {
        if (Status s = CopyChunk(point, pair, &batch); !s.ok()) return s;
        if (batch.size_bytes() < max_copy_bytes_) continue;
        if (Status s = CommitCopies(&batch); !s.ok()) return s;
      }
      if (Status s = CommitCopies(&batch); !s.ok()) return s;
      if (pairs.size() < kScanChunks) return Status::Ok();
      start = pairs.back().key + std::string(1, '\0');
    }
  }

  Status CommitCopies(Batch* batch) {
    if (batch->empty()) return Status::Ok();
    CommitResult result = store_->Commit(*batch, Durability::kBuffered);
    batch->Clear();
    return result.status;
  }

  Status CopyChunk(const BranchPoint& point, const KeyValue& pair,
                   Batch* batch) {
    ChunkId id{point.branch, 0, {}};
    if (Status s = ParseChunkKey(pair.key, &id.pgno, &id.txid); !s.ok()) {
      return s;
    }
    if (point.txid < id.txid) return Status::Ok();  // after the branch began
    PageVersion seen;
    if (Status s = resolver_.FindPage(id.pgno, &seen); !s.ok()) return s;
    if (seen.id.branch != id.branch || seen.id.txid != id.txid) {
      return Status::Ok();
    }
    const ChunkId copy{branch_, id.pgno, id.txid};
    batch->Put(BranchPartition(branch_), ChunkKey(id.pgno, id.txid),
               CopyOfChunk(copy, seen.stored));
    return Status::Ok();
  }

  Status MoveParent(std::shared_ptr<const Lineage>* lineage) {
    const std::string key = BranchRecordKey(branch_);
    const std::string old_bytes = EncodeRecord(key, record_);
    record_.parent = lineage_->back();
    Batch batch;
    batch.Put(ActorPartition(actor_), key, EncodeRecord(key, record_));
    batch.AddGuard(ActorPartition(actor_), key, old_bytes);
    CommitResult result = store_->Commit(batch, Durability::kBuffered);
    if (!result.done()) return result.status;
    *lineage =
        std::make_shared<Lineage>(Lineage{lineage_->front(), lineage_->back()});
    return Status::Ok();
  }

  Store* const store_;
  const ActorId actor_;
  const BranchId branch_;
  const std::shared_ptr<const Lineage> lineage_;
  BranchRecord record_;
  BranchReader resolver_;
  const size_t max_copy_bytes_;  // of one engine commit
};

}  // namespace

Status Flatten(Store* store, Actor* actor) {
  std::shared_ptr<const HeadState> state;
  if (Status s = actor->Current(&state); !s.ok()) return s;
  if (!state->exists || state->lineage->size() <= kMaxLineageDepth) {
    return Status::Ok();
  }
  const ActorId id = state->entry.actor;
  const BranchId branch = state->head.snapshot.branch;
  std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  std::shared_ptr<const Lineage> lineage;
  if (Status s = LoadLineage(reader.get(), id, branch, &lineage); !s.ok()) {
    return s;
  }
  // Long in memory only: flattened while a transaction was running.
  if (lineage->size() > kMaxLineageDepth) {
    BranchRecord record;
    if (Status s = LoadBranchRecord(reader.get(), id, branch, &record);
        !s.ok()) {
      return s;
    }
    if (Status s = Flattener(store, *state, record).Run(&lineage); !s.ok()) {
      return s.WithContext("flattening actor=" + actor->name());
    }
  }
  actor->ReplaceLineage(branch, std::move(lineage));
  return Status::Ok();
}

}  // namespace actorkv
