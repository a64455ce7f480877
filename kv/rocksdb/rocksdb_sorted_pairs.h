// OpenRocksDbPairs() reads a RocksDB database of somebody else, that of Rivet's
// engine, as sorted pairs.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_SORTED_PAIRS_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_SORTED_PAIRS_H_

#include <memory>
#include <string>

#include "kv/base/status.h"
#include "kv/engine/sorted_pairs.h"

namespace actorkv {

// Opens the directory of a database that nobody writes to. No file in it is
// changed or added. Memory: what the database's log holds, and buffers.
// Errors: kNotFound; kNotSupported for files of a newer RocksDB, saying what
// to do instead; kCorruption; kIOError.
Status OpenRocksDbPairs(const std::string& directory,
                        std::unique_ptr<SortedPairSpace>* pairs);

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_SORTED_PAIRS_H_
