// PairPiece: pairs of one partition that were read at once. The engine is free
// again when the piece is there: whoever uses its pairs may use the engine
// (EngineReader::Visit must not).

#ifndef ACTORKV_KV_LEGACY_PAIR_PIECE_H_
#define ACTORKV_KV_LEGACY_PAIR_PIECE_H_

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/errand.h"
#include "kv/base/status.h"
#include "kv/engine/engine.h"

namespace actorkv {

// The size of the pieces of PairPieces.
constexpr size_t kPairPieceBytes = size_t{1} << 20;

// PieceStart: where a piece begins.
struct PieceStart {
  Partition partition;
  std::string_view from;
};

class PairPiece {
 public:
  // Takes the place of what was there with the pairs at or after `from`, of
  // about `bytes`, and at least one. *more: there are others behind them.
  Status Read(EngineReader* reader, const PieceStart& start, size_t bytes,
              bool* more);

  bool empty() const { return pairs_.empty(); }
  size_t size() const { return pairs_.size(); }
  std::string_view key(size_t i) const {
    return View(pairs_[i].begin, pairs_[i].value_begin);
  }
  std::string_view value(size_t i) const {
    return View(pairs_[i].value_begin, pairs_[i].end);
  }
  // Returns where the first key is that is not before `key`; size(): none.
  size_t Find(std::string_view key) const;

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

// PairPieces: all pairs of a partition, piece by piece, in the order of their
// keys. While a piece is used a thread reads the next one, where there is one.
//
// Belongs to one thread at a time. `reader` must outlive it, and is not to be
// used by others meanwhile.
class PairPieces {
 public:
  PairPieces(EngineReader* reader, Partition partition)
      : reader_(reader), partition_(partition) {}
  PairPieces(const PairPieces&) = delete;
  PairPieces& operator=(const PairPieces&) = delete;

  // Gives the next piece, which is valid until the next call; null: there is
  // none. Errors: those of the engine; kIOError in a child of fork() whose
  // parent had begun it.
  Status Next(const PairPiece** piece);

 private:
  void Read();

  EngineReader* const reader_;
  const Partition partition_;
  std::array<PairPiece, 2> pieces_;
  bool ended_ = false;  // the last piece was given
  // These are the thread's while it reads.
  size_t next_ = 0;  // of pieces_, the one that is read next
  std::string from_;
  bool more_ = true;
  Status read_;
  std::unique_ptr<Errand> ahead_;  // goes first; null: nothing is being read
};

}  // namespace actorkv

#endif  // ACTORKV_KV_LEGACY_PAIR_PIECE_H_
