#include "kv/lineage.h"

#include <limits>
#include <optional>
#include <string>

#include "kv/keys.h"

namespace actorkv {

namespace {

// No lineage is this long: flattening begins at kMaxLineageDepth. A longer one
// is a loop of damaged records.
constexpr size_t kImpossibleDepth = 100'000;

}  // namespace

Status LoadBranchRecord(EngineReader* reader, ActorId actor, BranchId branch,
                        BranchRecord* record) {
  const std::string key = BranchRecordKey(branch);
  std::vector<std::optional<std::string>> values;
  if (Status s = reader->Get(ActorPartition(actor), {key}, &values); !s.ok()) {
    return s;
  }
  const std::string where = "actor_id=" + std::to_string(actor.value) +
                            " branch=" + std::to_string(branch.value);
  if (!values[0].has_value()) {
    return Status::Corruption("branch record missing: " + where);
  }
  return DecodeRecord(key, *values[0], record).WithContext(where);
}

Status LoadLineage(EngineReader* reader, ActorId actor, BranchId branch,
                   std::shared_ptr<const Lineage>* lineage) {
  auto found = std::make_shared<Lineage>();
  BranchPoint point{actor, branch, {std::numeric_limits<uint64_t>::max()}};
  for (;;) {
    found->push_back(point);
    BranchRecord record;
    if (Status s = LoadBranchRecord(reader, point.actor, point.branch, &record);
        !s.ok()) {
      return s;
    }
    if (!record.parent.has_value()) break;
    if (found->size() > kImpossibleDepth) {
      return Status::Corruption("branch records form a loop: branch=" +
                                std::to_string(branch.value));
    }
    point = *record.parent;
  }
  *lineage = std::move(found);
  return Status::Ok();
}

}  // namespace actorkv
