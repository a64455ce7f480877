// The limits of the pairs of a legacy actor: those of Rivet, and those of what
// a store can keep.

#ifndef ACTORKV_KV_RIVET_PAIR_LIMITS_H_
#define ACTORKV_KV_RIVET_PAIR_LIMITS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "kv/base/pair_sizes.h"
#include "kv/base/status.h"

namespace actorkv {

struct PairLimits {
  uint64_t key_bytes = kMaxPairKeyBytes;
  uint64_t value_bytes = kMaxPairValueBytes;
};
inline constexpr PairLimits kStoredPairLimits = {kMaxStoredKeyBytes,
                                                 kMaxStoredValueBytes};

// The limit of layout 1. In layout 0 a message could be larger; such a one is
// kept, with a warning.
inline constexpr size_t kMaxQueueMessageBytes = size_t{64} << 10;

// What Rivet takes of one actor: the keys and values of all its pairs, or its
// database.
inline constexpr uint64_t kMaxRivetActorBytes = uint64_t{10} << 30;

// Says that an export of so many bytes is more than Rivet takes; empty where it
// is not.
std::string RivetSizeWarning(uint64_t bytes);

// Errors: kInvalidArgument with the name of the limit, its size and the size
// that was found.
Status CheckPairKeySize(uint64_t bytes, uint64_t limit = kMaxPairKeyBytes);
Status CheckPairValueSize(uint64_t bytes, uint64_t limit = kMaxPairValueBytes);
Status CheckPairSize(std::string_view key, std::string_view value,
                     const PairLimits& limits);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_PAIR_LIMITS_H_
