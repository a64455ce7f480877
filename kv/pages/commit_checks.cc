#include "kv/pages/commit_checks.h"

#include <memory>
#include <optional>

#include "kv/format/chunk.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/pages/batch_chunks.h"
#include "kv/pages/branch_reader.h"
#include "kv/pages/delta_reader.h"
#include "kv/pages/page_list_check.h"

namespace actorkv {

namespace {

std::string DeltaBreach(EngineReader* reader, const Batch& batch,
                        const ChunkId& id, TxId base) {
  const ChunkId base_id{id.branch, id.pgno, base};
  const Partition partition = BranchPartition(id.branch);
  const std::string key = ChunkKey(id.pgno, base);
  std::optional<std::string> value;
  if (const auto put = FindPut(batch, partition, key); put.has_value()) {
    value = std::string(*put);
  } else if (!GetValue(reader, partition, key, &value).ok()) {
    return "";
  }
  const std::string what =
      "the base, txid=" + std::to_string(base.value) + ", of a delta ";
  if (!value.has_value()) return what + "is missing: " + ChunkName(id);
  DecodedChunk chunk;
  if (!DecodeChunk(base_id, *value, &chunk).ok()) return "";
  if (chunk.codec != Codec::kDelta) return "";
  return what + "is a delta: " + ChunkName(id);
}

}  // namespace

std::string BreachInDeltas(Engine* engine, const Batch& batch) {
  const std::unique_ptr<EngineReader> reader = engine->NewReader();
  for (size_t i = 0; i < batch.op_count(); ++i) {
    const Batch::Op op = batch.op(i);
    if (op.partition.kind != PartitionKind::kBranch || !op.value.has_value()) {
      continue;
    }
    ChunkId id{BranchId{op.partition.id}, 0, {}};
    DecodedChunk chunk;
    Status s = ParseChunkKey(op.key, &id.pgno, &id.txid);
    if (s.ok()) s = DecodeChunk(id, *op.value, &chunk);
    if (!s.ok()) {
      return "a chunk that is stored cannot be read: " +
             std::string(s.message());
    }
    if (chunk.codec != Codec::kDelta) continue;
    std::string breach =
        DeltaBreach(reader.get(), batch, id, chunk.delta.form.base);
    if (!breach.empty()) return breach;
  }
  return "";
}

namespace {

// Reads the pages of a version that is not committed yet.
class MadePages {
 public:
  MadePages(Engine* engine, const HeadState& made, const Batch& batch)
      : snapshot_(made.head.snapshot),
        chunks_(ChunksOf(batch, snapshot_.branch, snapshot_.txid)),
        bases_(engine->NewReader()),
        stored_(engine) {
    stored_.SetSnapshot(snapshot_, made.lineage);
  }

  // The page as SQLite sees it.
  Status Read(PageNo pgno, std::string* page) {
    page->assign(snapshot_.page_size, '\0');
    const auto found = chunks_.find(pgno);
    if (found == chunks_.end()) return stored_.ReadPage(pgno, page->data());
    const ChunkId id{snapshot_.branch, pgno, snapshot_.txid};
    DecodedChunk chunk;
    Status s = DecodeChunk(id, found->second, &chunk);
    if (s.ok()) s = Unpack(id, chunk, page->data());
    if (s.ok() && pgno == 1 && snapshot_.stamp.has_value()) {
      ApplyStamp(*snapshot_.stamp, page->data());
    }
    return s;
  }

 private:
  Status Unpack(const ChunkId& id, const DecodedChunk& chunk, char* page) {
    if (chunk.codec == Codec::kDelta) {
      return UnpackDelta(bases_.get(), id, chunk, page);
    }
    return UnpackPage(id, chunk, snapshot_.page_size, page);
  }

  const Snapshot snapshot_;
  const BatchChunks chunks_;
  const std::unique_ptr<EngineReader> bases_;
  BranchReader stored_;
};

}  // namespace

std::string BreachInDigest(Engine* engine, const HeadState& made,
                           const Batch& batch) {
  const Snapshot& snapshot = made.head.snapshot;
  if (snapshot.page_count > kMaxCheckedPages) return "";
  MadePages pages(engine, made, batch);
  uint64_t digest = 0;
  std::string page;
  for (PageNo pgno = 1; pgno <= snapshot.page_count; ++pgno) {
    // Nobody reads a store here that is damaged, so it is not the commit's.
    if (!pages.Read(pgno, &page).ok()) return "";
    digest += PageHash(pgno, page);
  }
  if (digest == made.head.digest) return "";
  return "the digest of the head is not that of its pages: " +
         ChunkName({snapshot.branch, 0, snapshot.txid});
}

namespace {

// What is stored may be another writer's then, under the same txids.
bool IsRefused(Engine* engine, const Batch& batch) {
  const std::unique_ptr<EngineReader> reader = engine->NewReader();
  for (const Batch::Guard& guard : batch.guards()) {
    std::optional<std::string> value;
    if (!GetValue(reader.get(), guard.partition, guard.key, &value).ok() ||
        value != guard.expected) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string BreachInCommit(Engine* engine, const std::string& actor,
                           const HeadState& made, const Batch& batch) {
  std::string breach = BreachInDeltas(engine, batch);
  if (breach.empty()) breach = BreachInPageList(engine, made, batch);
  if (breach.empty()) breach = BreachInDigest(engine, made, batch);
  if (breach.empty() || IsRefused(engine, batch)) return "";
  return "actor=" + actor + ": " + breach;
}

}  // namespace actorkv
