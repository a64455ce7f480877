// MemoryEngine: an Engine over a std::map, for tests. Commits over several
// partitions and the size limits can be set, so that the same code is tested
// as if on an engine with less power.

#ifndef ACTORKV_TESTS_SUPPORT_MEMORY_ENGINE_H_
#define ACTORKV_TESTS_SUPPORT_MEMORY_ENGINE_H_

#include <memory>

#include "kv/engine/engine.h"

namespace actorkv {

// Limits without practical bound and with multi_partition_commit.
EngineLimits UnboundedLimits();

std::unique_ptr<Engine> NewMemoryEngine(EngineLimits limits);

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_MEMORY_ENGINE_H_
