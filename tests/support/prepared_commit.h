// What tests of checks share: a commit that is about to be made, and the same
// with a change that nobody would make.

#ifndef ACTORKV_TESTS_SUPPORT_PREPARED_COMMIT_H_
#define ACTORKV_TESTS_SUPPORT_PREPARED_COMMIT_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "kv/format/keys.h"
#include "tests/support/store_harness.h"

namespace actorkv {

struct PreparedCommit {
  Batch batch;
  std::shared_ptr<const HeadState> state;

  Snapshot snapshot() const { return state->head.snapshot; }
  Partition branch() const { return BranchPartition(snapshot().branch); }
};

inline PreparedCommit Prepare(const TestTransaction& transaction) {
  PreparedCommit prepared;
  CommitSpec spec;
  spec.page_count = transaction->page_count();
  spec.stamp = 5;
  EXPECT_OK(transaction->Prepare(spec, CommitStamp(), &prepared.batch,
                                 &prepared.state));
  return prepared;
}

// The batch without the operations on this key, and with `value` instead of
// them.
inline Batch With(const Batch& batch, Partition partition,
                  const std::string& key,
                  const std::optional<std::string>& value) {
  Batch changed;
  for (size_t i = 0; i < batch.op_count(); ++i) {
    const Batch::Op op = batch.op(i);
    if (op.partition == partition && op.key == key) continue;
    if (op.value.has_value()) {
      changed.Put(op.partition, op.key, *op.value);
    } else {
      changed.Delete(op.partition, op.key);
    }
  }
  if (value.has_value()) changed.Put(partition, key, *value);
  for (const Batch::Guard& guard : batch.guards()) {
    changed.AddGuard(guard.partition, guard.key, guard.expected);
  }
  return changed;
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_PREPARED_COMMIT_H_
