// MetricsListener counts what RocksDB does in the background as metrics
// (kv/base/metrics.h): bytes of table files, and stalls of writes.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_METRICS_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_METRICS_H_

#include <rocksdb/listener.h>

#include <memory>

namespace actorkv {

// Makes the listener of one database that is open for writing. It is called
// once for a file or a change of the stall condition, never for a write.
std::shared_ptr<rocksdb::EventListener> NewMetricsListener();

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_METRICS_H_
