#include "kv/cache/piece_queue.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace actorkv {

namespace {

// Of a scan, in pages.
constexpr PageNo kScanPiece = 32;

// A piece takes some 50 us, or as long as the disk does.
constexpr std::chrono::microseconds kMaxWait{2000};

std::vector<PageSpan> CutForScan(PageSpan pages, bool backward) {
  std::vector<PageSpan> pieces;
  pieces.reserve((pages.count() + kScanPiece - 1) / kScanPiece);
  while (!pages.empty()) {
    PageSpan piece = pages;
    const PageNo count = std::min(kScanPiece, pages.count());
    if (backward) {
      piece.first = pages.end -= count;
    } else {
      piece.end = pages.first += count;
    }
    pieces.push_back(piece);
  }
  return pieces;
}

}  // namespace

PieceQueue::PieceQueue(const std::vector<PageSpan>& pieces) {
  pieces_.reserve(pieces.size());
  for (const PageSpan& piece : pieces) pieces_.push_back({piece});
}

PieceQueue::PieceQueue(const PageSpan& pages, ScanProgress scan)
    : scan_(std::move(scan)) {
  for (const PageSpan& piece : CutForScan(pages, scan_.backward)) {
    pieces_.push_back({piece});
  }
}

bool PieceQueue::IsPassed(const PageSpan& piece) const {
  const PageNo front =
      scan_.front == nullptr ? 0 : scan_.front->load(std::memory_order_relaxed);
  if (front == 0) return false;
  return scan_.backward ? front < piece.first : front >= piece.end;
}

bool PieceQueue::Take(PageSpan* piece) {
  std::lock_guard<std::mutex> lock(mutex_);
  while (next_ < pieces_.size()) {
    Piece& next = pieces_[next_++];
    if (!IsPassed(next.pages)) {
      *piece = next.pages;
      return true;
    }
    next.is_done = true;
  }
  return false;
}

void PieceQueue::Done(const PageSpan& piece) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  for (Piece& done : pieces_) {
    if (done.pages.first == piece.first) done.is_done = true;
  }
  piece_done_.notify_all();
}

bool PieceQueue::IsAwaitedNow(PageNo pgno) const {
  return std::any_of(pieces_.begin(), pieces_.end(), [pgno](const Piece& p) {
    return !p.is_done && p.pages.Contains(pgno);
  });
}

bool PieceQueue::IsAwaited(PageNo pgno) const {
  std::lock_guard<std::mutex> lock(mutex_);
  return IsAwaitedNow(pgno);
}

void PieceQueue::WaitFor(PageNo pgno) {
  std::unique_lock<std::mutex> lock(mutex_);
  piece_done_.wait_for(lock, kMaxWait, [&] { return !IsAwaitedNow(pgno); });
}

}  // namespace actorkv
