// FindChangedPages() says which pages of an actor differ between two versions
// of it.
//
// Pages are told apart by the commit that stored them (PageIdentity), so that a
// page is neither unpacked nor compared. The commits of this process since it
// opened the actor are known from memory (kv/cache/change_log.h), others say it
// themselves (kv/history/change_trail.h). Only where their records are gone, or
// there are more of them than pages, each page is looked at.

#ifndef ACTORKV_KV_HISTORY_PAGE_CHANGES_H_
#define ACTORKV_KV_HISTORY_PAGE_CHANGES_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kv/engine/engine.h"
#include "kv/pages/branch_reader.h"
#include "kv/store/actor.h"
#include "kv/store/pins.h"

namespace actorkv {

class Store;

// A set of pages, by number.
using PageSet = std::vector<bool>;

inline bool Has(const PageSet& set, PageNo pgno) {
  return pgno < set.size() && set[pgno];
}

// VersionSource: a version of an actor, and what is needed to read it. Keeps
// the store and the actor in use, and the version from being reclaimed.
struct VersionSource {
  std::shared_ptr<Store> store;
  std::shared_ptr<Actor> actor;
  std::shared_ptr<const HeadState> version;
  std::shared_ptr<const Pin> pin;  // after `store`: released before that goes

  Engine* engine() const;  // of the store
};

// Makes a reader of its pages, which uses the page cache.
std::unique_ptr<BranchReader> ReaderOf(const VersionSource& source);

// Sets *changed to the pages that differ, and those that only one of them has.
// Never the lock page. `keep_on` is asked now and then; an error of it ends the
// work. Errors: kCorruption for a page that is missing or damaged; kIOError.
Status FindChangedPages(const VersionSource& from, const VersionSource& to,
                        const std::function<Status()>& keep_on,
                        PageSet* changed);

// The number of pages in the set.
uint64_t CountPages(const PageSet& set);

}  // namespace actorkv

#endif  // ACTORKV_KV_HISTORY_PAGE_CHANGES_H_
