// The environment in which RocksDB works for us: files as given, and threads
// of our own (kv/rocksdb/rocksdb_threads.h).

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_WORK_ENV_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_WORK_ENV_H_

#include <rocksdb/env.h>

#include <memory>

namespace actorkv {

// Makes an environment with the files and the clock of `files`, which outlives
// it.
std::unique_ptr<rocksdb::Env> NewWorkEnv(rocksdb::Env* files);

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_WORK_ENV_H_
