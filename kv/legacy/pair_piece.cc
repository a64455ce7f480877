#include "kv/legacy/pair_piece.h"

#include <algorithm>

#include "kv/engine/prefix_scan.h"

namespace actorkv {

Status PairPiece::Read(EngineReader* reader, const PieceStart& start,
                       size_t bytes, bool* more) {
  bytes_.clear();
  pairs_.clear();
  *more = false;
  return reader->Visit(
      start.partition, start.from,
      [&](std::string_view key, std::string_view value) {
        *more = bytes_.size() >= bytes;
        if (*more) return false;
        const size_t begin = bytes_.size();
        bytes_ += key;
        bytes_ += value;
        pairs_.push_back({begin, begin + key.size(), bytes_.size()});
        return true;
      });
}

size_t PairPiece::Find(std::string_view key) const {
  const auto is_before = [this](const Pair& pair, std::string_view wanted) {
    return View(pair.begin, pair.value_begin) < wanted;
  };
  return static_cast<size_t>(
      std::lower_bound(pairs_.begin(), pairs_.end(), key, is_before) -
      pairs_.begin());
}

void PairPieces::Read() {
  read_ = pieces_[next_].Read(reader_, {partition_, from_}, kPairPieceBytes,
                              &more_);
}

Status PairPieces::Next(const PairPiece** piece) {
  *piece = nullptr;
  if (ended_) return Status::Ok();
  if (ahead_ == nullptr) {
    Read();
  } else if (!ahead_->Finish()) {
    return Status::IOError(
        "legacy pairs were being read when this process was "
        "forked: read them anew");
  }
  ahead_.reset();
  if (!read_.ok()) return read_;
  *piece = &pieces_[next_];
  ended_ = !more_;
  if (ended_) return Status::Ok();
  from_ = KeyAfter((*piece)->key((*piece)->size() - 1));
  next_ = 1 - next_;
  // What an errand throws is lost: then no memory is what is left.
  read_ = Status::NoMemory();
  ahead_ = std::make_unique<Errand>([this] { Read(); });
  // Where no thread takes it, Finish() does it.
  (void)ahead_->Send();
  return Status::Ok();
}

}  // namespace actorkv
