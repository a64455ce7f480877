// Retained: says which versions of one actor must stay, by branch. Reclaim
// removes all that is not in here.
//
// A snapshot is retained when it is
//  - the head, or was the head within the retention (kv/store/retention.h): of
//    each branch that is a stretch up to its end, because times go up with
//    txids;
//  - named by a restore point that has not expired;
//  - where a branch of another actor begins (a fork), as long as that branch is
//    there;
//  - read by someone in this process (kv/store/pins.h).
// And where a retained branch of the same actor begins, those pages are needed
// that the branch does not hold itself. So a snapshot that is read retains of
// the branches below its own what shows through, and not all that was there.
//
// A deleted actor keeps all that for as long as the retention says; then only
// forks and readers count.
//
// The retention is over when it is both on the wall and in the time of the
// store (kv/store/time_map.h): where a clock was ahead the second passes too
// soon, and where it was behind the first. Restore points end on the wall
// alone.

#ifndef ACTORKV_KV_RECLAIM_RETAINED_H_
#define ACTORKV_KV_RECLAIM_RETAINED_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "kv/base/types.h"
#include "kv/engine/engine.h"
#include "kv/format/records.h"
#include "kv/reclaim/keepers.h"
#include "kv/store/pins.h"
#include "kv/store/time_map.h"

namespace actorkv {

// The time of deletion that stands for a purge: long ago.
constexpr uint64_t kPurgedAtUs = 1;

constexpr uint32_t kAnyPageCount = std::numeric_limits<uint32_t>::max();

// RetainedPoint: a snapshot below the stretch that a branch keeps.
struct RetainedPoint {
  TxId txid;
  uint32_t page_count = kAnyPageCount;  // pages past it are not read
  bool is_fork = false;
  Keeper keeper = Keeper::kReader;  // the first one
};

// RetainedChild: a retained branch that begins at this one.
struct RetainedChild {
  TxId txid;
  size_t index = 0;  // in Retained::branches
};

struct RetainedBranch {
  BranchId id;
  BranchRecord record;
  // The branch keeps all commits at or after this one, also those still to
  // come.
  std::optional<TxId> since;
  uint32_t since_page_count = kAnyPageCount;  // the size at `since`
  uint32_t last_page_count = kAnyPageCount;   // that of its last commit
  std::vector<RetainedPoint> points;          // in order of txid
  std::vector<RetainedChild> children;

  bool used() const {
    return since.has_value() || !points.empty() || !children.empty();
  }
  // Returns true when all of the commit is kept, and its record with it. Where
  // only a child begins, some pages may go.
  bool KeepsCommit(TxId txid) const;
};

struct Retained {
  ActorId actor;
  bool gone = false;  // deleted, and the retention is over
  std::optional<Head> head;
  std::vector<RetainedBranch> branches;  // newest first: children first
  // The keys of restore points that have expired, and of forks that are not
  // there any more, in the actor's partition.
  std::vector<std::string> expired_keys;

  // These are for people.
  uint64_t retention_ms = 0;
  Keepers keepers;

  // Those that AddReader() added, where invariants are checked
  // (kv/reclaim/removal_check.h); else none.
  std::vector<PinnedSnapshot> readers;

  // Adds a snapshot that is being read, of this actor or through it. Each page
  // that it finds is needed, and no other. False: it is none of this actor's.
  bool AddReader(const PinnedSnapshot& reader);
};

struct RetainedQuery {
  ActorId actor;
  ActorEntry entry;
  TimeMap times;  // of this moment
  // Restore points end as if it was so much earlier: a jump of the wall clock
  // that is not believed yet (HistoryHold in kv/store/clock.h).
  uint64_t held_us = 0;
  uint64_t retention_ms = 0;
  // True on an engine that commits partition by partition: there a fork record
  // may be there before its branch is. Then only old ones are taken for left
  // over.
  bool fork_records_come_first = false;
};

// Loads what is retained, without readers. Errors: kCorruption when a record
// that it needs is missing or damaged: then nothing of this actor may be
// removed.
Status LoadRetained(EngineReader* reader, const RetainedQuery& query,
                    Retained* retained);

}  // namespace actorkv

#endif  // ACTORKV_KV_RECLAIM_RETAINED_H_
