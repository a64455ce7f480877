#include "kv/cache/read_ahead_range.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace actorkv {

namespace {

// A piece takes some 50 us, or as long as the disk does.
constexpr std::chrono::microseconds kMaxWait{2000};

}  // namespace

ReadAheadRange::ReadAheadRange(PageNo first, PageNo end, bool backward,
                               std::shared_ptr<const std::atomic<PageNo>> front)
    : first_(first),
      end_(std::max(first, end)),
      backward_(backward),
      piece_count_((end_ - first_ + kPagesPerPiece - 1) / kPagesPerPiece),
      front_(std::move(front)) {}

ReadAheadRange::Piece ReadAheadRange::PieceAt(uint32_t index) const {
  const PageNo skipped = index * kPagesPerPiece;
  const PageNo count = std::min(kPagesPerPiece, end_ - first_ - skipped);
  const PageNo begin = backward_ ? end_ - skipped - count : first_ + skipped;
  return {begin, begin + count, index};
}

bool ReadAheadRange::IsPassed(const Piece& piece) const {
  const PageNo front =
      front_ == nullptr ? 0 : front_->load(std::memory_order_relaxed);
  if (front == 0) return false;
  return backward_ ? front < piece.first : front >= piece.end;
}

bool ReadAheadRange::Take(Piece* piece) {
  for (;;) {
    const uint32_t index = next_.fetch_add(1, std::memory_order_relaxed);
    if (index >= piece_count_) {
      next_.store(piece_count_, std::memory_order_relaxed);  // never wraps
      return false;
    }
    *piece = PieceAt(index);
    if (!IsPassed(*piece)) return true;
    Done(*piece);
  }
}

void ReadAheadRange::Done(const Piece& piece) noexcept {
  // Sequentially consistent, as in WaitFor(): one of the two sees the other.
  done_.fetch_or(uint64_t{1} << piece.index);
  if (!waited_.load()) return;
  std::lock_guard<std::mutex> lock(mutex_);
  piece_done_.notify_all();
}

bool ReadAheadRange::IsDone(PageNo pgno) const {
  const PageNo skipped = backward_ ? end_ - 1 - pgno : pgno - first_;
  return (done_.load() >> skipped / kPagesPerPiece & 1) != 0;
}

void ReadAheadRange::WaitFor(PageNo pgno) {
  std::unique_lock<std::mutex> lock(mutex_);
  waited_.store(true);
  piece_done_.wait_for(lock, kMaxWait, [&] { return IsDone(pgno); });
}

}  // namespace actorkv
