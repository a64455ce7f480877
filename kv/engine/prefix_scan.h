// ForEachPair() visits every pair of a partition whose key begins with a
// prefix.

#ifndef ACTORKV_KV_ENGINE_PREFIX_SCAN_H_
#define ACTORKV_KV_ENGINE_PREFIX_SCAN_H_

#include <functional>
#include <string>
#include <string_view>

#include "kv/engine/engine.h"

namespace actorkv {

// PrefixRange: where a scan begins: at or after `start`, which begins with
// `prefix`.
struct PrefixRange {
  Partition partition;
  std::string prefix;
  std::string start;
};

// Calls `visit` for each, in key order, until it fails or the range ends.
Status ForEachPair(EngineReader* reader, const PrefixRange& range,
                   const std::function<Status(const KeyValue&)>& visit);

// The first key after `key`.
std::string KeyAfter(std::string_view key);

}  // namespace actorkv

#endif  // ACTORKV_KV_ENGINE_PREFIX_SCAN_H_
