// RocksDbTrial: finds out whether RocksDB works in this process, a child of
// fork().

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_TRIAL_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_TRIAL_H_

#include <chrono>

namespace actorkv {

// Opens a database in memory, writes, flushes and closes it: which takes all
// locks of RocksDB's static objects that a store ever takes.
void UseRocksDbOnce();

// Whether `trial` comes to its end within `limit`. One that does not stays
// behind, in a thread that waits for ever. False where there is no thread.
bool EndsWithin(std::chrono::milliseconds limit, void (*trial)());

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_TRIAL_H_
