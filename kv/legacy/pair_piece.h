// PairPiece: pairs of one partition that were read at once, for who goes over
// all of them. The engine is free again when the piece is there: whoever uses
// its pairs may use the engine (EngineReader::Visit must not).

#ifndef ACTORKV_KV_LEGACY_PAIR_PIECE_H_
#define ACTORKV_KV_LEGACY_PAIR_PIECE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"
#include "kv/engine/engine.h"

namespace actorkv {

// A piece has about so many bytes, and at least one pair.
constexpr size_t kPairPieceBytes = size_t{1} << 20;

class PairPiece {
 public:
  // Takes the place of what was there with the pairs at or after `from`. *more:
  // there are others behind them.
  Status Read(EngineReader* reader, Partition partition, std::string_view from,
              bool* more);

  size_t size() const { return pairs_.size(); }
  std::string_view key(size_t i) const {
    return View(pairs_[i].begin, pairs_[i].value_begin);
  }
  std::string_view value(size_t i) const {
    return View(pairs_[i].value_begin, pairs_[i].end);
  }

 private:
  struct Pair {
    size_t begin;  // of the key, in bytes_
    size_t value_begin;
    size_t end;
  };

  std::string_view View(size_t begin, size_t end) const {
    return std::string_view{bytes_}.substr(begin, end - begin);
  }

  std::string bytes_;
  std::vector<Pair> pairs_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_LEGACY_PAIR_PIECE_H_
