// The part of Store that drops what transactions and imports left behind.

#include <optional>
#include <string>
#include <vector>

#include "kv/format/keys.h"
#include "kv/format/legacy_record.h"
#include "kv/legacy/legacy_store.h"
#include "kv/store/store.h"

namespace actorkv {

Status Store::DropStage(const Stage& stage) {
  // Looked at before the branch record: the commit that takes the mark away
  // because it is done writes that one.
  bool resumable = false;
  if (Status s = IsResumable(engine_->NewReader().get(), stage.actor,
                             stage.branch, &resumable);
      !s.ok()) {
    return s;
  }
  if (resumable) return Status::Ok();
  // A branch record is written in the same batch as the head that made the
  // branch reachable: with one, the stage was committed after all.
  std::unique_ptr<EngineReader> reader = engine_->NewReader();
  const std::string branch_key = BranchRecordKey(stage.branch);
  std::vector<std::optional<std::string>> values;
  if (Status s =
          reader->Get(ActorPartition(stage.actor), {branch_key}, &values);
      !s.ok()) {
    return s;
  }
  if (!values[0].has_value()) {
    if (Status s = engine_->Drop(BranchPartition(stage.branch)); !s.ok()) {
      return s;
    }
  }
  Batch batch;
  batch.Delete(CatalogPartition(), StageKey(stage.branch));
  return Commit(batch, Durability::kBuffered).status;
}

// The record of the import says of which actor the pairs were to be; they are
// when that actor's legacy record names them.
Status Store::DropImport(LegacyId legacy) {
  std::unique_ptr<EngineReader> reader = engine_->NewReader();
  const std::string key = ImportKey(legacy);
  std::vector<std::optional<std::string>> values;
  if (Status s = reader->Get(CatalogPartition(), {key}, &values); !s.ok()) {
    return s;
  }
  if (!values[0].has_value()) return Status::Ok();
  StageRecord import;
  if (Status s = DecodeRecord(key, *values[0], &import); !s.ok()) return s;
  const std::string record_key = LegacyRecordKey();
  if (Status s =
          reader->Get(ActorPartition(import.actor), {record_key}, &values);
      !s.ok()) {
    return s;
  }
  LegacyRecord record;
  if (values[0].has_value()) {
    Status s = DecodeRecord(record_key, *values[0], &record);
    if (!s.ok()) return s;
  }
  if (record.legacy != legacy) {
    if (Status s = engine_->Drop(LegacyPartition(legacy)); !s.ok()) return s;
  }
  Batch batch;
  batch.Delete(CatalogPartition(), key);
  return Commit(batch, Durability::kBuffered).status;
}

}  // namespace actorkv
