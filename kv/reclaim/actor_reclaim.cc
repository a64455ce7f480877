#include "kv/reclaim/actor_reclaim.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "kv/base/duration.h"
#include "kv/base/invariant.h"
#include "kv/base/metrics.h"
#include "kv/engine/prefix_scan.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/format/legacy_record.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

constexpr size_t kChunksAtOnce = 64;  // bounds memory: 64 pages
constexpr size_t kDeletesAtOnce = 256;

// Space is asked back from the engine where a stretch of pages of about
// kStretchBytes lost kCompactBytes; by background work, which can wait for
// more, where it also lost a kCompactPart-th.
constexpr uint64_t kStretchBytes = uint64_t{64} << 20;
constexpr uint64_t kCompactBytes = uint64_t{256} << 10;
constexpr uint64_t kCompactPart = 4;

// Lineages are far shorter than this (kMaxLineageDepth). A page deeper down is
// taken for needed.
constexpr int kMaxDepth = 64;

constexpr uint64_t kNoNewer = std::numeric_limits<uint64_t>::max();

bool Contains(uint64_t from, uint64_t to, TxId txid) {
  return from <= txid.value && txid.value < to;
}

}  // namespace

// Version: one version of a page. Snapshots from its txid on read it, up to the
// next newer one.
struct ActorReclaim::Version {
  PageNo pgno = 0;
  uint64_t txid = 0;
  uint64_t newer = 0;

  template <typename Point>
  bool IsReadAt(const Point& point) const {
    return Contains(txid, newer, point.txid) && pgno <= point.page_count;
  }
};

ActorReclaim::ActorReclaim(Store* store, const std::string& name,
                           const ActorEntry& entry,
                           const ReclaimOptions& options)
    : store_(store),
      name_(name),
      entry_(entry),
      options_(options),
      reader_(store->engine()->NewReader()),
      expiry_(std::make_unique<ActorExpiry>(store, name, entry, options)) {
  use_.actor = name;
}

ActorReclaim::~ActorReclaim() = default;

Status ActorReclaim::Step(bool* done) {
  reader_->Refresh();
  *done = false;
  if (expiry_ != nullptr) return StepExpiry();
  if (branch_index_ < retained_.branches.size()) return StepBranch();
  *done = true;
  Status s = EndActor();
  Describe();
  // A dry run freed nothing, so metrics do not count it.
  if (options_.dry_run) return s;
  Add(Metric::kReclaimPasses);
  Add(Metric::kReclaimedBytes, use_.reclaimable_bytes);
  return s;
}

// --- What is retained --------------------------------------------------------

Status ActorReclaim::StepExpiry() {
  bool done = false;
  if (Status s = expiry_->Step(&done); !s.ok() || !done) return s;
  retained_ = expiry_->retained();
  expired_bytes_ = expiry_->expired_bytes();
  expiry_.reset();
  FindLivePoints();
  return Status::Ok();
}

Status ActorReclaim::Delete(Partition partition, const std::string& key) {
  deletes_.Delete(partition, key);
  return deletes_.op_count() < kDeletesAtOnce ? Status::Ok() : CommitDeletes();
}

Status ActorReclaim::CommitDeletes() {
  if (deletes_.empty()) return Status::Ok();
  CheckInvariant([this] { return NewCheck().BreachIn(deletes_); });
  const CommitResult result = store_->Commit(deletes_, Durability::kBuffered);
  deletes_.Clear();
  return result.status;
}

RemovalCheck ActorReclaim::NewCheck() {
  Engine* const engine = store_->engine();
  return {engine, entry_.actor,
          FindNeededSnapshots(engine, store_->pins(), entry_.actor,
                              retained_.readers)};
}

// Finds the points at which the head reads the actor's own branches.
void ActorReclaim::FindLivePoints() {
  if (!retained_.head.has_value() || retained_.gone) return;
  const Snapshot& head = retained_.head->snapshot;
  std::optional<BranchPoint> at =
      BranchPoint{entry_.actor, head.branch, head.txid};
  for (const RetainedBranch& branch : retained_.branches) {
    // From there on the lineage is another actor's, whose pages are not of this
    // pass.
    if (!at.has_value() || at->actor != entry_.actor) return;
    if (branch.id != at->branch) continue;
    live_[branch.id] = {at->txid, head.page_count, false};
    at = branch.record.parent;
  }
}

void ActorReclaim::Describe() {
  std::string retention;
  if (retained_.gone) {
    retention = "deleted, and the retention is over";
  } else if (retained_.retention_ms != 0) {
    retention = (entry_.state == ActorState::kDeleted ? "deleted; retention "
                                                      : "retention ") +
                DurationText(retained_.retention_ms);
  }
  use_.reason = retained_.keepers.Describe(retention);
  const HistoryHold hold = store_->clock()->Look();
  if (!hold.Covers(retained_.retention_ms)) return;
  use_.reason += (use_.reason.empty() ? "" : "; ") + hold.Describe();
}

// --- Versions ----------------------------------------------------------------

Status ActorReclaim::StepBranch() {
  const RetainedBranch& branch = retained_.branches[branch_index_];
  if (next_key_.empty()) next_key_ = ChunkKey(0, TxId{kNoNewer});
  std::vector<KeyValue> pairs;
  if (Status s = reader_->Scan(BranchPartition(branch.id), next_key_,
                               kChunksAtOnce, &pairs);
      !s.ok()) {
    return s;
  }
  for (const KeyValue& pair : pairs) {
    Version version;
    TxId txid;
    if (Status s = ParseChunkKey(pair.key, &version.pgno, &txid); !s.ok()) {
      return s;
    }
    version.txid = txid.value;
    // Versions of a page come newest first, so the one before is the next newer
    // one.
    version.newer = version.pgno == page_ ? newer_ : kNoNewer;
    if (version.pgno != page_) bases_.BeginPage();
    page_ = version.pgno;
    newer_ = version.txid;
    if (Status s = Judge(branch, version, pair); !s.ok()) return s;
  }
  if (Status s = CommitDeletes(); !s.ok()) return s;
  if (pairs.size() < kChunksAtOnce) return EndBranch();
  next_key_ = KeyAfter(pairs.back().key);
  return stretch_bytes_ < kStretchBytes ? Status::Ok() : EndStretch(next_key_);
}

Status ActorReclaim::Judge(const RetainedBranch& branch, const Version& version,
                           const KeyValue& pair) {
  const size_t size = pair.key.size() + pair.value.size();
  std::optional<Keeper> keeper;
  if (Status s = FindKeeper(branch, version, &keeper); !s.ok()) return s;
  stretch_bytes_ += size;
  VersionUse use;
  // A base that nobody reads itself stays for the delta that needs it:
  // invariant 3.
  if (!bases_.Take(TxId{version.txid}, &use) && !keeper.has_value()) {
    use_.reclaimable_bytes += size;
    branch_freed_bytes_ += size;
    stretch_freed_bytes_ += size;
    // The whole partition of an unused branch goes at the end.
    if (options_.dry_run || !branch.used()) return Status::Ok();
    return Delete(BranchPartition(branch.id), pair.key);
  }
  if (keeper.has_value()) use.keeper = *keeper;
  use.live |= IsLive(branch, version);
  use.shared |= std::any_of(branch.points.begin(), branch.points.end(),
                            [&](const RetainedPoint& point) {
                              return point.is_fork && version.IsReadAt(point);
                            });
  (use.live ? use_.live_bytes : use_.history_bytes) += size;
  if (use.shared) use_.shared_bytes += size;
  if (!use.live) retained_.keepers.Count(use.keeper, size);
  bases_.Keep({branch.id, version.pgno, TxId{version.txid}}, pair.value, use);
  return Status::Ok();
}

bool ActorReclaim::IsLive(const RetainedBranch& branch,
                          const Version& version) const {
  const auto live = live_.find(branch.id);
  return live != live_.end() && version.IsReadAt(live->second);
}

Status ActorReclaim::FindKeeper(const RetainedBranch& branch,
                                const Version& version,
                                std::optional<Keeper>* keeper) {
  *keeper = Keeper::kRetention;
  if (branch.since.has_value() && version.newer > branch.since->value) {
    // A page past the end is read by no snapshot, nor when the database grows:
    // then it gets a new version.
    if (version.pgno <= branch.last_page_count) return Status::Ok();
    uint32_t page_count = 0;
    if (Status s = MaxPageCount(branch, &page_count); !s.ok()) return s;
    if (version.pgno <= page_count) return Status::Ok();
    // A version of a commit that came after the plan stays.
    const bool is_new = retained_.head.has_value() &&
                        retained_.head->snapshot.txid.value < version.txid;
    if (is_new) return Status::Ok();
  }
  const auto first = std::lower_bound(
      branch.points.begin(), branch.points.end(), TxId{version.txid},
      [](const RetainedPoint& a, TxId b) { return a.txid < b; });
  for (auto at = first; at != branch.points.end(); ++at) {
    if (at->txid.value >= version.newer) break;
    if (!version.IsReadAt(*at)) continue;
    *keeper = at->keeper;
    return Status::Ok();
  }
  for (const RetainedChild& child : branch.children) {
    if (!Contains(version.txid, version.newer, child.txid)) continue;
    if (Status s = FindChildKeeper(child.index, version.pgno, 0, keeper);
        !s.ok() || keeper->has_value()) {
      return s;
    }
  }
  keeper->reset();
  return Status::Ok();
}

// Finds the largest database in the stretch that the branch keeps. It is asked
// for rarely: where there are pages past the end of the last one.
Status ActorReclaim::MaxPageCount(const RetainedBranch& branch,
                                  uint32_t* page_count) {
  if (!max_page_count_.has_value()) {
    uint32_t max = branch.last_page_count;
    const std::string prefix = CommitPrefix(branch.id);
    bool in_stretch = true;
    Status s = ForEachPair(
        reader_.get(), {ActorPartition(entry_.actor), prefix, prefix},
        [&](const KeyValue& pair) -> Status {
          CommitRecord record;
          // Commits come newest first: the rest lies below the stretch.
          if (!in_stretch) return Status::Ok();
          if (Status d = DecodeRecord(pair.key, pair.value, &record); !d.ok()) {
            return d;
          }
          in_stretch = !(record.snapshot.txid < *branch.since);
          if (in_stretch) max = std::max(max, record.snapshot.page_count);
          return Status::Ok();
        });
    if (!s.ok()) return s;
    max_page_count_ = max;
  }
  *page_count = *max_page_count_;
  return Status::Ok();
}

Status ActorReclaim::Holds(BranchId branch, PageNo pgno, TxId txid,
                           bool* holds) {
  std::string_view key;
  std::string_view value;
  *holds = false;
  bool found = false;
  if (Status s = reader_->SeekOne(BranchPartition(branch), ChunkKey(pgno, txid),
                                  &found, &key, &value);
      !s.ok() || !found) {
    return s;
  }
  PageNo found_pgno = 0;
  TxId found_txid;
  if (Status s = ParseChunkKey(key, &found_pgno, &found_txid); !s.ok()) {
    return s;
  }
  *holds = found_pgno == pgno;
  return Status::Ok();
}

// Finds who reads the page through a child. A branch that holds the page at its
// oldest snapshot holds it at all of them; and where that one ends before the
// page, later ones that have it hold it.
Status ActorReclaim::FindChildKeeper(size_t child, PageNo pgno, int depth,
                                     std::optional<Keeper>* keeper) {
  const RetainedBranch& branch = retained_.branches[child];
  *keeper = Keeper::kRetention;
  if (depth > kMaxDepth) return Status::Ok();
  std::optional<TxId> oldest = branch.since;
  uint32_t page_count = branch.since_page_count;
  if (!branch.points.empty() &&
      (!oldest.has_value() || branch.points.front().txid < *oldest)) {
    oldest = branch.points.front().txid;
    page_count = branch.points.front().page_count;
    *keeper = branch.points.front().keeper;
  }
  bool holds = false;
  if (oldest.has_value()) {
    if (Status s = Holds(branch.id, pgno, *oldest, &holds); !s.ok()) return s;
    if (!holds && pgno <= page_count) return Status::Ok();
  }
  for (const RetainedChild& grandchild : branch.children) {
    // It begins where the branch itself was looked at already.
    if (oldest.has_value() && !(grandchild.txid < *oldest)) continue;
    if (Status s = Holds(branch.id, pgno, grandchild.txid, &holds); !s.ok()) {
      return s;
    }
    if (holds) continue;
    if (Status s = FindChildKeeper(grandchild.index, pgno, depth + 1, keeper);
        !s.ok() || keeper->has_value()) {
      return s;
    }
  }
  keeper->reset();
  return Status::Ok();
}

// --- Ends --------------------------------------------------------------------

// Ends a stretch of the branch at the key `end`; empty: at the branch's end.
Status ActorReclaim::EndStretch(const std::string& end) {
  const RetainedBranch& branch = retained_.branches[branch_index_];
  const bool enough = stretch_freed_bytes_ >= kCompactBytes &&
                      (!options_.only_where_worthwhile ||
                       stretch_freed_bytes_ >= stretch_bytes_ / kCompactPart);
  Status s;
  // An unused branch goes as a whole, and is compacted after that.
  if (enough && branch.used() && !options_.dry_run) {
    s = store_->engine()->Compact(BranchPartition(branch.id), stretch_key_,
                                  end);
  }
  stretch_key_ = end;
  stretch_bytes_ = 0;
  stretch_freed_bytes_ = 0;
  return s;
}

Status ActorReclaim::EndBranch() {
  const RetainedBranch& branch = retained_.branches[branch_index_];
  if (Status s = EndStretch(""); !s.ok()) return s;
  if (!branch.used() && !options_.dry_run) {
    const Partition partition = BranchPartition(branch.id);
    CheckInvariant([&] { return NewCheck().BreachInDrop(branch.id); });
    if (Status s = store_->engine()->Drop(partition); !s.ok()) return s;
    // The record goes after the pages: as long as it is there, a next pass
    // finds them (invariant 1).
    deletes_.Delete(ActorPartition(entry_.actor), BranchRecordKey(branch.id));
    if (Status s = CommitDeletes(); !s.ok()) return s;
    dropped_branch_ = true;
    if (branch_freed_bytes_ >= kCompactBytes) {
      Status s = store_->engine()->Compact(partition, "", "");
      if (!s.ok()) return s;
    }
  }
  ++branch_index_;
  next_key_.clear();
  page_ = 0;
  branch_freed_bytes_ = 0;
  max_page_count_.reset();
  return Status::Ok();
}

Status ActorReclaim::EndActor() {
  if (Status s = EndDeleted(); !s.ok()) return s;
  if (expired_bytes_ < kCompactBytes) return Status::Ok();
  return store_->engine()->Compact(ActorPartition(entry_.actor), "", "");
}

// Removes the rest of a deleted actor that is over, and that no fork needs.
Status ActorReclaim::EndDeleted() {
  const auto& branches = retained_.branches;
  if (!retained_.gone ||
      std::any_of(branches.begin(), branches.end(),
                  [](const RetainedBranch& branch) { return branch.used(); })) {
    return Status::Ok();
  }
  const Partition partition = ActorPartition(entry_.actor);
  const std::string key = LegacyRecordKey();
  std::optional<std::string> value;
  if (Status s = GetValue(reader_.get(), partition, key, &value); !s.ok()) {
    return s;
  }
  LegacyRecord legacy;
  if (value.has_value() && DecodeRecord(key, *value, &legacy).ok()) {
    use_.reclaimable_bytes +=
        // Pairs of the database that were dropped before are not freed again.
        legacy.bytes - (legacy.dropped_at_us != 0 ? legacy.sqlite_bytes : 0);
    if (!options_.dry_run) {
      Status s = store_->engine()->Drop(LegacyPartition(legacy.legacy));
      if (!s.ok()) return s;
    }
  }
  if (options_.dry_run) return Status::Ok();
  if (Status s = store_->engine()->Drop(partition); !s.ok()) return s;
  // The stage of a migration that died is dead, too: nobody goes on with it any
  // more.
  if (legacy.progress.begun()) {
    store_->work()->AddDeadStage(entry_.actor, legacy.progress.stage);
  }
  // The entry goes last: it is how a next pass finds the actor.
  deletes_.Delete(CatalogPartition(), DeletedEntryKey(entry_.actor));
  return CommitDeletes();
}

}  // namespace actorkv
