#include "kv/engine/prefix_scan.h"

#include <algorithm>
#include <vector>

#include "kv/base/affix.h"

namespace actorkv {

namespace {

// The number of pairs that are read at once. They are small records. At first
// there are few, because many prefixes have few, and pairs behind a prefix are
// read for nothing.
constexpr size_t kFirstPairs = 8;
constexpr size_t kMaxPairs = 256;

}  // namespace

Status ForEachPair(EngineReader* reader, const PrefixRange& range,
                   const std::function<Status(const KeyValue&)>& visit) {
  std::string start = range.start;
  for (size_t limit = kFirstPairs;; limit = std::min(2 * limit, kMaxPairs)) {
    std::vector<KeyValue> pairs;
    if (Status s = reader->Scan(range.partition, start, limit, &pairs);
        !s.ok()) {
      return s;
    }
    for (const KeyValue& pair : pairs) {
      if (!BeginsWith(pair.key, range.prefix)) return Status::Ok();
      if (Status s = visit(pair); !s.ok()) return s;
    }
    if (pairs.size() < limit) return Status::Ok();
    start = KeyAfter(pairs.back().key);
  }
}

std::string KeyAfter(std::string_view key) {
  return std::string(key).append(1, '\0');
}

}  // namespace actorkv
