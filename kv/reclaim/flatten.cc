#include "kv/reclaim/flatten.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/base/events.h"
#include "kv/base/invariant.h"
#include "kv/base/metrics.h"
#include "kv/engine/prefix_scan.h"
#include "kv/format/history_records.h"
#include "kv/format/keys.h"
#include "kv/pages/branch_reader.h"
#include "kv/pages/commit_checks.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

// An ancestor is copied unless it is this many times as large as all newer
// branches together.
constexpr uint64_t kMaxGrowth = 2;

constexpr size_t kScanChunks = 64;  // in memory at a time: 64 pages

class Flattener {
 public:
  // `record` and `lineage` are those of the head's branch.
  Flattener(Store* store, const HeadState& state, const BranchRecord& record,
            std::shared_ptr<const Lineage> lineage)
      : store_(store),
        actor_(state.entry.actor),
        branch_(state.head.snapshot.branch),
        lineage_(std::move(lineage)),
        record_(record),
        resolver_(store->engine()),
        // Half of the limit leaves room for the chunk that goes past it.
        max_copy_bytes_(store->engine()->limits().max_batch_bytes / 2) {
    // The snapshot is what the branch inherits: the view just below its first
    // commit.
    Snapshot inherited;
    inherited.branch = branch_;
    inherited.txid = TxId{record_.first_txid.value - 1};
    inherited.page_size = state.head.snapshot.page_size;
    resolver_.SetSnapshot(inherited, lineage_);
  }

  Status Run(std::shared_ptr<const Lineage>* lineage) {
    size_t end = 0;
    if (Status s = ChooseLevels(&end); !s.ok()) return s;
    for (size_t level = 1; level < end; ++level) {
      if (Status s = CopyLevel((*lineage_)[level]); !s.ok()) return s;
    }
    if (end > 1) return MoveParent(end, lineage);
    *lineage = lineage_;
    return Status::Ok();
  }

 private:
  // Chooses how many ancestors are copied: invariant 3. The oldest one never
  // is: it holds every page.
  Status ChooseLevels(size_t* end) {
    std::unique_ptr<EngineReader> reader = store_->engine()->NewReader();
    uint64_t newer_chunks = record_.chunk_count;
    size_t level = 1;
    for (; level + 1 < lineage_->size(); ++level) {
      const BranchPoint& point = (*lineage_)[level];
      BranchRecord ancestor;
      if (Status s = LoadBranchRecord(reader.get(), point.actor, point.branch,
                                      &ancestor);
          !s.ok()) {
        return s;
      }
      if (ancestor.chunk_count > kMaxGrowth * newer_chunks) break;
      newer_chunks += ancestor.chunk_count;
    }
    *end = level;
    return Status::Ok();
  }

  // Copies the pages of one ancestor that the branch still sees.
  Status CopyLevel(const BranchPoint& point) {
    std::unique_ptr<EngineReader> reader = store_->engine()->NewReader();
    std::string start = ChunkKey(0, kLastTxId);
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
      start = KeyAfter(pairs.back().key);
    }
  }

  Status CommitCopies(Batch* batch) {
    if (batch->empty()) return Status::Ok();
    CheckInvariant([&] { return BreachInDeltas(store_->engine(), *batch); });
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
    // A newer version, there or in a nearer branch, hides this one.
    if (seen.id.branch != id.branch || seen.id.txid != id.txid) {
      return Status::Ok();
    }
    // The txid stays: no snapshot sees another version for it (invariant 1).
    const ChunkId copy{branch_, id.pgno, id.txid};
    std::string value;
    if (Status s = CopyFor(copy, seen, &value); !s.ok()) return s;
    batch->Put(BranchPartition(branch_), ChunkKey(id.pgno, id.txid), value);
    ++copied_count_;
    return Status::Ok();
  }

  // Makes the copy of a chunk; a delta is copied as its page, because the base
  // stays where it is.
  Status CopyFor(const ChunkId& copy, const PageVersion& seen,
                 std::string* value) {
    if (seen.chunk.codec != Codec::kDelta) {
      *value = CopyOfChunk(copy, seen.stored);
      return Status::Ok();
    }
    const uint64_t page_hash = seen.chunk.page_hash;
    std::string page(seen.chunk.delta.page_size, '\0');
    if (Status s = resolver_.UnpackVersion(
            seen, static_cast<uint32_t>(page.size()), page.data());
        !s.ok()) {
      return s;
    }
    *value = EncodeChunk(copy, page, page_hash);
    return Status::Ok();
  }

  // Keeps a parent of another actor by a fork record, as the old one was. Pages
  // of it that show through the old parent are there for as long as that is.
  void KeepParent(Batch* batch) {
    const BranchPoint& parent = *record_.parent;
    if (parent.actor == actor_) return;
    ForkRecord fork;
    fork.child = actor_;
    fork.txid = parent.txid;
    fork.created_at_us = record_.created_at_us;
    const std::string key = ForkKey(parent.branch, branch_);
    batch->Put(ActorPartition(parent.actor), key, EncodeRecord(key, fork));
  }

  // Makes level `end` the parent; levels 1 to end - 1 are copied.
  Status MoveParent(size_t end, std::shared_ptr<const Lineage>* lineage) {
    const std::string key = BranchRecordKey(branch_);
    const std::string old_bytes = EncodeRecord(key, record_);
    record_.parent = (*lineage_)[end];
    record_.chunk_count += copied_count_;
    Batch batch;
    KeepParent(&batch);
    batch.Put(ActorPartition(actor_), key, EncodeRecord(key, record_));
    batch.AddGuard(ActorPartition(actor_), key, old_bytes);
    // Reclaim sees both ends of the branch as they were, or as they will be.
    const Gate::Hold hold = store_->history_gate()->Keep();
    CommitResult result = store_->Commit(batch, Durability::kBuffered);
    if (!result.done()) return result.status;
    auto shorter = std::make_shared<Lineage>(*lineage_);
    shorter->erase(shorter->begin() + 1,
                   shorter->begin() + static_cast<std::ptrdiff_t>(end));
    *lineage = std::move(shorter);
    return Status::Ok();
  }

  Store* const store_;
  const ActorId actor_;
  const BranchId branch_;
  const std::shared_ptr<const Lineage> lineage_;
  BranchRecord record_;
  uint32_t copied_count_ = 0;
  BranchReader resolver_;
  const size_t max_copy_bytes_;  // bytes of one engine commit
};

}  // namespace

Status Flatten(Store* store, Actor* actor) {
  const EventTimer timer;
  std::shared_ptr<const HeadState> state;
  Pin pin;
  // The pin keeps the ancestors' pages while they are copied.
  if (Status s = actor->CurrentPinned(store->pins(), &pin, &state); !s.ok()) {
    return s;
  }
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
  // A lineage may be long in memory only: it was flattened while a transaction
  // was running.
  if (lineage->size() > kMaxLineageDepth) {
    BranchRecord record;
    if (Status s = LoadBranchRecord(reader.get(), id, branch, &record);
        !s.ok()) {
      return s;
    }
    if (Status s = Flattener(store, *state, record, lineage).Run(&lineage);
        !s.ok()) {
      return s.WithContext("flattening actor=" + actor->name());
    }
    Add(Metric::kFlattens);
    NoteEvent({EventKind::kFlatten, store->path(), actor->name(),
               "the branch had " + std::to_string(state->lineage->size() - 1) +
                   " ancestors",
               timer.elapsed_us()});
  }
  actor->ReplaceLineage(branch, std::move(lineage));
  return Status::Ok();
}

}  // namespace actorkv
