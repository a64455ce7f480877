// Sizes of the pairs that actors come in.

#ifndef ACTORKV_KV_BASE_PAIR_SIZES_H_
#define ACTORKV_KV_BASE_PAIR_SIZES_H_

#include <cstddef>

namespace actorkv {

// The limits of Rivet's pairs, which are those of imports unless the settings
// of a store say otherwise.
constexpr size_t kMaxPairKeyBytes = size_t{2} << 10;
constexpr size_t kMaxPairValueBytes = size_t{128} << 10;

// What is stored of one pair at most, whatever the settings say: with the bytes
// around it that fits into what engines take (kv/engine/engine.h,
// EngineLimits).
constexpr size_t kMaxStoredKeyBytes = 4000;
constexpr size_t kMaxStoredValueBytes = 8'000'000;

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_PAIR_SIZES_H_
