// Commit: makes what one or several BranchWriters hold the new heads of their
// actors, all or none.
//
// Invariants:
//  1. Chunks, commit record and head of every actor of the commit go into one
//     engine commit; a reader sees all of it or nothing, also after a crash.
//  2. Each head is guarded by the head that its writer began with: nothing is
//     overwritten that the writer did not see.
//  3. An outcome that the engine does not know is resolved by reading the head
//     again and comparing commit ids, or reported as such; the txid is never
//     used again (kv/store/actor.h).
//  4. Between the engine's answer and the end of publication nothing can fail:
//     states, batch and pages were made before, and what takes memory there is
//     let be without it (the cache, what changed between heads). So a commit is
//     published whole, or every actor of it forgets what it knew.

#ifndef ACTORKV_KV_PAGES_COMMIT_H_
#define ACTORKV_KV_PAGES_COMMIT_H_

#include <vector>

#include "kv/pages/branch_writer.h"

namespace actorkv {

struct PendingCommit {
  BranchWriter* writer = nullptr;
  CommitSpec spec;
  // Pins the new head before anyone can see it; null: nobody reads it on.
  Pin* pin = nullptr;
  // Set by CommitAll() when it succeeds.
  std::shared_ptr<const HeadState> state;
  // The Actor::version() under which it published `state`: it is the newest for
  // as long as the actor has that version. By the end of CommitAll() the actor
  // may have another one.
  uint64_t version = 0;
};

// Commits; all writers are of `store`, each of another actor, and there is at
// least one. Errors: kFenced,
// with expected and actual generation; kConflict when a head moved;
// kNotSupported for several actors on an engine that cannot do it, before
// anything is written; kNoSpace, also where a database would grow past its hard
// quota (kv/store/retention.h); kNoMemory, where nothing was written; kIOError.
// What is thrown, std::bad_alloc, is thrown before anything was written.
Status CommitAll(Store* store, Durability durability,
                 std::vector<PendingCommit>* commits);

// Raises the generation of the actor, so that every writer that began before
// is refused, and lets nobody wait any more for one that is writing, in
// whatever process. Where a commit comes between, it begins again. By the owner
// of the store. Errors: kNotFound when there is no such actor; kBusy when
// others commit all the time.
Status TakeOver(Store* store, Actor* actor, Generation* generation);

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_COMMIT_H_
