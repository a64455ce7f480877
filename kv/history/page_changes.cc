#include "kv/history/page_changes.h"

#include <algorithm>
#include <numeric>

#include "kv/history/change_trail.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

constexpr PageNo kPagesBetweenChecks = 1024;

// Returns true when every version that `to` sees and that is not newer than
// `from` is the one that `from` sees.
bool IsAncestor(const HeadState& from, const HeadState& to) {
  const Snapshot& older = from.head.snapshot;
  const Snapshot& newer = to.head.snapshot;
  if (older.branch == newer.branch) return !(newer.txid < older.txid);
  return std::any_of(to.lineage->begin() + 1, to.lineage->end(),
                     [&](const BranchPoint& point) {
                       return point.branch == older.branch &&
                              !(point.txid < older.txid);
                     });
}

class Comparison {
 public:
  // REQUIRES: where one is the ancestor of the other, it is `from`.
  Comparison(const VersionSource& from, const VersionSource& to)
      : engine_(to.engine()),
        older_(*from.version),
        newer_(*to.version),
        changes_(to.actor->changes()),
        is_ancestor_(IsAncestor(*from.version, *to.version)),
        from_(ReaderOf(from)),
        to_(ReaderOf(to)) {}

  // Finds pages of both versions among which all are that differ; in any order.
  Status Candidates(PageNo both, std::vector<PageNo>* pages) const {
    pages->clear();
    // The change log knows the last commits of this process, in memory. What it
    // does not know is read from commit records, and where those do not say it
    // each page is looked at.
    if (both > 0 && is_ancestor_ &&
        older_.head.snapshot.branch == newer_.head.snapshot.branch &&
        changes_->AddChanged(older_.head.snapshot.branch,
                             older_.head.snapshot.txid,
                             newer_.head.snapshot.txid, pages)) {
      // The log has every page that was written in between, also past the end
      // of one of the two.
      const auto past =
          std::remove_if(pages->begin(), pages->end(),
                         [both](PageNo pgno) { return pgno > both; });
      pages->erase(past, pages->end());
      return Status::Ok();
    }
    bool known = false;
    const std::unique_ptr<EngineReader> reader = engine_->NewReader();
    if (Status s =
            FindChangeTrail(reader.get(), older_, newer_, both, &known, pages);
        !s.ok() || known) {
      return s;
    }
    pages->resize(both);
    std::iota(pages->begin(), pages->end(), PageNo{1});
    return Status::Ok();
  }

  Status Differs(PageNo pgno, bool* differs) {
    *differs = false;
    PageIdentity to;
    if (Status s = to_->IdentifyPage(pgno, &to); !s.ok()) return s;
    // A version that the older one could see is what it sees: the second search
    // is spared.
    if (is_ancestor_ && !(older_.head.snapshot.txid < to.txid)) {
      return Status::Ok();
    }
    PageIdentity from;
    if (Status s = from_->IdentifyPage(pgno, &from); !s.ok()) return s;
    // What is compared is under which txid and hash a page is stored: none is
    // unpacked.
    *differs = !(from == to);
    return Status::Ok();
  }

 private:
  Engine* const engine_;
  const HeadState& older_;
  const HeadState& newer_;
  const std::shared_ptr<ChangeLog> changes_;
  const bool is_ancestor_;
  const std::unique_ptr<BranchReader> from_;
  const std::unique_ptr<BranchReader> to_;
};

}  // namespace

Engine* VersionSource::engine() const { return store->engine(); }

std::unique_ptr<BranchReader> ReaderOf(const VersionSource& source) {
  auto reader = std::make_unique<BranchReader>(source.engine());
  reader->UseCache(source.store->cache_id(), source.actor->changes());
  reader->SetSnapshot(source.version->head.snapshot, source.version->lineage);
  return reader;
}

Status FindChangedPages(const VersionSource& from, const VersionSource& to,
                        const std::function<Status()>& keep_on,
                        PageSet* changed) {
  const Snapshot& a = from.version->head.snapshot;
  const Snapshot& b = to.version->head.snapshot;
  // Pages of different sizes have nothing in common.
  const bool same_size = a.page_size == b.page_size;
  const PageNo both = same_size ? std::min(a.page_count, b.page_count) : 0;
  // Page numbers begin at 1, so the set has one place more. Pages that only one
  // version has differ in any case.
  PageSet found(size_t{std::max(a.page_count, b.page_count)} + 1, true);
  // Which of the two is older makes no difference to the answer, but to the way
  // that it is found.
  const bool swapped = IsAncestor(*to.version, *from.version);
  Comparison comparison(swapped ? to : from, swapped ? from : to);
  std::fill_n(found.begin(), size_t{both} + 1, false);
  PageNo count = 0;
  std::vector<PageNo> candidates;
  if (Status s = comparison.Candidates(both, &candidates); !s.ok()) return s;
  for (const PageNo pgno : candidates) {
    if (++count % kPagesBetweenChecks == 0) {
      if (Status s = keep_on(); !s.ok()) return s;
    }
    bool differs = false;
    if (pgno != LockPage(a.page_size)) {
      if (Status s = comparison.Differs(pgno, &differs); !s.ok()) return s;
    }
    found[pgno] = differs;
  }
  // SQLite never uses the page at its lock bytes (SQLite database file format,
  // section 1.4 "The Lock-Byte Page"), so it differs in nothing.
  if (same_size && a.page_size != 0 && LockPage(a.page_size) < found.size()) {
    found[LockPage(a.page_size)] = false;
  }
  *changed = std::move(found);
  return Status::Ok();
}

uint64_t CountPages(const PageSet& set) {
  return static_cast<uint64_t>(std::count(set.begin(), set.end(), true));
}

}  // namespace actorkv
