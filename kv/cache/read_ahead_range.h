// ReadAheadRange: pages that are read before they are asked for, piece by
// piece, by whoever takes a piece first: the thread for it, or the reader that
// caught up with it and would wait otherwise.
//
// Invariant: each piece is taken once. What the reader has passed is not taken.
//
// Thread-safe.

#ifndef ACTORKV_KV_CACHE_READ_AHEAD_RANGE_H_
#define ACTORKV_KV_CACHE_READ_AHEAD_RANGE_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

#include "kv/base/types.h"

namespace actorkv {

class ReadAheadRange {
 public:
  // Pages from `first` up to, but not with, `end`.
  struct Piece {
    PageNo first = 0;
    PageNo end = 0;
    uint32_t index = 0;
  };

  static constexpr PageNo kMaxPages = 2048;

  // `front` is the page that the reader has come to, 0 before the first; null:
  // nobody says. `backward`: the last page is wanted first.
  // REQUIRES: end - first <= kMaxPages.
  ReadAheadRange(PageNo first, PageNo end, bool backward,
                 std::shared_ptr<const std::atomic<PageNo>> front);

  bool Contains(PageNo pgno) const { return pgno >= first_ && pgno < end_; }

  // The piece that is wanted next, to be read and then Done(). False when all
  // are taken.
  bool Take(Piece* piece);
  void Done(const Piece& piece) noexcept;

  // A piece that was taken is Done() with this object, however that goes.
  class Doing {
   public:
    Doing(ReadAheadRange* range, const Piece& piece)
        : range_(range), piece_(piece) {}
    ~Doing() { range_->Done(piece_); }
    Doing(const Doing&) = delete;
    Doing& operator=(const Doing&) = delete;

   private:
    ReadAheadRange* const range_;
    const Piece piece_;
  };

  // The piece of this page was read. REQUIRES: Contains(pgno).
  bool IsDone(PageNo pgno) const;

  // Waits for that, but not long: who has the piece may not get a processor.
  void WaitFor(PageNo pgno);

 private:
  static constexpr PageNo kPagesPerPiece = 32;
  static_assert(kMaxPages / kPagesPerPiece <= 64, "a bit of done_ for each");

  Piece PieceAt(uint32_t index) const;
  bool IsPassed(const Piece& piece) const;

  const PageNo first_;
  const PageNo end_;
  const bool backward_;
  const uint32_t piece_count_;
  const std::shared_ptr<const std::atomic<PageNo>> front_;
  std::atomic<uint32_t> next_{0};    // piece to be taken
  std::atomic<uint64_t> done_{0};    // a bit for each piece
  std::atomic<bool> waited_{false};  // by WaitFor(), or was
  std::mutex mutex_;
  std::condition_variable piece_done_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_CACHE_READ_AHEAD_RANGE_H_
