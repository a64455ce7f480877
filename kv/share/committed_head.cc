#include "kv/share/committed_head.h"

#include <optional>
#include <string_view>
#include <utility>

#include "kv/format/keys.h"
#include "kv/format/records.h"
#include "kv/store/lineage.h"

namespace actorkv {
namespace {

// The value that the batch gives a key; none: it gives it none. The last
// operation counts.
std::optional<std::string_view> ValueIn(const Batch& batch, Partition partition,
                                        std::string_view key) {
  for (size_t i = batch.op_count(); i > 0; --i) {
    const Batch::Op op = batch.op(i - 1);
    if (op.partition == partition && op.key == key) return op.value;
  }
  return std::nullopt;
}

Status SetEntry(const std::string& name, const Batch& batch, HeadState* state) {
  const std::string key = ActorEntryKey(name);
  const std::optional<std::string_view> value =
      ValueIn(batch, CatalogPartition(), key);
  if (value.has_value()) {
    state->entry_bytes = std::string(*value);
    if (Status s = DecodeRecord(key, state->entry_bytes, &state->entry);
        !s.ok()) {
      return s;
    }
  }
  if (state->entry_bytes.empty()) {
    return Status::InvalidArgument("a commit of an actor that does not exist");
  }
  // As LoadHeadState() says: the head decides.
  state->entry.state = ActorState::kLive;
  return Status::Ok();
}

// The lineage of a head on a branch that is not the base's.
Status LineageOf(EngineReader* reader, const Batch& batch, ActorId actor,
                 const Snapshot& head,
                 std::shared_ptr<const Lineage>* lineage) {
  const std::string key = BranchRecordKey(head.branch);
  const std::optional<std::string_view> value =
      ValueIn(batch, ActorPartition(actor), key);
  if (!value.has_value()) {
    return LoadLineageOf(reader, actor, head, lineage);
  }
  BranchRecord record;
  if (Status s = DecodeRecord(key, *value, &record); !s.ok()) return s;
  auto made = std::make_shared<Lineage>();
  made->push_back({actor, head.branch, kLastTxId});
  if (record.parent.has_value()) {
    std::shared_ptr<const Lineage> parents;
    if (Status s = LoadLineage(reader, record.parent->actor,
                               record.parent->branch, &parents);
        !s.ok()) {
      return s;
    }
    made->insert(made->end(), parents->begin(), parents->end());
    // The child began there.
    (*made)[1].txid = record.parent->txid;
  }
  *lineage = std::move(made);
  return Status::Ok();
}

}  // namespace

Status CommittedHead(EngineReader* reader, const std::string& name,
                     const Batch& batch, const HeadState& base,
                     std::shared_ptr<const HeadState>* state) {
  auto made = std::make_shared<HeadState>();
  made->entry = base.entry;
  made->entry_bytes = base.entry_bytes;
  if (Status s = SetEntry(name, batch, made.get()); !s.ok()) return s;
  const ActorId actor = made->entry.actor;
  const std::optional<std::string_view> head =
      ValueIn(batch, ActorPartition(actor), HeadKey());
  if (!head.has_value()) {
    return Status::InvalidArgument(
        "a commit names an actor that it does not "
        "change: actor=" +
        name);
  }
  made->exists = true;
  made->head_bytes = std::string(*head);
  if (Status s = DecodeRecord(HeadKey(), made->head_bytes, &made->head);
      !s.ok()) {
    return s.WithContext("actor=" + name);
  }
  const Snapshot& snapshot = made->head.snapshot;
  if (base.exists && base.entry.actor == actor &&
      base.head.snapshot.branch == snapshot.branch) {
    made->lineage = base.lineage;
  } else if (Status s =
                 LineageOf(reader, batch, actor, snapshot, &made->lineage);
             !s.ok()) {
    return s.WithContext("actor=" + name);
  }
  *state = std::move(made);
  return Status::Ok();
}

TouchedHeads TouchedBy(const Batch& batch) {
  TouchedHeads touched;
  const std::string head_key = HeadKey();
  for (size_t i = 0; i < batch.op_count(); ++i) {
    const Batch::Op op = batch.op(i);
    std::string name;
    if (op.partition.kind == PartitionKind::kActor && op.key == head_key) {
      touched.actors.insert(op.partition.id);
    } else if (op.partition == CatalogPartition() &&
               ParseActorEntryKey(op.key, &name).ok()) {
      touched.names.insert(name);
    }
  }
  return touched;
}

}  // namespace actorkv
