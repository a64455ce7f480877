#include "kv/reclaim/retained.h"

#include <algorithm>
#include <utility>

#include "kv/base/affix.h"
#include "kv/base/duration.h"
#include "kv/base/invariant.h"
#include "kv/engine/prefix_scan.h"
#include "kv/format/get_record.h"
#include "kv/format/history_records.h"
#include "kv/format/keys.h"

namespace actorkv {

namespace {

// The age from which a fork record without its branch is taken for left over,
// where records come first.
constexpr uint64_t kForkGraceUs = uint64_t{3600} * 1'000'000;

// The bound of memory, in branches: an actor with more is left alone; each
// takes about a hundred bytes here.
constexpr size_t kMaxBranches = 1'000'000;

// The number of looks at a head that goes to another branch while it is looked
// at.
constexpr int kMaxHeads = 100;

constexpr uint64_t kForever = std::numeric_limits<uint64_t>::max();

// Returns the largest time of the store that is past the retention: over on the
// wall and in the store's time, so the earlier of two (see the header).
uint64_t CutoffOf(const RetainedQuery& query) {
  // Without a retention everything is past it, whatever the clock says.
  if (query.retention_ms == 0) return kForever;
  const uint64_t retention_us = query.retention_ms * kUsPerMs;
  const uint64_t wall_us = query.times.wall_now_us();
  const uint64_t store_us = query.times.store_now_us();
  return std::min(query.times.Cut(wall_us - std::min(wall_us, retention_us)),
                  store_us - std::min(store_us, retention_us));
}

void AddPoint(const RetainedPoint& point, RetainedBranch* branch) {
  auto& points = branch->points;
  const auto at =
      std::lower_bound(points.begin(), points.end(), point,
                       [](const RetainedPoint& a, const RetainedPoint& b) {
                         return a.txid < b.txid;
                       });
  if (at != points.end() && at->txid == point.txid) {
    // One point stands for both; the larger database reads what the smaller one
    // does.
    at->page_count = std::max(at->page_count, point.page_count);
    at->is_fork = at->is_fork || point.is_fork;
    return;
  }
  points.insert(at, point);
}

// Finds a branch by its id; null: there is none.
RetainedBranch* FindBranch(BranchId id, std::vector<RetainedBranch>* branches) {
  const auto at = std::lower_bound(
      branches->begin(), branches->end(), id,
      [](const RetainedBranch& a, BranchId b) { return b < a.id; });
  return at == branches->end() || at->id != id ? nullptr : &*at;
}

class Loader {
 public:
  Loader(EngineReader* reader, const RetainedQuery& query)
      : reader_(reader), query_(query) {
    retained_.actor = query.actor;
    retained_.retention_ms = query.retention_ms;
    cutoff_us_ = CutoffOf(query);
    retained_.gone = query.entry.state == ActorState::kDeleted &&
                     (query.entry.deleted_at_us <= cutoff_us_ ||
                      query.entry.deleted_at_us == kPurgedAtUs);
  }

  Status Run(Retained* retained) {
    if (Status s = LoadHeadAndBranches(); !s.ok()) return s;
    if (!retained_.gone) {
      for (RetainedBranch& branch : retained_.branches) {
        if (Status s = LoadStretch(&branch); !s.ok()) return s;
      }
      if (Status s = LoadPoints(); !s.ok()) return s;
    }
    if (Status s = LoadForks(); !s.ok()) return s;
    if (Status s = LinkChildren(); !s.ok()) return s;
    *retained = std::move(retained_);
    return Status::Ok();
  }

 private:
  Partition partition() const { return ActorPartition(query_.actor); }

  // Loads the head and the branches. A transaction that staged may commit
  // meanwhile: its branch, without its head, would be taken for one that a
  // restore has left. So the head is read again behind the branches.
  Status LoadHeadAndBranches() {
    for (int i = 0; i < kMaxHeads; ++i) {
      if (Status s = LoadHead(); !s.ok()) return s;
      const std::optional<Head> head = retained_.head;
      reader_->Refresh();
      Status branches = LoadBranches();
      if (Status s = LoadHead(); !s.ok()) return s;
      if (head.has_value() == retained_.head.has_value() &&
          (!head.has_value() ||
           head->snapshot.branch == retained_.head->snapshot.branch)) {
        return branches;
      }
    }
    return Status::Busy("its head goes from branch to branch");
  }

  Status LoadHead() {
    retained_.head.reset();
    return GetRecord(reader_, partition(), HeadKey(), &retained_.head);
  }

  Status LoadBranches() {
    const std::string prefix = BranchRecordPrefix();
    retained_.branches.clear();
    Status s = ForEachPair(
        reader_, {partition(), prefix, prefix},
        [&](const KeyValue& pair) -> Status {
          RetainedBranch branch;
          if (Status p = ParseBranchRecordKey(pair.key, &branch.id); !p.ok()) {
            return p;
          }
          if (retained_.branches.size() >= kMaxBranches) {
            return Status::NotSupported("the actor has too many branches");
          }
          retained_.branches.push_back(std::move(branch));
          return DecodeRecord(pair.key, pair.value,
                              &retained_.branches.back().record);
        });
    // Keys go from the oldest to the newest; children come first here.
    std::reverse(retained_.branches.begin(), retained_.branches.end());
    const bool has_branch =
        !retained_.head.has_value() ||
        FindBranch(retained_.head->snapshot.branch) != nullptr;
    if (s.ok() && !has_branch && !retained_.gone) {
      s = Status::Corruption("branch record of the head missing");
    }
    return s;
  }

  RetainedBranch* FindBranch(BranchId id) {
    return actorkv::FindBranch(id, &retained_.branches);
  }

  // Finds the newest commit of the branch at or before `txid`.
  Status FindCommit(BranchId branch, TxId txid, bool* found,
                    CommitRecord* record) {
    std::vector<std::optional<KeyValue>> pairs;
    if (Status s =
            reader_->Seek(partition(), {CommitKey(branch, txid)}, &pairs);
        !s.ok()) {
      return s;
    }
    *found =
        pairs[0].has_value() && BeginsWith(pairs[0]->key, CommitPrefix(branch));
    if (!*found) return Status::Ok();
    return DecodeRecord(pairs[0]->key, pairs[0]->value, record);
  }

  // Finds when the last commit of a branch that is not the head's was replaced:
  // by the first commit of the next branch, which may have been begun long
  // before. Where that one has expired, this one was past the retention before.
  Status FindReplaced(const RetainedBranch& branch, const CommitRecord& last,
                      uint64_t* at_us) {
    *at_us = last.committed_at_us;
    // Branches are newest first, so the one before it is the next one.
    if (&branch == retained_.branches.data()) return Status::Ok();
    const RetainedBranch& next = *(&branch - 1);
    *at_us = std::max(*at_us, next.record.created_at_us);
    const TxId first = next.record.first_txid;
    bool found = false;
    CommitRecord record;
    Status s = FindCommit(next.id, first, &found, &record);
    if (s.ok() && found && record.snapshot.txid == first) {
      *at_us = std::max(*at_us, record.committed_at_us);
    }
    return s;
  }

  // Loads what was the head within the retention: from the newest commit at or
  // before the cutoff on.
  Status LoadStretch(RetainedBranch* branch) {
    const bool is_head = retained_.head.has_value() &&
                         retained_.head->snapshot.branch == branch->id;
    bool found = false;
    CommitRecord last;
    if (Status s = FindCommit(branch->id, TxId{kForever}, &found, &last);
        !s.ok()) {
      return s;
    }
    if (is_head) {
      // The head's own record may be damaged or missing; the head says the
      // same.
      last.snapshot = retained_.head->snapshot;
      last.committed_at_us = retained_.head->committed_at_us;
    }
    if (!found && !is_head) return Status::Ok();
    branch->last_page_count = last.snapshot.page_count;
    if (!is_head) {
      uint64_t replaced_us = 0;
      Status s = FindReplaced(*branch, last, &replaced_us);
      // The branch was left before the retention: only points and forks keep
      // something of it.
      if (!s.ok() || replaced_us <= cutoff_us_) return s;
    }
    branch->since = last.snapshot.txid;
    branch->since_page_count = last.snapshot.page_count;
    if (last.committed_at_us <= cutoff_us_) return Status::Ok();
    // Commits up to `low` are early enough; `high` is too late.
    uint64_t low = 0;
    uint64_t high = last.snapshot.txid.value;
    std::optional<Snapshot> since;
    Snapshot oldest_after = last.snapshot;
    while (low + 1 < high) {
      const uint64_t middle = low + (high - low) / 2;
      CommitRecord record;
      if (Status s = FindCommit(branch->id, TxId{middle}, &found, &record);
          !s.ok()) {
        return s;
      }
      if (found && record.committed_at_us > cutoff_us_) {
        high = record.snapshot.txid.value;
        oldest_after = record.snapshot;
        continue;
      }
      low = middle;
      if (found) since = record.snapshot;
    }
    // Older commits have gone already.
    if (!since.has_value()) since = oldest_after;
    branch->since = since->txid;
    branch->since_page_count = since->page_count;
    return Status::Ok();
  }

  // Makes the point of a commit, whose record may be gone: then it is of any
  // size.
  Status MakePoint(BranchId branch, TxId txid, RetainedPoint* point) {
    point->txid = txid;
    bool found = false;
    CommitRecord record;
    if (Status s = FindCommit(branch, txid, &found, &record); !s.ok()) return s;
    if (found && record.snapshot.txid == txid) {
      point->page_count = record.snapshot.page_count;
    }
    return Status::Ok();
  }

  Status LoadPoints() {
    const std::string prefix = RestorePointPrefix();
    return ForEachPair(
        reader_, {partition(), prefix, prefix},
        [&](const KeyValue& pair) -> Status {
          RestorePointRecord record;
          std::string name;
          if (Status s = DecodeRecord(pair.key, pair.value, &record); !s.ok()) {
            return s;
          }
          if (Status s = ParseRestorePointKey(pair.key, &name); !s.ok()) {
            return s;
          }
          const uint64_t now_us = query_.times.wall_now_us();
          // A jump of the wall clock that is not believed yet ends no point.
          const bool expired = HasEnded(
              record, query_.times, now_us - std::min(now_us, query_.held_us));
          RetainedBranch* const branch = FindBranch(record.branch);
          if (expired || branch == nullptr) {
            retained_.expired_keys.push_back(pair.key);
            return Status::Ok();
          }
          RetainedPoint point;
          point.keeper = retained_.keepers.AddPoint(name);
          Status s = MakePoint(record.branch, record.txid, &point);
          if (s.ok()) AddPoint(point, branch);
          return s;
        });
  }

  // Loads the forks. One counts as long as its branch begins here.
  Status LoadForks() {
    const std::string prefix = ForkPrefix();
    return ForEachPair(
        reader_, {partition(), prefix, prefix},
        [&](const KeyValue& pair) -> Status {
          ForkRecord fork;
          BranchId from;
          BranchId child;
          if (Status s = ParseForkKey(pair.key, &from, &child); !s.ok()) {
            return s;
          }
          if (Status s = DecodeRecord(pair.key, pair.value, &fork); !s.ok()) {
            return s;
          }
          bool there = false;
          if (Status s = BeginsAt(fork.child, child, from, &there); !s.ok()) {
            return s;
          }
          const bool young =
              query_.fork_records_come_first &&
              fork.created_at_us + kForkGraceUs > query_.times.store_now_us();
          RetainedBranch* const branch = FindBranch(from);
          if (branch == nullptr || (!there && !young)) {
            retained_.expired_keys.push_back(pair.key);
            return Status::Ok();
          }
          RetainedPoint point;
          if (Status s = MakePoint(from, fork.txid, &point); !s.ok()) return s;
          point.is_fork = true;
          point.keeper = Keeper::kFork;
          AddPoint(point, branch);
          retained_.keepers.AddFork();
          return Status::Ok();
        });
  }

  Status BeginsAt(ActorId child_actor, BranchId child, BranchId parent,
                  bool* begins) {
    *begins = false;
    std::optional<BranchRecord> record;
    if (Status s = GetRecord(reader_, ActorPartition(child_actor),
                             BranchRecordKey(child), &record);
        !s.ok()) {
      return s;
    }
    *begins = record.has_value() && record->parent.has_value() &&
              record->parent->branch == parent;
    return Status::Ok();
  }

  // Links children to their parents. They are newer, so they come first, and
  // whether one is used is known when its parent's turn comes.
  Status LinkChildren() {
    for (size_t i = 0; i < retained_.branches.size(); ++i) {
      const RetainedBranch& child = retained_.branches[i];
      const auto& parent = child.record.parent;
      if (!child.used() || !parent.has_value()) continue;
      // The other actor has a fork record of it.
      if (parent->actor != query_.actor) continue;
      RetainedBranch* const branch = FindBranch(parent->branch);
      if (branch == nullptr || !(parent->branch < child.id)) {
        return Status::Corruption("branch record missing: branch=" +
                                  std::to_string(parent->branch.value));
      }
      branch->children.push_back({parent->txid, i});
    }
    return Status::Ok();
  }

  EngineReader* const reader_;
  const RetainedQuery query_;
  uint64_t cutoff_us_ = 0;
  Retained retained_;
};

}  // namespace

bool RetainedBranch::KeepsCommit(TxId txid) const {
  if (since.has_value() && !(txid < *since)) return true;
  const auto at = std::lower_bound(
      points.begin(), points.end(), txid,
      [](const RetainedPoint& a, TxId b) { return a.txid < b; });
  return at != points.end() && at->txid == txid;
}

namespace {

// Notes that the branch `child` begins at `parent`; so its points and children
// tell what it needs of that. False, and nothing noted, unless the record of
// the branch says so too.
bool AddChild(BranchId child, const BranchPoint& parent,
              std::vector<RetainedBranch>* branches) {
  const RetainedBranch* const branch = FindBranch(child, branches);
  if (branch == nullptr || !branch->record.parent.has_value()) return false;
  const BranchPoint& recorded = *branch->record.parent;
  if (recorded.branch != parent.branch || recorded.txid != parent.txid) {
    return false;
  }
  const auto index = static_cast<size_t>(branch - branches->data());
  auto& children = FindBranch(parent.branch, branches)->children;
  const bool known = std::any_of(
      children.begin(), children.end(),
      [index](const RetainedChild& other) { return other.index == index; });
  if (!known) children.push_back({parent.txid, index});
  return true;
}

}  // namespace

// A snapshot that is read through another actor's branch, or by a way that
// flattening has shortened since, keeps all that it reads here: what lies above
// is not known.
bool Retained::AddReader(const PinnedSnapshot& reader) {
  const Lineage& lineage = *reader.lineage;
  bool reads = false;
  for (size_t level = 0; level < lineage.size(); ++level) {
    const BranchPoint& at = lineage[level];
    RetainedBranch* const branch = FindBranch(at.branch, &branches);
    if (branch == nullptr) continue;
    reads = true;
    if (level == 0) {
      const Snapshot& snapshot = reader.snapshot;
      AddPoint({snapshot.txid, snapshot.page_count}, branch);
    } else if (!AddChild(lineage[level - 1].branch, at, &branches)) {
      AddPoint({at.txid, kAnyPageCount}, branch);
    }
  }
  if (kChecksInvariants && reads) readers.push_back(reader);
  return reads;
}

Status LoadRetained(EngineReader* reader, const RetainedQuery& query,
                    Retained* retained) {
  return Loader(reader, query).Run(retained);
}

}  // namespace actorkv
