#include "kv/store/lineage.h"

#include <optional>
#include <string>
#include <utility>

#include "kv/format/get_record.h"
#include "kv/format/keys.h"

namespace actorkv {

namespace {

// No lineage is this long: flattening begins at kMaxLineageDepth, when an actor
// is opened.
constexpr size_t kImpossibleDepth = 100'000;

// `at`: of what is read on the branch.
Status Follow(EngineReader* reader, const BranchPoint& at,
              std::shared_ptr<const Lineage>* lineage) {
  auto found = std::make_shared<Lineage>();
  BranchPoint point = at;
  // In its own branch a snapshot is bounded by its own txid
  // (BranchReader::LookUp()), and the lineage serves all snapshots of the
  // branch.
  point.txid = kLastTxId;
  for (;;) {
    found->push_back(point);
    BranchRecord record;
    if (Status s = LoadBranchRecord(reader, point.actor, point.branch, &record);
        !s.ok()) {
      return s;
    }
    // Only the first level can say so: of a parent the point at which the child
    // began is checked with the record.
    if (found->size() == 1 && at.txid < record.first_txid) {
      return Status::Corruption("commit older than its branch: branch=" +
                                std::to_string(at.branch.value) + " txid=" +
                                std::to_string(at.txid.value) + " first_txid=" +
                                std::to_string(record.first_txid.value));
    }
    if (!record.parent.has_value()) break;
    // A record names an older branch as its parent, so this ends; the bound is
    // for memory, not for circles.
    if (found->size() > kImpossibleDepth) {
      return Status::Corruption("too many ancestors: branch=" +
                                std::to_string(at.branch.value));
    }
    point = *record.parent;
  }
  *lineage = std::move(found);
  return Status::Ok();
}

}  // namespace

Status LoadBranchRecord(EngineReader* reader, ActorId actor, BranchId branch,
                        BranchRecord* record) {
  const std::string key = BranchRecordKey(branch);
  std::optional<std::string> value;
  if (Status s = GetValue(reader, ActorPartition(actor), key, &value);
      !s.ok()) {
    return s;
  }
  const std::string where = "actor_id=" + std::to_string(actor.value) +
                            " branch=" + std::to_string(branch.value);
  if (!value.has_value()) {
    return Status::Corruption("branch record missing: " + where);
  }
  return DecodeRecord(key, *value, record).WithContext(where);
}

Status LoadLineage(EngineReader* reader, ActorId actor, BranchId branch,
                   std::shared_ptr<const Lineage>* lineage) {
  return Follow(reader, {actor, branch, kLastTxId}, lineage);
}

Status LoadLineageOf(EngineReader* reader, ActorId actor,
                     const Snapshot& snapshot,
                     std::shared_ptr<const Lineage>* lineage) {
  return Follow(reader, {actor, snapshot.branch, snapshot.txid}, lineage);
}

}  // namespace actorkv
