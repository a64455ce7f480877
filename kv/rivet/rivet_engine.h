// RivetEngine: the actors in the database of Rivet's engine, found by their
// physical keys (kv/rivet/rivet_engine_keys.h). It must not know what database
// holds these: it takes pairs sorted by key, from whoever has them.

#ifndef ACTORKV_KV_RIVET_RIVET_ENGINE_H_
#define ACTORKV_KV_RIVET_RIVET_ENGINE_H_

#include <memory>
#include <string>
#include <string_view>

#include "kv/base/status.h"
#include "kv/rivet/pairs.h"

namespace actorkv {

// A position in pairs that are sorted by key.
class SortedPairs {
 public:
  virtual ~SortedPairs() = default;

  // To the first pair at or after `key`; to the next pair. *valid is false
  // past the end. REQUIRES for Next(): the position is valid.
  virtual Status Seek(std::string_view key, bool* valid) = 0;
  virtual Status Next(bool* valid) = 0;

  // Of a valid position, until it moves.
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
};

// A database of such pairs that does not change while it is read.
class SortedPairSpace {
 public:
  virtual ~SortedPairSpace() = default;
  // Must be destroyed before the space.
  virtual std::unique_ptr<SortedPairs> NewPosition() = 0;
};

class RivetEngine {
 public:
  explicit RivetEngine(std::unique_ptr<SortedPairSpace> space);

  // The actor after `after`, both as text (RivetActorIdText); "" is before
  // all. *more is false, and *id unchanged, when there is none. The order is
  // that of the ids' bytes, not of their texts. Errors: kInvalidArgument when
  // `after` is no id; kCorruption; kIOError.
  Status NextActor(std::string_view after, std::string* id, bool* more);

  // The pairs of one actor, in the order of their keys; none when there is no
  // such actor. Next() fails with kCorruption, naming the physical key, for
  // what is no part of a pair. Must be destroyed before this.
  Status OpenPairs(std::string_view id, std::unique_ptr<PairSource>* pairs);

 private:
  const std::unique_ptr<SortedPairSpace> space_;
};

// Opens the RocksDB directory of an engine that has been stopped. No file in
// it is changed or added. Memory: what the database's log holds, and buffers.
// Errors: kNotFound; kNotSupported for files of a newer RocksDB, saying what
// to do instead; kCorruption; kIOError. Defined in
// kv/rocksdb/rocksdb_rivet_reader.cc.
Status OpenRivetEngine(const std::string& directory,
                       std::unique_ptr<RivetEngine>* engine);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_RIVET_ENGINE_H_
