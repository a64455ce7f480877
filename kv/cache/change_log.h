// ChangeLog: knows which pages of an actor's branch changed at which commit,
// for the commits that this process has seen. It tells whether a page that was
// read at one snapshot is the same at a later one.
//
// Invariant: a commit is in the log before any reader can have its snapshot; or
// the log has forgotten all that came before it, as where there is no memory
// for its pages.
//
// Thread-safe.

#ifndef ACTORKV_KV_CACHE_CHANGE_LOG_H_
#define ACTORKV_KV_CACHE_CHANGE_LOG_H_

#include <cstddef>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "kv/base/types.h"

namespace actorkv {

class ChangeLog {
 public:
  // Forgets everything: nothing is known of commits up to `txid`.
  void Reset(BranchId branch, TxId txid) noexcept;

  // Adds the pages of the commit that followed the last one. One that is in the
  // log already may come again, also after later ones: another thread may have
  // learned of them first. On another branch than before this is a Reset().
  void Add(BranchId branch, TxId txid,
           const std::vector<PageNo>& pages) noexcept;

  // Forgets everything up to the present, where that is more than `max_pages`
  // changed pages.
  void Trim(size_t max_pages);

  // Returns true when the page is known to be the same at both snapshots of the
  // branch; from <= to.
  bool Unchanged(BranchId branch, PageNo pgno, TxId from, TxId to) const;

  // Adds every page that changed between the two snapshots of the branch, from
  // <= to, and perhaps some that changed later. False when that is not known.
  bool AddChanged(BranchId branch, TxId from, TxId to,
                  std::vector<PageNo>* pages) const;

 private:
  void ResetLocked(BranchId branch, TxId txid) noexcept;

  mutable std::shared_mutex mutex_;
  BranchId branch_;
  TxId from_;  // commits after this one are known
  TxId to_;    // up to this one
  std::unordered_map<PageNo, TxId> last_change_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_CACHE_CHANGE_LOG_H_
