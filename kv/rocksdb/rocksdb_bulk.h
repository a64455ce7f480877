// Bulk writes: a large batch becomes a table file of its own, which the
// database takes in as it is. It goes neither through the log nor through a
// write buffer, so each byte is written about once.
//
// Such a file is durable at once. So that nothing is durable which came after
// something that is not (kv/engine/engine.h, Durability), the log is synced
// first.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_BULK_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_BULK_H_

#include <string>

#include "kv/engine/engine.h"
#include "kv/rocksdb/rocksdb_handle.h"

namespace actorkv {

// The least size of a bulk write, in bytes. Below it a file of its own costs
// more than it saves: it is synced, and is one more to look into.
inline constexpr size_t kMinBulkBytes = size_t{2} << 20;

// Returns true when the batch is large enough, is puts of one partition in the
// order of their keys, and has no guards.
bool IsBulk(const Batch& batch);

// REQUIRES: IsBulk(), and a Hold of a writable database. Throws only where
// nothing was written.
CommitResult CommitBulk(RocksDbHandle* handle, const Batch& batch);

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_BULK_H_
