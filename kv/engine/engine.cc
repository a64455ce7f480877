#include "kv/engine/engine.h"

#include <utility>

namespace actorkv {

void Batch::Put(Partition partition, std::string_view key,
                std::string_view value) {
  PutMade(partition, key, [value](std::string* bytes) { *bytes += value; });
}

void Batch::Delete(Partition partition, std::string_view key) {
  const size_t key_begin = bytes_.size();
  bytes_.append(key);
  ops_.push_back({partition, key_begin, bytes_.size(), bytes_.size(),
                  /*is_put=*/false});
}

void Batch::AddGuard(Partition partition, std::string_view key,
                     std::optional<std::string_view> expected) {
  Guard guard{partition, std::string(key), std::nullopt};
  if (expected.has_value()) guard.expected = std::string(*expected);
  guards_.push_back(std::move(guard));
}

void Batch::WhenDone(std::function<void()> tell) {
  when_done_.push_back(std::move(tell));
}

void Batch::TellDone() const noexcept {
  for (const std::function<void()>& tell : when_done_) tell();
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
    // The scan goes on at the key right behind the last one.
    if (!pairs.empty()) next = pairs.back().key + '\0';
  } while (pairs.size() == kPairsAtOnce);
  return Status::Ok();
}

void Batch::Append(Batch other) {
  const size_t shift = bytes_.size();
  bytes_ += other.bytes_;
  for (StoredOp op : other.ops_) {
    // Offsets, not pointers: the bytes move when they grow.
    op.key_begin += shift;
    op.value_begin += shift;
    op.value_end += shift;
    ops_.push_back(op);
  }
  for (Guard& guard : other.guards_) guards_.push_back(std::move(guard));
  for (std::function<void()>& tell : other.when_done_) {
    when_done_.push_back(std::move(tell));
  }
}

void Batch::Clear() {
  bytes_.clear();
  ops_.clear();
  guards_.clear();
  when_done_.clear();
}

Batch::Op Batch::op(size_t index) const {
  const StoredOp& stored = ops_[index];
  const std::string_view bytes = bytes_;
  const size_t key_size = stored.value_begin - stored.key_begin;
  Op op{stored.partition, bytes.substr(stored.key_begin, key_size),
        std::nullopt};
  if (stored.is_put) {
    op.value =
        bytes.substr(stored.value_begin, stored.value_end - stored.value_begin);
  }
  return op;
}

}  // namespace actorkv
