// These functions read and write durations as people do.

#ifndef ACTORKV_KV_BASE_DURATION_H_
#define ACTORKV_KV_BASE_DURATION_H_

#include <cstdint>
#include <string>

#include "kv/base/status.h"

namespace actorkv {

constexpr uint64_t kUsPerMs = 1000;

// The longest duration, a hundred years: nothing is kept for longer, so that
// times stay far from where they would overflow.
constexpr uint64_t kMaxDurationMs = uint64_t{36'525} * 86'400'000;

// Parses "7 days", "36 hours", "90 minutes", "10 seconds", "2 weeks", "500 ms";
// and 0, the only number that means the same in every unit. Errors:
// kInvalidArgument, with the forms, and for a number alone with the question
// for its unit.
Status ParseDuration(const std::string& text, uint64_t* duration_ms);

// Refuses a duration past kMaxDurationMs with kInvalidArgument; `what` names
// the argument.
Status CheckDurationMs(const char* what, uint64_t duration_ms);

// Writes a duration in the largest unit that is exact: "24 hours", "90
// minutes".
std::string DurationText(uint64_t duration_ms);

// Says about how long it is: "3 days", "59 minutes", "10 years".
std::string RoughDuration(uint64_t duration_us);

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_DURATION_H_
