#include "kv/legacy/pair_window.h"

#include <algorithm>

#include "kv/base/coding.h"
#include "kv/rivet/legacy_file.h"

namespace actorkv {

namespace {

// The number of calls in a row that asked for the next key, before a window is
// read. A search reads a block of the engine, which is a handful of pairs: so a
// window pays only for those who will read on.
constexpr size_t kMinRun = 4;

// The number of searches elsewhere after which a window is dropped. It is kept
// for those who look elsewhere now and then, as at the inner pages of a tree.
constexpr size_t kMaxSearches = 64;

constexpr size_t kCountBytes = 4;  // the number of a chunk

// Returns true when `key` is right behind `last`, or has the next number.
bool Follows(std::string_view last, std::string_view key) {
  if (key.size() == last.size() + 1) {
    return key.back() == '\0' && key.substr(0, last.size()) == last;
  }
  if (key.size() != last.size() || key.size() < kCountBytes) return false;
  const size_t prefix = key.size() - kCountBytes;
  return key.substr(0, prefix) == last.substr(0, prefix) &&
         LoadBig32(&key[prefix]) == LoadBig32(&last[prefix]) + 1;
}

// Returns where a window begins that ends with `key`, of pairs as large as
// chunks.
std::string WindowBefore(std::string_view key) {
  constexpr uint32_t kPairs = kPairWindowBytes / kLegacyChunkBytes - 1;
  std::string begin(key);
  if (key.size() < kCountBytes) return begin;
  char* const number = begin.data() + begin.size() - kCountBytes;
  StoreBig32(number, LoadBig32(number) - std::min(LoadBig32(number), kPairs));
  return begin;
}

}  // namespace

bool PairWindow::Covers(std::string_view key) const {
  if (pairs_.empty() || key < from_) return false;
  return has_end_ || key <= last_key();
}

// Returns true for a call that asks for what comes behind the window or before
// it, or for key after key without one.
bool PairWindow::ReadsOn(std::string_view key) const {
  if (pairs_.empty()) return run_ >= kMinRun;
  return Follows(last_key(), key) || Follows(key, first_key()) ||
         run_ >= kMinRun;
}

void PairWindow::Drop() {
  // The memory goes as well: a window is large, and its reader may be open for
  // long.
  if (!pairs_.empty()) pairs_ = PairPiece();
}

Status PairWindow::Fill(std::string_view key) {
  from_ = key;
  next_ = 0;
  bool more = false;
  Status s = pairs_.Read(reader_, {partition_, from_}, kPairWindowBytes, &more);
  // A window that reaches the end of the partition answers for every key behind
  // it: there is nothing.
  has_end_ = !more;
  if (!s.ok()) Drop();
  return s;
}

void PairWindow::Serve(std::string_view key, bool* found,
                       std::string_view* found_key, std::string_view* value) {
  // A caller that reads on finds its pair in the first or the second place.
  size_t at = next_;
  if (at >= pairs_.size() || pairs_.key(at) > key) at = 0;
  if (at < pairs_.size() && pairs_.key(at) < key) ++at;
  if (at < pairs_.size() && pairs_.key(at) < key) at = pairs_.Find(key);
  next_ = at;
  *found = at < pairs_.size();
  if (!*found) return;
  *found_key = pairs_.key(at);
  *value = pairs_.value(at);
}

Status PairWindow::SeekOne(std::string_view key, bool* found,
                           std::string_view* found_key,
                           std::string_view* value) {
  // Windows are read backwards as well: quick_check reads the pages of a tree
  // from the last on.
  const bool back = Follows(key, pairs_.empty() ? last_key_ : first_key());
  run_ = back || Follows(last_key_, key) ? run_ + 1 : 0;
  if (!Covers(key) && ReadsOn(key)) {
    if (Status s = Fill(back ? WindowBefore(key) : key); !s.ok()) return s;
  }
  if (Covers(key)) {
    searches_ = 0;
    Serve(key, found, found_key, value);
  } else {
    if (++searches_ > kMaxSearches) Drop();
    if (Status s = reader_->SeekOne(partition_, key, found, found_key, value);
        !s.ok()) {
      return s;
    }
  }
  if (*found) last_key_ = *found_key;
  return Status::Ok();
}

}  // namespace actorkv
