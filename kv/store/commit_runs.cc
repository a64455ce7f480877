#include "kv/store/commit_runs.h"

#include <vector>

#include "kv/base/thrown.h"

namespace actorkv {

namespace {

CommitResult CommitRuns(Engine* engine, const Batch& batch,
                        Durability durability) {
  const size_t max_bytes = engine->limits().max_batch_bytes;
  std::vector<Batch::Guard> guards = batch.guards();
  CommitResult result;
  for (size_t i = 0; i < batch.op_count() && result.done();) {
    Batch run;
    const Partition partition = batch.op(i).partition;
    for (; i < batch.op_count() && batch.op(i).partition == partition; ++i) {
      const Batch::Op op = batch.op(i);
      const size_t op_bytes = op.key.size() + op.value.value_or("").size();
      if (!run.empty() && run.size_bytes() + op_bytes > max_bytes) break;
      if (op.value.has_value()) {
        run.Put(partition, op.key, *op.value);
      } else {
        run.Delete(partition, op.key);
      }
      // A guard goes with the operation on its key.
      for (const Batch::Guard& guard : guards) {
        if (guard.partition != partition || guard.key != op.key) continue;
        run.AddGuard(partition, guard.key, guard.expected);
      }
    }
    result = engine->Commit(run, durability);
  }
  return result;
}

}  // namespace

CommitResult CommitInRuns(Engine* engine, const Batch& batch,
                          Durability durability) {
  // Where it threw that was perhaps between two runs.
  CommitResult result = {CommitOutcome::kUnknown, Status::NoMemoryInDoubt()};
  static_cast<void>(
      IfMemory([&] { result = CommitRuns(engine, batch, durability); }));
  return result;
}

}  // namespace actorkv
