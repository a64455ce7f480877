// PairWindow: finds pairs of one partition, one after the other. Whoever asks
// for key after key is served from a piece that was read at once, without
// filling the engine's cache with what is needed once; anybody else has a
// search for each.
//
// Belongs to one thread at a time.

#ifndef ACTORKV_KV_LEGACY_PAIR_WINDOW_H_
#define ACTORKV_KV_LEGACY_PAIR_WINDOW_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "kv/base/status.h"
#include "kv/engine/engine.h"
#include "kv/legacy/pair_piece.h"

namespace actorkv {

constexpr size_t kPairWindowBytes = size_t{128} << 10;

class PairWindow {
 public:
  // `reader` must outlive the object. REQUIRES: no pair of the partition is
  // added or changed while the object lives; those that go may be found for a
  // while.
  PairWindow(EngineReader* reader, Partition partition)
      : reader_(reader), partition_(partition) {}

  // Does what EngineReader::SeekOne() does: the views are valid until the next
  // call.
  Status SeekOne(std::string_view key, bool* found, std::string_view* found_key,
                 std::string_view* value);

 private:
  std::string_view first_key() const { return pairs_.key(0); }
  std::string_view last_key() const { return pairs_.key(pairs_.size() - 1); }
  bool Covers(std::string_view key) const;
  bool ReadsOn(std::string_view key) const;
  Status Fill(std::string_view key);
  void Drop();
  void Serve(std::string_view key, bool* found, std::string_view* found_key,
             std::string_view* value);

  EngineReader* const reader_;
  const Partition partition_;
  std::string last_key_;  // the last one that was found
  size_t run_ = 0;        // calls in a row that asked for the next key
  size_t searches_ = 0;   // calls in a row that were no use of the window

  // The window: every pair from from_ to the last one of pairs_ is in it; with
  // has_end_ every pair from from_ on.
  std::string from_;
  PairPiece pairs_;
  bool has_end_ = false;
  size_t next_ = 0;  // where the next search begins
};

}  // namespace actorkv

#endif  // ACTORKV_KV_LEGACY_PAIR_WINDOW_H_
