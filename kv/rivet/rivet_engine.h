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

// DepotActor: an actor that has a database in the engine's depot, and where its
// key was found; none of either at first.
struct DepotActor {
  std::string id;   // as text
  std::string key;  // physical
};

class RivetEngine {
 public:
  explicit RivetEngine(std::unique_ptr<SortedPairSpace> space);

  // Finds the actor after `after`, both as text (RivetActorIdText); "" is
  // before all. *more is false, and *id unchanged, when there is none. The
  // order is that of the ids' bytes, not of their texts. Errors:
  // kInvalidArgument when `after` is no id; kCorruption; kIOError.
  Status NextActor(std::string_view after, std::string* id, bool* more);

  // Says whether there is a pair of this actor. Errors: as above.
  Status HasPairs(std::string_view id, bool* has);

  // Says whether the actor has a database in the engine's depot. Then its pairs
  // are what it was before Rivet 2.3 had it, and nothing in them says so.
  // Errors: kCorruption; kIOError.
  Status IsInDepot(std::string_view id, bool* is);

  // Goes to the next actor in the depot, the first of all at first. One that is
  // in two buckets comes twice. *more is false, and *actor unchanged, past the
  // last. Errors: as above.
  Status NextDepotActor(DepotActor* actor, bool* more);

  // Opens the pairs of one actor, in the order of their keys; none when there
  // is no such actor. Next() fails with kCorruption, naming the physical key,
  // for what is no part of a pair. Must be destroyed before this.
  Status OpenPairs(std::string_view id, std::unique_ptr<PairSource>* pairs);

 private:
  const std::unique_ptr<SortedPairSpace> space_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_RIVET_ENGINE_H_
