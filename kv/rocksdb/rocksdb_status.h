// Here, and nowhere else, rocksdb::Status becomes ours.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_STATUS_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_STATUS_H_

#include <rocksdb/status.h>

#include <string_view>

#include "kv/base/status.h"

namespace actorkv {

// Returns a status like "commit: IO error: No space left on device: DIR". Files
// that RocksDB finds through a descriptor of the directory are named by
// `directory`. Memory that ran out in a file system of ours
// (kv/rocksdb/rocksdb_fence.h) is kNoMemory.
Status FromRocksDb(const rocksdb::Status& status, std::string_view what,
                   std::string_view directory);

// Returns true when RocksDB refused a write for what it asked for, before it
// touched the log. Every other failed write may or may not be there after a
// restart.
bool NothingWritten(const rocksdb::Status& status);

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_STATUS_H_
