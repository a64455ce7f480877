// How a batch is committed: whole, or in runs on an engine that commits
// partition by partition.

#ifndef ACTORKV_KV_STORE_COMMIT_RUNS_H_
#define ACTORKV_KV_STORE_COMMIT_RUNS_H_

#include <functional>

#include "kv/engine/engine.h"

namespace actorkv {

// Commits for those of the room who know no store: Store::Commit().
using CommitFunction = std::function<CommitResult(const Batch&, Durability)>;

// On an engine without multi_partition_commit a batch goes in runs of
// operations of one partition, in its own order, each guard in the run that has
// its key, or in the first of its partition where none has; it stops at the
// first run that is not done. Where memory runs out the outcome is not known.
// Errors: kNotSupported, with nothing written, for a guard of a partition that
// no operation touches: nothing could hold it together with the rest.
CommitResult CommitInRuns(Engine* engine, const Batch& batch,
                          Durability durability);

}  // namespace actorkv

#endif  // ACTORKV_KV_STORE_COMMIT_RUNS_H_
