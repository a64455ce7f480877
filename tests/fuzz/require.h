// What the targets of fuzzers demand.

#ifndef ACTORKV_TESTS_FUZZ_REQUIRE_H_
#define ACTORKV_TESTS_FUZZ_REQUIRE_H_

#include <cstdio>
#include <cstdlib>

#include "kv/base/status.h"

namespace actorkv {

inline void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

// An error must say something.
inline bool Accepted(const Status& status) {
  Require(status.ok() || !status.message().empty(), "an error says why");
  return status.ok();
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_FUZZ_REQUIRE_H_
