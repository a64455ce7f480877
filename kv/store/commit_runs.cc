#include "kv/store/commit_runs.h"

#include <algorithm>
#include <vector>

#include "kv/base/thrown.h"
#include "kv/engine/failed_commit.h"

namespace actorkv {

namespace {

// The operations of a batch in runs of one partition, each within the engine's
// limit, and with the guards of that partition that fit nowhere better.
class Runs {
 public:
  Runs(const Batch& batch, size_t max_bytes)
      : batch_(batch),
        max_bytes_(max_bytes),
        is_placed_(batch.guards().size()) {}

  bool done() const { return next_ == batch_.op_count(); }

  Batch Next() {
    Batch run;
    const size_t begin = next_;
    const Partition partition = batch_.op(begin).partition;
    for (; !done() && batch_.op(next_).partition == partition; ++next_) {
      const Batch::Op op = batch_.op(next_);
      const size_t op_bytes = op.key.size() + op.value.value_or("").size();
      if (!run.empty() && run.size_bytes() + op_bytes > max_bytes_) break;
      if (op.value.has_value()) {
        run.Put(partition, op.key, *op.value);
      } else {
        run.Delete(partition, op.key);
      }
    }
    AddGuards(partition, begin, &run);
    return run;
  }

  // A guard of a partition that the batch does not touch.
  bool HasLostGuard() const {
    const std::vector<Batch::Guard>& guards = batch_.guards();
    return std::any_of(guards.begin(), guards.end(), [this](const auto& guard) {
      return !Touches(0, batch_.op_count(), guard.partition);
    });
  }

 private:
  bool Touches(size_t begin, size_t end, Partition partition) const {
    for (size_t i = begin; i < end; ++i) {
      if (batch_.op(i).partition == partition) return true;
    }
    return false;
  }

  bool Touches(size_t begin, size_t end, const Batch::Guard& guard) const {
    for (size_t i = begin; i < end; ++i) {
      const Batch::Op op = batch_.op(i);
      if (op.partition == guard.partition && op.key == guard.key) return true;
    }
    return false;
  }

  // A guard goes with the operation on its key; one whose key no operation
  // touches goes with the first run of its partition.
  void AddGuards(Partition partition, size_t begin, Batch* run) {
    for (size_t i = 0; i < is_placed_.size(); ++i) {
      const Batch::Guard& guard = batch_.guards()[i];
      if (is_placed_[i] || guard.partition != partition) continue;
      if (!Touches(begin, next_, guard) &&
          Touches(next_, batch_.op_count(), guard)) {
        continue;
      }
      run->AddGuard(partition, guard.key, guard.expected);
      is_placed_[i] = true;
    }
  }

  const Batch& batch_;
  const size_t max_bytes_;
  size_t next_ = 0;  // operation
  std::vector<bool> is_placed_;
};

CommitResult CommitRuns(Engine* engine, const Batch& batch,
                        Durability durability) {
  Runs runs(batch, engine->limits().max_batch_bytes);
  if (runs.HasLostGuard()) {
    return Failed(Status::NotSupported(
        "this engine commits partition by partition, and cannot guard what a "
        "commit does not touch"));
  }
  CommitResult result;
  while (!runs.done() && result.done()) {
    result = engine->Commit(runs.Next(), durability);
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
