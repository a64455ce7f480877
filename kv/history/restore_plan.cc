#include "kv/history/restore_plan.h"

#include <algorithm>

#include "kv/history/history.h"

namespace actorkv {

namespace {

constexpr uint64_t kCommitsBetweenChecks = 256;

// Returns true when the commit is on the line of the version: the commits that
// came one after the other to it, as far as its branches still know where they
// began.
bool IsOnLine(const HeadState& version, const Snapshot& commit) {
  const Snapshot& snapshot = version.head.snapshot;
  if (commit.branch == snapshot.branch) return !(snapshot.txid < commit.txid);
  return std::any_of(version.lineage->begin() + 1, version.lineage->end(),
                     [&](const BranchPoint& point) {
                       return point.branch == commit.branch &&
                              !(point.txid < commit.txid);
                     });
}

Status CountCommits(const VersionSource& head, const VersionSource& version,
                    const std::function<Status()>& keep_on, uint64_t* count) {
  const std::unique_ptr<EngineReader> reader = head.engine()->NewReader();
  // The scan goes through all branches, the newest commit first; those of
  // branches that a restore left are passed over.
  CommitScan scan(reader.get(), head.version->entry.actor);
  *count = 0;
  for (uint64_t i = 0;; ++i) {
    if (i % kCommitsBetweenChecks == 0) {
      if (Status s = keep_on(); !s.ok()) return s;
    }
    bool found = false;
    CommitRecord record;
    if (Status s = scan.Next(&found, &record); !s.ok()) return s;
    if (!found) return Status::Ok();
    if (!IsOnLine(*head.version, record.snapshot)) continue;
    // The lines are one from this commit on back.
    if (IsOnLine(*version.version, record.snapshot)) return Status::Ok();
    ++*count;
  }
}

}  // namespace

Status PlanRestore(const VersionSource& head, const VersionSource& version,
                   const std::function<Status()>& keep_on, RestorePlan* plan) {
  const Snapshot& from = head.version->head.snapshot;
  const Snapshot& to = version.version->head.snapshot;
  PageSet changed;
  RestorePlan made;
  if (Status s = FindChangedPages(head, version, keep_on, &changed); !s.ok()) {
    return s;
  }
  if (Status s = CountCommits(head, version, keep_on, &made.commit_count);
      !s.ok()) {
    return s;
  }
  made.page_count = to.page_count;
  made.changed_page_count = CountPages(changed);
  // A bound: a page that is stored as a delta, or is empty, takes less.
  made.bytes = made.changed_page_count * std::max(from.page_size, to.page_size);
  *plan = made;
  return Status::Ok();
}

}  // namespace actorkv
