#include "kv/rivet/pair_limits.h"

#include <string>

namespace actorkv {

namespace {

Status CheckSize(std::string_view what, uint64_t bytes, uint64_t limit) {
  if (bytes <= limit) return Status::Ok();
  return Status::InvalidArgument(
      std::string(what) + " of " + std::to_string(bytes) +
      " bytes is larger than the limit of " + std::to_string(limit));
}

}  // namespace

std::string RivetSizeWarning(uint64_t bytes) {
  if (bytes <= kMaxRivetActorBytes) return "";
  return "the export has " + std::to_string(bytes) +
         " bytes, and Rivet takes an actor of at most " +
         std::to_string(kMaxRivetActorBytes);
}

Status CheckPairKeySize(uint64_t bytes, uint64_t limit) {
  return CheckSize("a key", bytes, limit);
}

Status CheckPairValueSize(uint64_t bytes, uint64_t limit) {
  return CheckSize("a value", bytes, limit);
}

Status CheckPairSize(std::string_view key, std::string_view value,
                     const PairLimits& limits) {
  if (Status s = CheckPairKeySize(key.size(), limits.key_bytes); !s.ok()) {
    return s;
  }
  return CheckPairValueSize(value.size(), limits.value_bytes);
}

}  // namespace actorkv
