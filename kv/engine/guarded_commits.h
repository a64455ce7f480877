// GuardedCommits: commits with limits and guards, over something that can only
// write. An engine that has one commits by a call of it.
//
// A commit takes these steps: it is checked against the limits, waits until no
// other has one of its guarded keys (GuardSet), finds each guard to hold, by
// what is remembered (GuardMemo) or by a read, and is written, where it is
// synced together with others (GroupCommit).
//
// Invariants:
//  1. Commits that guard the same key are serial; those that share none never
//     wait for each other's sync.
//  2. Between the check of a guard and the write of its commit nobody else
//     writes the key, if all who write a guarded key guard it.
//  3. Nothing is called back but the BatchStore, and every write goes through
//     its Write().
//
// Thread-safe.

#ifndef ACTORKV_KV_ENGINE_GUARDED_COMMITS_H_
#define ACTORKV_KV_ENGINE_GUARDED_COMMITS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kv/base/gate.h"
#include "kv/engine/engine.h"
#include "kv/engine/group_commit.h"
#include "kv/engine/guard_memo.h"
#include "kv/engine/guard_set.h"

namespace actorkv {

// What commits stand on: it reads a key, and writes batches with no regard to
// their guards. Thread-safe.
class BatchStore {
 public:
  virtual ~BatchStore() = default;

  // A commit comes. *hold: while it lasts, what the commit reads and writes
  // stays open. *epoch: rises when what was read may not be so any more.
  // Errors: why nothing can be written.
  virtual Status Enter(Gate::Hold* hold, uint64_t* epoch) = 0;

  // These are called under the hold of Enter().

  // Whether the guard holds, by a read.
  virtual Status Holds(const Batch::Guard& guard, bool* holds) = 0;

  // The guards of a commit hold, and it is about to be written. Errors:
  // kNoSpace; then it is not.
  virtual Status ClaimSpace(const Batch& batch, Durability durability) = 0;

  // Writes all of the batches, in order, or nothing, each of which had its
  // space claimed. With kSynced they may be of several commits, else it is one.
  virtual CommitResult Write(const std::vector<const Batch*>& batches,
                             Durability durability) noexcept = 0;
};

class GuardedCommits {
 public:
  // Synced commits are written together up to `max_group_bytes` of keys and
  // values. `store` must outlive the object.
  GuardedCommits(BatchStore* store, const EngineLimits& limits,
                 size_t max_group_bytes);

  // See Engine::Commit().
  CommitResult Commit(const Batch& batch, Durability durability) noexcept;

  // The keys of the partition were removed by another way.
  void Forget(Partition partition) noexcept;

 private:
  // What the memo will know of one key that a commit writes: made before the
  // write, so that nothing is allocated between a write that landed and what is
  // known of it.
  struct Note {
    GuardMemo::Ticket ticket;
    std::string key;  // empty: the value is not to be known
    std::string value;
  };

  CommitResult CommitOnce(const Batch& batch, Durability durability);
  // Done when every guard holds. `memo_keys`: theirs, in their order.
  CommitResult CheckGuards(const std::vector<Batch::Guard>& guards,
                           const std::vector<std::string>& memo_keys);
  // Writes, and keeps the memo. REQUIRES: the guards are claimed.
  CommitResult WriteGuarded(const Batch& batch, Durability durability,
                            uint64_t epoch,
                            const std::vector<std::string>& memo_keys);
  CommitResult Write(const Batch& batch, Durability durability) noexcept;
  std::vector<Note> NotesOf(const Batch& batch, uint64_t epoch,
                            const std::vector<std::string>& memo_keys);

  BatchStore* const store_;
  const EngineLimits limits_;
  GuardSet guards_;
  GuardMemo memo_;
  GroupCommit group_;  // of synced commits
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ENGINE_GUARDED_COMMITS_H_
