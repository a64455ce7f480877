#include "kv/store/store_record.h"

#include <optional>
#include <string>
#include <vector>

#include "kv/format/keys.h"
#include "kv/store/commit_ids.h"

namespace actorkv {

namespace {

Status MakeRecord(Clock* clock, const CommitFunction& commit,
                  StoreRecord* record) {
  Batch batch;
  StoreRecord made;
  made.store_id = RandomId();
  made.created_at_us = clock->Next(&batch);
  const std::string key = StoreRecordKey();
  batch.Put(CatalogPartition(), key, EncodeRecord(key, made));
  Status s = commit(batch, Durability::kSynced).status;
  if (s.ok()) *record = made;
  return s;
}

// The marker says so already (kv/files/store_marker.h, invariant 2).
Status RaiseFormat(const CommitFunction& commit, StoreRecord* record) {
  StoreRecord raised = *record;
  raised.format = kStoreFormat;
  const std::string key = StoreRecordKey();
  Batch batch;
  batch.Put(CatalogPartition(), key, EncodeRecord(key, raised));
  Status s = commit(batch, Durability::kSynced).status;
  // A store on a full disk can be read; the next open tries again.
  if (s.code() == Code::kNoSpace) return Status::Ok();
  if (s.ok()) *record = raised;
  return s;
}

Status Load(EngineReader* reader, bool* found, StoreRecord* record) {
  const std::string key = StoreRecordKey();
  std::vector<std::optional<std::string>> values;
  if (Status s = reader->Get(CatalogPartition(), {key}, &values); !s.ok()) {
    return s;
  }
  *found = values[0].has_value();
  if (!*found) return Status::Ok();
  StoreRecord read;
  if (Status s = DecodeRecord(key, *values[0], &read); !s.ok()) return s;
  if (read.format > kStoreFormat) {
    return Status::NotSupported("store format " + std::to_string(read.format) +
                                " is newer than this module's, which reads " +
                                std::to_string(kStoreFormat));
  }
  *record = read;
  return Status::Ok();
}

}  // namespace

Status LoadStoreRecord(EngineReader* reader, StoreRecord* record) {
  bool found = false;
  Status s = Load(reader, &found, record);
  if (!s.ok() || found) return s;
  return Status::NotFound("the store is not set up yet");
}

Status LoadOrMakeStoreRecord(EngineReader* reader, Clock* clock,
                             const CommitFunction& commit,
                             StoreRecord* record) {
  bool found = false;
  if (Status s = Load(reader, &found, record); !s.ok()) return s;
  if (!found) return MakeRecord(clock, commit, record);
  if (record->format == kStoreFormat) return Status::Ok();
  return RaiseFormat(commit, record);
}

}  // namespace actorkv
