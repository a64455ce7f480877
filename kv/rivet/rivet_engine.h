// RivetEngine: finds the actors in the database of Rivet's engine by their
// physical keys (kv/rivet/rivet_engine_keys.h). It must not know what database
// holds these: it takes pairs sorted by key, from whoever has them.

#ifndef ACTORKV_KV_RIVET_RIVET_ENGINE_H_
#define ACTORKV_KV_RIVET_RIVET_ENGINE_H_

#include <memory>
#include <string>
#include <string_view>

#include "kv/base/status.h"
#include "kv/engine/sorted_pairs.h"
#include "kv/rivet/pairs.h"

namespace actorkv {

class RivetEngine {
 public:
  explicit RivetEngine(std::unique_ptr<SortedPairSpace> space);

  // Finds the actor after `after`, both as text (RivetActorIdText); "" is
  // before all. *more is false, and *id unchanged, when there is none. The
  // order is that of the ids' bytes, not of their texts. Errors:
  // kInvalidArgument when `after` is no id; kCorruption; kIOError.
  Status NextActor(std::string_view after, std::string* id, bool* more);

  // Opens the pairs of one actor, in the order of their keys; none when there
  // is no such actor. Next() fails with kCorruption, naming the physical key,
  // for what is no part of a pair. Must be destroyed before this.
  Status OpenPairs(std::string_view id, std::unique_ptr<PairSource>* pairs);

 private:
  const std::unique_ptr<SortedPairSpace> space_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_RIVET_ENGINE_H_
