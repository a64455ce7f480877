// What is there of an actor, and what a moment of the wall means of it: for
// reclaim_model_test.cc.

#ifndef ACTORKV_TESTS_MODEL_RECLAIM_MOMENT_H_
#define ACTORKV_TESTS_MODEL_RECLAIM_MOMENT_H_

#include <cstdint>

#include "kv/store/time_map.h"
#include "tests/model/reclaim_oracle.h"
#include "tests/support/store_harness.h"

namespace actorkv {

// The commit of the version is in the store.
bool IsThere(const TestStore& store, const Line& line, const Version& version);

// Notes which versions have gone.
void LookWhatIsThere(const TestStore& store, Line* line);

// The times of the store when the wall clock says so; 0: now.
TimeMap TimesOf(const TestStore& store, uint64_t now_us);

// The point `at_us` is what was the head then; where that has expired, or the
// one that came after it, it is an error. REQUIRES: it is known which versions
// are there.
void ExpectHeadAt(const TestStore& store, const Line& line, const TimeMap& now,
                  uint64_t at_us);

}  // namespace actorkv

#endif  // ACTORKV_TESTS_MODEL_RECLAIM_MOMENT_H_
