// Sources of pairs made of others: those of a reader, and several as one.

#ifndef ACTORKV_KV_RIVET_MERGED_PAIRS_H_
#define ACTORKV_KV_RIVET_MERGED_PAIRS_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kv/rivet/pairs.h"

namespace actorkv {

// ReaderPairs: the pairs of a PairReader, in the order of their keys, that a
// function wants. `reader` must outlive it.
class ReaderPairs : public PairSource {
 public:
  using Wants = std::function<bool(const KeyValue&)>;

  explicit ReaderPairs(PairReader* reader, Wants wants = nullptr)
      : reader_(reader), wants_(std::move(wants)) {}

  Status Next(KeyValue* pair, bool* more) override;

 private:
  PairReader* const reader_;
  const Wants wants_;
  std::string from_;
  std::optional<KeyValue> found_;
};

// MergedPairs: the pairs of several sources, each in the order of its keys, in
// the order of all keys. Memory: a pair of each.
class MergedPairs : public PairSource {
 public:
  void Add(std::unique_ptr<PairSource> source) {
    sources_.push_back({std::move(source), std::nullopt, false});
  }

  // Errors: kInvalidArgument for a key that comes twice, or behind a larger
  // one, naming it; those of the sources. REQUIRES: all sources were added.
  Status Next(KeyValue* pair, bool* more) override;

 private:
  struct Source {
    std::unique_ptr<PairSource> pairs;
    std::optional<KeyValue> next;
    bool ended = false;
  };
  Status Fill(Source* source);

  std::vector<Source> sources_;
  std::optional<std::string> last_key_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_MERGED_PAIRS_H_
