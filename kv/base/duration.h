// Durations, as people write and read them.

#ifndef ACTORKV_KV_BASE_DURATION_H_
#define ACTORKV_KV_BASE_DURATION_H_

#include <cstdint>
#include <string>

#include "kv/base/status.h"

namespace actorkv {

constexpr uint64_t kUsPerMs = 1000;

// A hundred years: the most that anything is kept for, so that times stay far
// from where they would overflow.
constexpr uint64_t kMaxDurationMs = uint64_t{36'525} * 86'400'000;

// "7 days", "36 hours", "90 minutes", "10 seconds", "2 weeks", "500 ms"; and 0,
// the only number that means the same in every unit. Errors: kInvalidArgument,
// with the forms, and for a number alone with the question for its unit.
Status ParseDuration(const std::string& text, uint64_t* duration_ms);

// kInvalidArgument past kMaxDurationMs; `what` names the argument.
Status CheckDurationMs(const char* what, uint64_t duration_ms);

// "24 hours", "90 minutes": in the largest unit that is exact.
std::string DurationText(uint64_t duration_ms);

// "3 days", "59 minutes", "10 years": about so long.
std::string RoughDuration(uint64_t duration_us);

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_DURATION_H_
