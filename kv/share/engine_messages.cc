#include "kv/share/engine_messages.h"

namespace actorkv {
namespace {

// They go by their numbers, so none may come between the others.
static_assert(static_cast<int>(Durability::kBuffered) == 0 &&
              static_cast<int>(Durability::kBulk) == 1 &&
              static_cast<int>(Durability::kSynced) == 2);
static_assert(static_cast<int>(CommitOutcome::kDone) == 0 &&
              static_cast<int>(CommitOutcome::kConflict) == 1 &&
              static_cast<int>(CommitOutcome::kFailed) == 2 &&
              static_cast<int>(CommitOutcome::kUnknown) == 3);

}  // namespace

void AddBatch(const Batch& batch, CommitRequest* request) {
  request->guards.reserve(request->guards.size() + batch.guards().size());
  for (const Batch::Guard& guard : batch.guards()) {
    request->guards.push_back({guard.partition, guard.key, guard.expected});
  }
  request->ops.reserve(request->ops.size() + batch.op_count());
  for (size_t i = 0; i < batch.op_count(); ++i) {
    const Batch::Op op = batch.op(i);
    request->ops.push_back({op.partition, op.key, op.value});
  }
}

Batch BatchOf(const CommitRequest& request) {
  Batch batch;
  size_t bytes = 0;
  for (const CommitOp& op : request.ops) {
    bytes += op.key.size() + op.value.value_or(std::string_view()).size();
  }
  batch.Reserve(bytes);
  for (const CommitGuard& guard : request.guards) {
    batch.AddGuard(guard.partition, guard.key, guard.expected);
  }
  for (const CommitOp& op : request.ops) {
    if (op.value.has_value()) {
      batch.Put(op.partition, op.key, *op.value);
    } else {
      batch.Delete(op.partition, op.key);
    }
  }
  return batch;
}

}  // namespace actorkv
