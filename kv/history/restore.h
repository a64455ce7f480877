// Restore: an actor goes back to an older commit of its own. Fork: a new actor
// begins as a commit of another one. Both make a branch whose parent is that
// commit, and one commit on it, which stores page 1 and nothing else.
//
// Invariants:
//  1. The head that a restore leaves stays: its commits, under their txids, and
//     a restore point of it, which is written in the same commit.
//  2. The change counter and the schema cookie of the new head are above those
//     of the head before it, so above every earlier one: no connection takes
//     pages or a schema that it has for those of the new head
//     (kv/format/counters.h).
//  3. Nothing waits for readers or writers. Readers finish on their snapshot;
//     a writer in the middle of a transaction cannot commit it any more.

#ifndef ACTORKV_KV_HISTORY_RESTORE_H_
#define ACTORKV_KV_HISTORY_RESTORE_H_

#include <memory>
#include <string>
#include <vector>

#include "kv/base/types.h"
#include "kv/history/point.h"

namespace actorkv {

class Store;

// How long the restore point of the head before a restore is kept.
inline constexpr uint64_t kUndoTtlUs = uint64_t{7} * 86'400'000'000;

// Moves every one of `actors` to the point, all in one commit, durably.
// *txids: of the new heads, in that order. Errors: those of ResolvePoint();
// kNotFound; kInvalidArgument for a legacy actor, or an actor that comes twice;
// kBusy when others commit all the time; kNotSupported for several actors on an
// engine that cannot; kNoSpace; kIOError.
Status RestoreActors(const std::shared_ptr<Store>& store,
                     const std::vector<std::string>& actors, const Point& point,
                     std::vector<TxId>* txids);

// Moves the actor to the head before its last restore; a second time to the
// head before that, which is the restored one again. Errors: as above;
// kInvalidArgument when it was never restored.
Status UndoRestore(const std::shared_ptr<Store>& store,
                   const std::string& actor, TxId* txid);

// Makes the actor `fork` from a point of `actor`, also of a deleted one. *txid:
// of its head. Errors: those of ResolvePoint(); kAlreadyExists; kNotFound.
struct ForkSpec {
  std::string actor;
  Point point;
  std::string fork;
};
Status ForkActor(const std::shared_ptr<Store>& store, const ForkSpec& spec,
                 TxId* txid);

}  // namespace actorkv

#endif  // ACTORKV_KV_HISTORY_RESTORE_H_
