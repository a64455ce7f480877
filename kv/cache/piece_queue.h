// PieceQueue: pages that are read before they are asked for, piece by piece, by
// whoever takes a piece first: a thread for it, or who would wait otherwise.
//
// Invariants:
//  1. Each piece is taken once. What a scan has passed is not taken.
//  2. Nobody waits for a piece that nobody has taken, nor for ever for one that
//     was: who took it says Done() whatever happens (Doing), and WaitFor()
//     ends.
//
// Thread-safe.

#ifndef ACTORKV_KV_CACHE_PIECE_QUEUE_H_
#define ACTORKV_KV_CACHE_PIECE_QUEUE_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "kv/base/page_span.h"
#include "kv/base/types.h"

namespace actorkv {

// How a scan goes through the pages, and how far it has come.
struct ScanProgress {
  bool backward = false;
  // The page that it has come to, 0 before the first; null: nobody says.
  std::shared_ptr<const std::atomic<PageNo>> front;
};

class PieceQueue {
 public:
  // Pieces, the one that is wanted first first. No page is in two of them.
  explicit PieceQueue(const std::vector<PageSpan>& pieces);

  // Pieces of the pages that a scan comes to next.
  PieceQueue(const PageSpan& pages, ScanProgress scan);

  // The piece that is wanted next, to be read and then Done(). False when all
  // are taken.
  bool Take(PageSpan* piece);
  void Done(const PageSpan& piece) noexcept;

  // A piece that was taken is Done() with this object, however that goes.
  class Doing {
   public:
    Doing(PieceQueue* queue, const PageSpan& piece)
        : queue_(queue), piece_(piece) {}
    ~Doing() { queue_->Done(piece_); }
    Doing(const Doing&) = delete;
    Doing& operator=(const Doing&) = delete;

   private:
    PieceQueue* const queue_;
    const PageSpan piece_;
  };

  // Whether the page is in a piece that was not read yet.
  bool IsAwaited(PageNo pgno) const;

  // Waits while the page is awaited, but not long: who has the piece may not
  // get a processor. REQUIRES: Take() has said that all are taken.
  void WaitFor(PageNo pgno);

 private:
  struct Piece {
    PageSpan pages;
    bool is_done = false;
  };

  // These REQUIRE that mutex_ is held.
  bool IsPassed(const PageSpan& piece) const;
  bool IsAwaitedNow(PageNo pgno) const;

  const ScanProgress scan_;
  mutable std::mutex mutex_;  // of what follows
  std::condition_variable piece_done_;
  std::vector<Piece> pieces_;
  size_t next_ = 0;  // piece to be taken
};

}  // namespace actorkv

#endif  // ACTORKV_KV_CACHE_PIECE_QUEUE_H_
