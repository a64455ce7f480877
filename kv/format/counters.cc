#include "kv/format/counters.h"

#include <algorithm>
#include <limits>

namespace actorkv {

namespace {

// The number of commits that an actor whose txid is not known can have had: see
// the header.
constexpr uint64_t kUnknownCommits = uint64_t{1} << 24;

}  // namespace

// A counter that is far ahead is not taken over: it is of a damaged file or of
// somebody who means harm, and would use up the 32 bits.
uint32_t NextCounter(uint32_t given, uint32_t floor) {
  return given > floor && given <= kMaxGivenCounter ? given : floor + 1;
}

uint32_t UnknownCounter(uint32_t floor, TxId txid) {
  // The largest number is left out, so that there is one above.
  constexpr uint64_t kMax = std::numeric_limits<uint32_t>::max() - 1;
  // Every commit raises a counter by one at most by itself, so the number of
  // commits bounds it from above.
  const uint64_t commits = txid == TxId{} ? kUnknownCommits : txid.value;
  const uint64_t bound =
      std::max(kUnknownCounter, floor) + std::min(commits, kMax);
  return static_cast<uint32_t>(std::min(bound, kMax));
}

}  // namespace actorkv
