#include "kv/legacy/pair_piece.h"

namespace actorkv {

Status PairPiece::Read(EngineReader* reader, Partition partition,
                       std::string_view from, bool* more) {
  bytes_.clear();
  pairs_.clear();
  *more = false;
  return reader->Visit(
      partition, from, [&](std::string_view key, std::string_view value) {
        *more = bytes_.size() >= kPairPieceBytes;
        if (*more) return false;
        const size_t begin = bytes_.size();
        bytes_ += key;
        bytes_ += value;
        pairs_.push_back({begin, begin + key.size(), bytes_.size()});
        return true;
      });
}

}  // namespace actorkv
