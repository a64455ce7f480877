#include "kv/engine/engine_limits.h"

#include <algorithm>
#include <string>

#include "kv/base/types.h"

namespace actorkv {
namespace {

Status TooLarge(std::string_view what, size_t size_bytes,
                std::string_view limit_name, size_t limit_bytes) {
  return Status::InvalidArgument(
      std::string(what) + " has " + std::to_string(size_bytes) + " bytes, " +
      std::string(limit_name) + " is " + std::to_string(limit_bytes));
}

Status CheckKey(std::string_view key, const EngineLimits& limits) {
  if (key.size() <= limits.max_key_bytes) return Status::Ok();
  return TooLarge("key", key.size(), "max_key_bytes", limits.max_key_bytes);
}

// OnePartition: remembers the first partition of a batch and refuses a second
// one.
class OnePartition {
 public:
  Status Add(Partition partition) {
    if (!first_.has_value()) first_ = partition;
    if (*first_ == partition) return Status::Ok();
    return Status::NotSupported(
        "batch has several partitions, multi_partition_commit is false");
  }

 private:
  std::optional<Partition> first_;
};

}  // namespace

Status CheckBatchLimits(const Batch& batch, const EngineLimits& limits) {
  if (batch.size_bytes() > limits.max_batch_bytes) {
    return TooLarge("batch", batch.size_bytes(), "max_batch_bytes",
                    limits.max_batch_bytes);
  }
  OnePartition one;
  for (size_t i = 0; i < batch.op_count(); ++i) {
    const Batch::Op op = batch.op(i);
    if (Status s = CheckKey(op.key, limits); !s.ok()) return s;
    if (op.value.has_value() && op.value->size() > limits.max_value_bytes) {
      return TooLarge("value", op.value->size(), "max_value_bytes",
                      limits.max_value_bytes);
    }
    if (limits.multi_partition_commit) continue;
    if (Status s = one.Add(op.partition); !s.ok()) return s;
  }
  for (const Batch::Guard& guard : batch.guards()) {
    if (Status s = CheckKey(guard.key, limits); !s.ok()) return s;
    if (limits.multi_partition_commit) continue;
    if (Status s = one.Add(guard.partition); !s.ok()) return s;
  }
  return Status::Ok();
}

size_t StageBatchLimit(const EngineLimits& limits) {
  // Half of the limit leaves room for what goes past the size before it is
  // looked at.
  return std::min(kStageBatchBytes, limits.max_batch_bytes / 2);
}

}  // namespace actorkv
