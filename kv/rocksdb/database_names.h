// The names of files in the directory of a database, as RocksDB (7.8) gives
// them (its db/filename.cc).

#ifndef ACTORKV_KV_ROCKSDB_DATABASE_NAMES_H_
#define ACTORKV_KV_ROCKSDB_DATABASE_NAMES_H_

#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"

namespace actorkv {

inline constexpr std::string_view kCurrent = "CURRENT";
// The files of a bulk load (kv/rocksdb/rocksdb_bulk.h) before RocksDB takes
// them in.
inline constexpr char kBulkPrefix[] = "actorkv.bulk-";

// "000012.log", for the suffix ".log".
bool IsNumbered(std::string_view name, std::string_view suffix);
bool IsLog(std::string_view name);
bool IsManifest(std::string_view name);
bool IsOptions(std::string_view name);

// The names of the logs, oldest first.
Status ListLogs(const std::string& directory, std::vector<std::string>* names);

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_DATABASE_NAMES_H_
