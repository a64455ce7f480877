#include "kv/engine.h"

#include <utility>

namespace actorkv {

void Batch::Put(Partition partition, std::string_view key,
                std::string_view value) {
  size_bytes_ += key.size() + value.size();
  ops_.push_back({partition, std::string(key), std::string(value)});
}

void Batch::Delete(Partition partition, std::string_view key) {
  size_bytes_ += key.size();
  ops_.push_back({partition, std::string(key), std::nullopt});
}

void Batch::AddGuard(Partition partition, std::string_view key,
                     std::optional<std::string_view> expected) {
  Guard guard{partition, std::string(key), std::nullopt};
  if (expected.has_value()) guard.expected = std::string(*expected);
  guards_.push_back(std::move(guard));
}

Status EngineReader::Visit(Partition partition, std::string_view start,
                           const Visitor& visit) {
  constexpr size_t kPairsAtOnce = 64;
  std::string next(start);
  std::vector<KeyValue> pairs;
  do {
    if (Status s = Scan(partition, next, kPairsAtOnce, &pairs); !s.ok()) {
      return s;
    }
    for (const KeyValue& pair : pairs) {
      if (!visit(pair.key, pair.value)) return Status::Ok();
    }
    // The key right behind the last one.
    if (!pairs.empty()) next = pairs.back().key + '\0';
  } while (pairs.size() == kPairsAtOnce);
  return Status::Ok();
}

void Batch::Append(Batch other) {
  for (StoredOp& op : other.ops_) ops_.push_back(std::move(op));
  for (Guard& guard : other.guards_) guards_.push_back(std::move(guard));
  size_bytes_ += other.size_bytes_;
}

void Batch::Clear() {
  ops_.clear();
  guards_.clear();
  size_bytes_ = 0;
}

Batch::Op Batch::op(size_t index) const {
  const StoredOp& stored = ops_[index];
  Op op{stored.partition, stored.key, std::nullopt};
  if (stored.value.has_value()) op.value = *stored.value;
  return op;
}

}  // namespace actorkv
