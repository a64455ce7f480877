// The record that makes an engine's data a store: its id, its format.

#ifndef ACTORKV_KV_STORE_STORE_RECORD_H_
#define ACTORKV_KV_STORE_STORE_RECORD_H_

#include "kv/base/status.h"
#include "kv/engine/engine.h"
#include "kv/format/records.h"
#include "kv/store/clock.h"
#include "kv/store/commit_runs.h"

namespace actorkv {

// Reads the record, if it is there and of a format that this module reads.
// Errors: kNotFound on an empty engine; kNotSupported for a store of a newer
// format, naming it; kCorruption; kIOError.
Status LoadStoreRecord(EngineReader* reader, StoreRecord* record);

// The same for a writer: on an empty engine the record is made, with a time of
// `clock`, and one of an older format is written anew. On a full disk such a
// record stays as it is. Errors: as above, but for kNotFound; those of
// `commit`.
Status LoadOrMakeStoreRecord(EngineReader* reader, Clock* clock,
                             const CommitFunction& commit, StoreRecord* record);

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_STORE_RECORD_H_
