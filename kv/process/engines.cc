#include "kv/process/engines.h"

#include <utility>

#include "kv/rocksdb/rocksdb_sorted_pairs.h"

namespace actorkv {

Status OpenRivetEngine(const std::string& directory,
                       std::unique_ptr<RivetEngine>* engine) {
  std::unique_ptr<SortedPairSpace> pairs;
  if (Status s = OpenRocksDbPairs(directory, &pairs); !s.ok()) return s;
  *engine = std::make_unique<RivetEngine>(std::move(pairs));
  return Status::Ok();
}

}  // namespace actorkv
