// What the pairs of a legacy actor may measure, and how that is checked.

#ifndef ACTORKV_KV_PAIR_LIMITS_H_
#define ACTORKV_KV_PAIR_LIMITS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "kv/pairs.h"
#include "kv/status.h"

namespace actorkv {

inline constexpr size_t kMaxPairKeyBytes = size_t{2} << 10;
inline constexpr size_t kMaxPairValueBytes = size_t{128} << 10;
// Older releases stored larger ones, so more is worth a warning, no error.
inline constexpr size_t kMaxQueueMessageBytes = size_t{64} << 10;

// What went through a PairSource.
struct PairCounts {
  uint64_t pairs = 0;
  uint64_t bytes = 0;  // of keys and values
  uint64_t large_queue_messages = 0;
  // Each key came after the one before it, so none came twice. Otherwise only
  // who stores them can tell: by fewer keys stored than `pairs`.
  bool is_sorted = true;
};

// Errors: kInvalidArgument with the name of the limit, its size and the size
// that was found.
Status CheckPairKeySize(uint64_t bytes);
Status CheckPairValueSize(uint64_t bytes);

// True for the key of a queue message in either legacy layout.
bool IsQueueMessageKey(std::string_view key);

// The pairs of `source`, each checked against the limits above and counted in
// *counts, which must outlive the result. A key that comes twice in a row is
// kInvalidArgument, too.
std::unique_ptr<PairSource> CheckedPairs(std::unique_ptr<PairSource> source,
                                         PairCounts* counts);

}  // namespace actorkv

#endif  // ACTORKV_KV_PAIR_LIMITS_H_
