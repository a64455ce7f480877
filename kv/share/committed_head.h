// CommittedHead(): what the head of an actor is once a batch of another process
// is done, from the batch and from what was known before: so that it can be
// pinned before it is there, and published without reading it back.

#ifndef ACTORKV_KV_SHARE_COMMITTED_HEAD_H_
#define ACTORKV_KV_SHARE_COMMITTED_HEAD_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "kv/base/status.h"
#include "kv/engine/engine.h"
#include "kv/store/actor.h"

namespace actorkv {

// Makes the state of the actor `name`, whose state was `base`. Branches that
// the batch does not begin are read from the store. Errors: kInvalidArgument
// where the batch does not have its head; those of DecodeRecord() and
// LoadLineage().
Status CommittedHead(EngineReader* reader, const std::string& name,
                     const Batch& batch, const HeadState& base,
                     std::shared_ptr<const HeadState>* state);

// TouchedHeads: whose heads a batch changes.
struct TouchedHeads {
  std::set<std::string> names;  // whose entries in the catalog it changes
  std::set<uint64_t> actors;    // whose heads, by the number of the id
};
TouchedHeads TouchedBy(const Batch& batch);

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_COMMITTED_HEAD_H_
