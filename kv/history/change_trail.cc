#include "kv/history/change_trail.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/format/page_list.h"

namespace actorkv {

namespace {

// The number of records, keys and pages beside `limit` that are looked at in
// any case.
constexpr uint64_t kMinBudget = 64;

// Returns the lineage of a version, bounded on every level: level 0 of a
// lineage has no bound of its own.
Lineage BoundedLineage(const HeadState& version) {
  Lineage lineage = *version.lineage;
  lineage[0].txid = version.head.snapshot.txid;
  return lineage;
}

class Trail {
 public:
  // The budget is what looking at each page would cost, about: a trail that is
  // longer is not followed to its end.
  Trail(EngineReader* reader, PageNo limit)
      : reader_(reader), limit_(limit), budget_(kMinBudget + limit) {}

  Status Follow(const Lineage& a, const Lineage& b, bool* known);

  // Gives each page once, in order.
  std::vector<PageNo> TakePages();

 private:
  Status AddBranches(const Lineage& lineage, size_t count);
  Status AddBranch(const BranchPoint& point);
  Status AddStretch(const BranchPoint& older, const BranchPoint& newer);
  Status AddCommits(const BranchPoint& newest, const BranchRecord& branch,
                    TxId end, bool* complete);
  Status AddKeys(BranchId branch);
  void Spend(uint64_t cost) { budget_ -= std::min(budget_, cost); }
  bool spent() const { return budget_ == 0; }

  EngineReader* const reader_;
  const PageNo limit_;
  uint64_t budget_;
  std::vector<PageNo> pages_;
};

Status Trail::Follow(const Lineage& a, const Lineage& b, bool* known) {
  *known = false;
  for (size_t i = 0; i < a.size(); ++i) {
    const auto in_b = std::find_if(
        b.begin(), b.end(),
        [&](const BranchPoint& point) { return point.branch == a[i].branch; });
    if (in_b == b.end()) continue;
    // This is the newest branch that both have: lineages go from the newest to
    // the oldest.
    const bool a_is_older = a[i].txid < in_b->txid;
    // Both versions see the branch up to their own point. What lies between is
    // seen by one of them, and below both see the same.
    Status s = AddStretch(a_is_older ? a[i] : *in_b, a_is_older ? *in_b : a[i]);
    if (s.ok()) s = AddBranches(a, i);
    if (s.ok()) {
      s = AddBranches(b, static_cast<size_t>(in_b - b.begin()));
    }
    // With the budget spent the list is not whole.
    *known = s.ok() && !spent();
    return s;
  }
  return Status::Ok();
}

// Adds the newest `count` branches, oldest first: a page that flattening
// copies, and reclaim then removes where it was, goes from an older branch to a
// newer one, and so is seen in one of them.
Status Trail::AddBranches(const Lineage& lineage, size_t count) {
  for (size_t level = count; level > 0 && !spent(); --level) {
    if (Status s = AddBranch(lineage[level - 1]); !s.ok()) return s;
  }
  return Status::Ok();
}

// Adds all that is on the branch up to the point, and perhaps more.
Status Trail::AddBranch(const BranchPoint& point) {
  BranchRecord branch;
  if (Status s = LoadBranchRecord(reader_, point.actor, point.branch, &branch);
      !s.ok()) {
    return s;
  }
  bool complete = false;
  // The first commit was made on the one at which the branch begins, unless
  // flattening moved that, and copied what lay between.
  const TxId parent = branch.parent.value_or(BranchPoint{}).txid;
  if (Status s = AddCommits(point, branch, parent, &complete); !s.ok()) {
    return s;
  }
  return complete ? Status::Ok() : AddKeys(point.branch);
}

// Adds what changed on one branch between two points.
Status Trail::AddStretch(const BranchPoint& older, const BranchPoint& newer) {
  BranchRecord branch;
  if (Status s = LoadBranchRecord(reader_, newer.actor, newer.branch, &branch);
      !s.ok()) {
    return s;
  }
  bool complete = false;
  if (Status s = AddCommits(newer, branch, older.txid, &complete); !s.ok()) {
    return s;
  }
  if (complete) return Status::Ok();
  // A branch without a parent holds every page, so its keys say nothing: each
  // page is looked at.
  if (!branch.parent.has_value()) Spend(budget_);
  return AddKeys(newer.branch);
}

// Adds the pages of commits from `newest` back to the one that was made on
// commit `end`. Not *complete: a record is missing, or does not say what it
// changed.
Status Trail::AddCommits(const BranchPoint& newest, const BranchRecord& branch,
                         TxId end, bool* complete) {
  BranchPoint at = newest;
  *complete = false;
  while (end < at.txid && !(at.txid < branch.first_txid) && !spent()) {
    std::optional<CommitRecord> record;
    if (Status s = GetRecord(reader_, ActorPartition(at.actor),
                             CommitKey(at.branch, at.txid), &record);
        !s.ok()) {
      return s;
    }
    if (!record.has_value() || !record->page_list.has_value()) {
      return Status::Ok();
    }
    const size_t before = pages_.size();
    if (Status s = DecodePageList(*record->page_list, limit_, &pages_);
        !s.ok()) {
      return s;
    }
    Spend(1 + pages_.size() - before);
    // Else a damaged record could lead in a circle.
    if (!(record->base_txid < at.txid)) return Status::Ok();
    at.txid = record->base_txid;
  }
  *complete = at.txid == end;
  return Status::Ok();
}

// Adds the pages of which the branch has any version.
Status Trail::AddKeys(BranchId branch) {
  for (PageNo next = 1; next <= limit_ && !spent();) {
    bool found = false;
    std::string_view key;
    std::string_view value;
    if (Status s =
            reader_->SeekOne(BranchPartition(branch), ChunkKey(next, kLastTxId),
                             &found, &key, &value);
        !s.ok()) {
      return s;
    }
    Spend(1);
    if (!found) return Status::Ok();
    PageNo pgno = 0;
    TxId unused;
    if (Status s = ParseChunkKey(key, &pgno, &unused); !s.ok()) return s;
    if (pgno > limit_) return Status::Ok();
    pages_.push_back(pgno);
    next = pgno + 1;
  }
  return Status::Ok();
}

std::vector<PageNo> Trail::TakePages() {
  std::sort(pages_.begin(), pages_.end());
  pages_.erase(std::unique(pages_.begin(), pages_.end()), pages_.end());
  return std::move(pages_);
}

}  // namespace

Status FindChangeTrail(EngineReader* reader, const HeadState& a,
                       const HeadState& b, PageNo limit, bool* known,
                       std::vector<PageNo>* pages) {
  *known = false;
  if (a.lineage == nullptr || b.lineage == nullptr) return Status::Ok();
  Trail trail(reader, limit);
  bool found = false;
  if (Status s = trail.Follow(BoundedLineage(a), BoundedLineage(b), &found);
      !s.ok()) {
    return s;
  }
  if (found) *pages = trail.TakePages();
  *known = found;
  return Status::Ok();
}

}  // namespace actorkv
