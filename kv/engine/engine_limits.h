// CheckBatchLimits: the one place that says whether a batch fits an engine, so
// that every engine refuses the same batches with the same words.

#ifndef ACTORKV_KV_ENGINE_ENGINE_LIMITS_H_
#define ACTORKV_KV_ENGINE_ENGINE_LIMITS_H_

#include "kv/engine/engine.h"

namespace actorkv {

// Errors: kInvalidArgument past a size limit, kNotSupported for more than one
// partition without multi_partition_commit. The message names the limit, its
// value and what the batch has.
Status CheckBatchLimits(const Batch& batch, const EngineLimits& limits);

// Returns the size of batches in which much data is best given to the engine:
// about kStageBatchBytes, and well below the largest batch.
size_t StageBatchLimit(const EngineLimits& limits);

}  // namespace actorkv

#endif  // ACTORKV_KV_ENGINE_ENGINE_LIMITS_H_
