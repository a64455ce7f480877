// What is fuzzed: every reader of bytes that come from outside. Each target
// takes any bytes, and aborts when a reader breaks a promise: what it accepts
// must come back when it is written again, whatever the sizes of the pieces
// in which it is read.

#ifndef ACTORKV_TESTS_FUZZ_TARGETS_H_
#define ACTORKV_TESTS_FUZZ_TARGETS_H_

#include <string_view>

namespace actorkv {

struct FuzzTarget {
  const char* name;  // of its directory in tests/fuzz/corpus/ too
  void (*run)(std::string_view input);
};

inline constexpr int kFuzzTargetCount = 13;
extern const FuzzTarget kFuzzTargets[kFuzzTargetCount];

}  // namespace actorkv

#endif  // ACTORKV_TESTS_FUZZ_TARGETS_H_
