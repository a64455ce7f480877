#include "kv/store/store_record.h"

#include <optional>
#include <string>
#include <vector>

#include "kv/base/host_id.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"

namespace actorkv {

namespace {

// Of two owners one is first; after it there is nothing to be first with.
constexpr int kAttempts = 3;

Status MakeRecord(Clock* clock, const CommitFunction& commit,
                  StoreRecord* record) {
  Batch batch;
  StoreRecord made;
  made.store_id = RandomId();
  made.created_at_us = clock->Next(&batch);
  const std::string key = StoreRecordKey();
  batch.Put(CatalogPartition(), key, EncodeRecord(key, made));
  // Two owners that make one store must not give it two ids.
  batch.AddGuard(CatalogPartition(), key, std::nullopt);
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
  batch.AddGuard(CatalogPartition(), key, EncodeRecord(key, *record));
  Status s = commit(batch, Durability::kSynced).status;
  // A store on a full disk can be read; the next open tries again.
  if (s.code() == Code::kNoSpace) return Status::Ok();
  if (s.ok()) *record = raised;
  return s;
}

Status Load(EngineReader* reader, bool* found, StoreRecord* record) {
  std::optional<StoreRecord> read;
  if (Status s = GetRecord(reader, CatalogPartition(), StoreRecordKey(), &read);
      !s.ok()) {
    return s;
  }
  *found = read.has_value();
  if (!*found) return Status::Ok();
  if (read->format > kStoreFormat) {
    return Status::NotSupported("store format " + std::to_string(read->format) +
                                " is newer than this module's, which reads " +
                                std::to_string(kStoreFormat));
  }
  *record = *read;
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
  Status s;
  for (int i = 0; i < kAttempts; ++i) {
    bool found = false;
    reader->Refresh();
    if (s = Load(reader, &found, record); !s.ok()) return s;
    if (found && record->format == kStoreFormat) return s;
    s = found ? RaiseFormat(commit, record) : MakeRecord(clock, commit, record);
    // Another owner was first: what it made is there by now.
    if (s.code() != Code::kConflict) break;
  }
  return s;
}

}  // namespace actorkv
