// SortedPairs: a database of somebody else as pairs sorted by key, to be read
// and left as it is. Whoever knows the database implements it, and whoever
// knows what the keys mean reads it.

#ifndef ACTORKV_KV_ENGINE_SORTED_PAIRS_H_
#define ACTORKV_KV_ENGINE_SORTED_PAIRS_H_

#include <memory>
#include <string_view>

#include "kv/base/status.h"

namespace actorkv {

// SortedPairs: a position in pairs that are sorted by key.
class SortedPairs {
 public:
  virtual ~SortedPairs() = default;

  // These move to the first pair at or after `key`, and to the next pair.
  // *valid is false past the end. REQUIRES for Next(): the position is valid.
  virtual Status Seek(std::string_view key, bool* valid) = 0;
  virtual Status Next(bool* valid) = 0;

  // The key and the value of a valid position, until it moves.
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
};

// SortedPairSpace: a database of such pairs that does not change while it is
// read.
class SortedPairSpace {
 public:
  virtual ~SortedPairSpace() = default;
  // Must be destroyed before the space.
  virtual std::unique_ptr<SortedPairs> NewPosition() = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ENGINE_SORTED_PAIRS_H_
