#include "kv/cache/change_log.h"

#include <algorithm>
#include <mutex>

#include "kv/base/thrown.h"

namespace actorkv {

namespace {

// The number of pages past which the log begins anew: 16 bytes each.
constexpr size_t kMaxPages = 65536;

}  // namespace

void ChangeLog::ResetLocked(BranchId branch, TxId txid) noexcept {
  branch_ = branch;
  from_ = txid;
  to_ = txid;
  last_change_.clear();
}

void ChangeLog::Reset(BranchId branch, TxId txid) noexcept {
  std::lock_guard<std::shared_mutex> lock(mutex_);
  ResetLocked(branch, txid);
}

void ChangeLog::Add(BranchId branch, TxId txid,
                    const std::vector<PageNo>& pages) noexcept {
  std::lock_guard<std::shared_mutex> lock(mutex_);
  if (branch != branch_ || last_change_.size() + pages.size() > kMaxPages) {
    ResetLocked(branch, txid);
    return;
  }
  const bool noted = IfMemory([&] {
    for (PageNo pgno : pages) {
      TxId* const last = &last_change_[pgno];
      *last = std::max(*last, txid);
    }
  });
  // Half of a commit's pages must not pass for all of them.
  if (!noted) return ResetLocked(branch, std::max(to_, txid));
  to_ = std::max(to_, txid);
}

void ChangeLog::Trim(size_t max_pages) {
  std::lock_guard<std::shared_mutex> lock(mutex_);
  if (last_change_.size() <= max_pages) return;
  // clear() would keep the memory of the table.
  std::unordered_map<PageNo, TxId>().swap(last_change_);
  from_ = to_;
}

bool ChangeLog::Unchanged(BranchId branch, PageNo pgno, TxId from,
                          TxId to) const {
  std::shared_lock<std::shared_mutex> lock(mutex_);
  if (branch != branch_ || from < from_ || to_ < to) return false;
  auto it = last_change_.find(pgno);
  return it == last_change_.end() || !(from < it->second);
}

bool ChangeLog::AddChanged(BranchId branch, TxId from, TxId to,
                           std::vector<PageNo>* pages) const {
  std::shared_lock<std::shared_mutex> lock(mutex_);
  if (branch != branch_ || from < from_ || to_ < to) return false;
  for (const auto& [pgno, txid] : last_change_) {
    if (from < txid) pages->push_back(pgno);
  }
  return true;
}

}  // namespace actorkv
