// Moments as people read them.

#ifndef ACTORKV_KV_BASE_TIME_TEXT_H_
#define ACTORKV_KV_BASE_TIME_TEXT_H_

#include <cstdint>
#include <string>

namespace actorkv {

// "2026-11-20T10:00:00.123456Z" of microseconds since 1970, in UTC.
std::string TimeText(uint64_t at_us);

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_TIME_TEXT_H_
