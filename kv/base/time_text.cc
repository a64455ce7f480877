#include "kv/base/time_text.h"

#include <cstdio>
#include <ctime>

namespace actorkv {

namespace {

constexpr uint64_t kSecondUs = 1'000'000;

}  // namespace

std::string TimeText(uint64_t at_us) {
  const auto seconds = static_cast<std::time_t>(at_us / kSecondUs);
  std::tm time = {};
  gmtime_r(&seconds, &time);
  char text[64];
  const size_t size =
      std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &time);
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%06uZ",
                static_cast<unsigned>(at_us % kSecondUs));
  return std::string(text, size) + fraction;
}

}  // namespace actorkv
