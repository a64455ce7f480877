#include "kv/reclaim/removal_check.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kv/base/affix.h"
#include "kv/engine/prefix_scan.h"
#include "kv/format/keys.h"
#include "kv/format/records.h"

namespace actorkv {

namespace {

bool Removes(const Batch& batch, const ChunkId& id) {
  const std::string key = ChunkKey(id.pgno, id.txid);
  for (size_t i = 0; i < batch.op_count(); ++i) {
    const Batch::Op op = batch.op(i);
    if (op.partition == BranchPartition(id.branch) && op.key == key &&
        !op.value.has_value()) {
      return true;
    }
  }
  return false;
}

bool HasBranch(const Lineage& lineage, BranchId branch) {
  return std::any_of(
      lineage.begin(), lineage.end(),
      [branch](const BranchPoint& point) { return point.branch == branch; });
}

std::string Text(ActorId actor, const ChunkId& id, const std::string& who) {
  return "reclaim removes what " + who +
         " needs: actor_id=" + std::to_string(actor.value) + " " +
         ChunkName(id);
}

std::string CommitText(TxId txid) {
  return "a commit whose record is there, txid=" + std::to_string(txid.value) +
         ",";
}

// The status of a visitor that has seen enough.
Status EndOfScan() { return Status::Busy("enough"); }

}  // namespace

RemovalCheck::RemovalCheck(Engine* engine, ActorId actor,
                           std::vector<NeededSnapshot> needed)
    : actor_(actor), reader_(engine->NewReader()) {
  for (NeededSnapshot& one : needed) {
    Look look{std::move(one), std::make_unique<BranchReader>(engine)};
    look.reader->SetSnapshot(look.needed.read.snapshot,
                             look.needed.read.lineage);
    looks_.push_back(std::move(look));
  }
}

std::string RemovalCheck::BreachIn(const Batch& removals) {
  for (size_t i = 0; i < removals.op_count(); ++i) {
    const Batch::Op op = removals.op(i);
    ChunkId id{BranchId{op.partition.id}, 0, {}};
    if (op.partition.kind != PartitionKind::kBranch || op.value.has_value() ||
        !ParseChunkKey(op.key, &id.pgno, &id.txid).ok()) {
      continue;
    }
    std::string breach = BreachOf(id, removals);
    if (!breach.empty()) return breach;
  }
  return "";
}

std::string RemovalCheck::BreachOf(const ChunkId& id, const Batch& removals) {
  for (Look& look : looks_) {
    std::string breach = BreachOfLook(id, &look);
    if (!breach.empty()) return breach;
  }
  TxId newer = kLastTxId;
  std::string breach = BreachOfDeltas(id, removals, &newer);
  return breach.empty() ? BreachOfCommits(id, newer) : breach;
}

std::string RemovalCheck::BreachOfLook(const ChunkId& id, Look* look) const {
  const PinnedSnapshot& read = look->needed.read;
  PageVersion version;
  if (id.pgno > read.snapshot.page_count ||
      !HasBranch(*read.lineage, id.branch) ||
      !look->reader->FindPage(id.pgno, &version).ok() ||
      version.id.branch != id.branch) {
    return "";
  }
  const bool is_base = version.chunk.codec == Codec::kDelta &&
                       version.chunk.delta.form.base == id.txid;
  if (version.id.txid != id.txid && !is_base) return "";
  return Text(actor_, id,
              look->needed.who +
                  ", txid=" + std::to_string(read.snapshot.txid.value) + ",");
}

// *newer: the next newer version of the page in the branch; kLastTxId: none.
std::string RemovalCheck::BreachOfDeltas(const ChunkId& id,
                                         const Batch& removals, TxId* newer) {
  std::string breach;
  const auto visit = [&](std::string_view key, std::string_view value) {
    ChunkId delta{id.branch, 0, {}};
    DecodedChunk chunk;
    if (!ParseChunkKey(key, &delta.pgno, &delta.txid).ok() ||
        delta.pgno != id.pgno || !(id.txid < delta.txid)) {
      return false;
    }
    *newer = delta.txid;
    if (DecodeChunk(delta, value, &chunk).ok() &&
        chunk.codec == Codec::kDelta && chunk.delta.form.base == id.txid &&
        !Removes(removals, delta)) {
      breach = Text(actor_, id,
                    "a delta, txid=" + std::to_string(delta.txid.value) + ",");
    }
    return breach.empty();
  };
  const Status s = reader_->Visit(BranchPartition(id.branch),
                                  ChunkKey(id.pgno, kLastTxId), visit);
  return s.ok() ? breach : "";
}

// Commits from the version on, up to the next newer one, find it.
std::string RemovalCheck::BreachOfCommits(const ChunkId& id, TxId newer) {
  std::string breach;
  const std::string start = CommitKey(id.branch, TxId{newer.value - 1});
  // The visitor's own status ends the scan.
  static_cast<void>(ForEachPair(
      reader_.get(), {ActorPartition(actor_), CommitPrefix(id.branch), start},
      [&](const KeyValue& pair) {
        CommitRecord record;
        if (!DecodeRecord(pair.key, pair.value, &record).ok()) {
          return Status::Ok();
        }
        if (record.snapshot.txid < id.txid) return EndOfScan();
        if (id.pgno > record.snapshot.page_count) return Status::Ok();
        breach = Text(actor_, id, CommitText(record.snapshot.txid));
        return EndOfScan();
      }));
  return breach;
}

std::string RemovalCheck::BreachInDrop(BranchId branch) {
  const ChunkId id{branch, 0, {}};
  for (const Look& look : looks_) {
    if (HasBranch(*look.needed.read.lineage, branch)) {
      return Text(actor_, id, look.needed.who);
    }
  }
  std::vector<std::optional<KeyValue>> found;
  const std::string prefix = CommitPrefix(branch);
  TxId txid;
  BranchId of;
  if (!reader_->Seek(ActorPartition(actor_), {prefix}, &found).ok() ||
      !found[0].has_value() || !BeginsWith(found[0]->key, prefix) ||
      !ParseCommitKey(found[0]->key, &of, &txid).ok()) {
    return "";
  }
  return Text(actor_, id, CommitText(txid));
}

}  // namespace actorkv
