// What every allocator of pieces of memory must keep.

#ifndef ACTORKV_TESTS_SUPPORT_PIECE_CHECKS_H_
#define ACTORKV_TESTS_SUPPORT_PIECE_CHECKS_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

namespace actorkv {

struct PieceAllocator {
  std::function<void*(size_t size)> allocate;
  std::function<void(void* piece, size_t size)> free;
};

// Pieces of the sizes that `pick_size` gives come and go in no order, at most
// `max_count` of them at a time, and never overlap.
inline void ExpectPiecesDoNotOverlap(const PieceAllocator& memory,
                                     size_t max_count, std::mt19937_64* rng,
                                     const std::function<size_t()>& pick_size) {
  struct Piece {
    unsigned char* bytes;
    size_t size;
    unsigned char mark;
  };
  std::vector<Piece> pieces;
  const auto free_one = [&](size_t index) {
    const Piece piece = pieces[index];
    for (size_t i : {size_t{0}, piece.size / 2, piece.size - 1}) {
      ASSERT_EQ(piece.bytes[i], piece.mark);
    }
    memory.free(piece.bytes, piece.size);
    pieces[index] = pieces.back();
    pieces.pop_back();
  };
  for (int step = 0; step < 20000; ++step) {
    if (pieces.size() >= max_count || (!pieces.empty() && (*rng)() % 5 < 2)) {
      free_one((*rng)() % pieces.size());
      continue;
    }
    Piece piece;
    piece.size = pick_size();
    piece.mark = static_cast<unsigned char>((*rng)());
    piece.bytes = static_cast<unsigned char*>(memory.allocate(piece.size));
    ASSERT_EQ(reinterpret_cast<uintptr_t>(piece.bytes) % 16, 0u);
    std::memset(piece.bytes, piece.mark, piece.size);
    pieces.push_back(piece);
  }
  while (!pieces.empty()) free_one(pieces.size() - 1);
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_PIECE_CHECKS_H_
