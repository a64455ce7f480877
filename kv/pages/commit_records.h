// CommitRecords: what a commit says beside its pages: the record of its branch,
// its commit record, the head, and the entry that takes a name in the catalog.
//
// Invariant: what is put into the batch is made from the arguments alone, and
// nothing of it counts before the head does, which is guarded by the base's.

#ifndef ACTORKV_KV_PAGES_COMMIT_RECORDS_H_
#define ACTORKV_KV_PAGES_COMMIT_RECORDS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"
#include "kv/base/types.h"
#include "kv/engine/engine.h"
#include "kv/format/records.h"
#include "kv/store/actor.h"

namespace actorkv {

// What the caller decides about a commit.
struct CommitSpec {
  uint32_t page_count = 0;
  std::optional<uint32_t> stamp;  // see Snapshot
  Origin origin = Origin::kSql;
  // Adds what must be there exactly when the commit is, given the state that
  // the commit makes; none: nothing. In order: operations on the catalog, then
  // those on the actor's partition, which are atomic with the head everywhere.
  // An error of it is the error of the commit.
  std::function<Status(const HeadState& made, Batch* batch)> also;
};

// The time and name of a commit, the same for all actors in it.
struct CommitStamp {
  uint64_t committed_at_us = 0;
  CommitId commit_id = {};
};

// The version that a commit makes.
struct MadeVersion {
  ActorId actor;
  Snapshot snapshot;
  uint64_t digest = 0;
  uint64_t first_page_hash = 0;
  uint64_t written_bytes = 0;       // of the chunks that it stores
  uint32_t changed_page_count = 0;  // as many as were stored
  std::vector<PageNo> pages;        // that it stores, in any order
  bool begins_branch = false;       // its branch is there with it
  // Of a branch that it begins: every page lies there, so there is no parent.
  bool is_whole = false;
  // The record of the stage that the branch was goes with the commit.
  bool ends_stage = false;
};

class CommitRecords {
 public:
  // `base` is the head that the commit comes after, `source` the version that
  // its pages began with. The arguments must outlive the object.
  CommitRecords(const std::string& name, const HeadState& base,
                const HeadState& source)
      : name_(name), base_(base), source_(source) {}

  // Adds the records of the version to `batch`, behind what `spec` adds, with
  // the guards that they need. *state: what the commit makes of the base.
  // Errors: those of spec.also.
  Status Put(const CommitSpec& spec, const CommitStamp& stamp,
             MadeVersion version, Batch* batch,
             std::shared_ptr<const HeadState>* state) const;

 private:
  void SetHead(const CommitStamp& stamp, const MadeVersion& version,
               HeadState* state) const;
  void SetEntry(const CommitStamp& stamp, const MadeVersion& version,
                HeadState* state) const;
  void PutBranchRecord(const MadeVersion& version, Batch* batch,
                       HeadState* state) const;
  void PutCommitRecord(const CommitSpec& spec, const Head& head,
                       MadeVersion version, Batch* batch) const;
  void PutHead(ActorId actor, Batch* batch, HeadState* state) const;

  const std::string& name_;
  const HeadState& base_;
  const HeadState& source_;
};

// The entry of an actor that is made under a name, of which `before` is what
// the catalog has: its counters go on from those of a deleted one.
ActorEntry MakeEntry(const HeadState& before, ActorId actor, ActorState state,
                     uint64_t created_at_us);

// Takes the name in the catalog, guarded by `before`, and keeps the entry of a
// deleted actor that had it until then. `entry_bytes`: as it will be stored.
void TakeName(const std::string& name, const HeadState& before,
              std::string_view entry_bytes, Batch* batch);

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_COMMIT_RECORDS_H_
