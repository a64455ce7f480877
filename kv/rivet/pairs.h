// Interfaces of pairs of bytes as they come and go: what an actor is outside of
// this store (legacy layouts, dumps, archives). The meaning of keys is in
// kv/rivet/legacy_keys.h.

#ifndef ACTORKV_KV_RIVET_PAIRS_H_
#define ACTORKV_KV_RIVET_PAIRS_H_

#include <optional>
#include <string>
#include <string_view>

#include "kv/base/status.h"
#include "kv/engine/engine.h"

namespace actorkv {

// PairSource: gives one pair after another, each once, in any order.
class PairSource {
 public:
  virtual ~PairSource() = default;

  // *more is false behind the last pair; `pair` is unchanged then. Errors:
  // kInvalidArgument or kCorruption for bytes that are no pair, with the place
  // (line or offset) in the text; kIOError.
  virtual Status Next(KeyValue* pair, bool* more) = 0;

  // Says where the last pair was, for messages: "line 7". Empty where nobody
  // could find it by that.
  virtual std::string Place() const { return ""; }
};

// PairSink: takes pairs and writes them somewhere.
class PairSink {
 public:
  virtual ~PairSink() = default;

  virtual Status Add(std::string_view key, std::string_view value) = 0;

  // Ends the pairs. Without it what was written does not count.
  virtual Status Finish() = 0;
};

// PairReader: pairs in the order of their keys, read at will. Belongs to one
// thread at a time.
class PairReader {
 public:
  virtual ~PairReader() = default;

  // Reads the value of a key; nullopt: there is no such pair.
  virtual Status Get(std::string_view key,
                     std::optional<std::string>* value) = 0;

  // Reads the first pair at or after `key`; nullopt past the end.
  virtual Status Seek(std::string_view key, std::optional<KeyValue>* pair) = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_PAIRS_H_
