// What is fuzzed of the readers above kv, as in tests/fuzz/targets.h. They need
// neither SQLite nor a store.

#ifndef ACTORKV_TESTS_FUZZ_SQL_TARGETS_H_
#define ACTORKV_TESTS_FUZZ_SQL_TARGETS_H_

#include "tests/fuzz/targets.h"

namespace actorkv {

inline constexpr int kSqlFuzzTargetCount = 1;
extern const FuzzTarget kSqlFuzzTargets[kSqlFuzzTargetCount];

}  // namespace actorkv

#endif  // ACTORKV_TESTS_FUZZ_SQL_TARGETS_H_
