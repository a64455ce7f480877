#include "kv/prefix_scan.h"

#include <vector>

#include "kv/affix.h"

namespace actorkv {

namespace {

constexpr size_t kPairsAtOnce = 256;  // of small records

}  // namespace

Status ForEachPair(EngineReader* reader, const PrefixRange& range,
                   const std::function<Status(const KeyValue&)>& visit) {
  std::string start = range.start;
  for (;;) {
    std::vector<KeyValue> pairs;
    if (Status s = reader->Scan(range.partition, start, kPairsAtOnce, &pairs);
        !s.ok()) {
      return s;
    }
    for (const KeyValue& pair : pairs) {
      if (!BeginsWith(pair.key, range.prefix)) return Status::Ok();
      if (Status s = visit(pair); !s.ok()) return s;
    }
    if (pairs.size() < kPairsAtOnce) return Status::Ok();
    start = pairs.back().key + std::string(1, '\0');
  }
}

}  // namespace actorkv
