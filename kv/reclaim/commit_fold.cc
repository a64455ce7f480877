#include "kv/reclaim/commit_fold.h"

#include <algorithm>
#include <utility>

#include "kv/format/page_list.h"

namespace actorkv {

void CommitFold::Begin(const std::string& key, std::string_view value) {
  End();
  Keeper keeper;
  keeper.key = key;
  const bool can_fold = DecodeRecord(key, value, &keeper.record).ok() &&
                        keeper.record.page_list.has_value() &&
                        // The bound is of memory: page numbers of a larger
                        // database would take too much.
                        keeper.record.snapshot.page_count <= kMaxFoldPages;
  pages_.clear();
  changed_ = false;
  if (!can_fold ||
      !DecodePageList(*keeper.record.page_list, kMaxFoldPages, &pages_).ok()) {
    return;
  }
  keeper_ = std::move(keeper);
}

void CommitFold::Add(const CommitRecord& expired) {
  if (!keeper_.has_value()) return;
  // Pages past the end of the commit that stays are not in it, and come back
  // with a commit of their own.
  CommitRecord& stays = keeper_->record;
  const PageNo limit = stays.snapshot.page_count;
  // The chain has a hole here, so nothing further can be said.
  if (expired.snapshot.txid != stays.base_txid ||
      !expired.page_list.has_value() ||
      !DecodePageList(*expired.page_list, limit, &pages_).ok()) {
    End();
    return;
  }
  stays.base_txid = expired.base_txid;
  changed_ = true;
  // Repetitions go when they have doubled the memory that is meant for it.
  if (pages_.size() > 2 * size_t{kMaxFoldPages}) Compact();
}

void CommitFold::Compact() {
  std::sort(pages_.begin(), pages_.end());
  pages_.erase(std::unique(pages_.begin(), pages_.end()), pages_.end());
}

std::optional<CommitFold::Update> CommitFold::Take() {
  if (!keeper_.has_value() || !changed_) return std::nullopt;
  changed_ = false;
  Compact();
  std::string list = EncodePageList(pages_);
  // The list would be past its limit: the trail has a hole here.
  if (list.size() > kMaxPageListBytes) {
    End();
    return std::nullopt;
  }
  keeper_->record.page_list = std::move(list);
  return Update{keeper_->key, EncodeRecord(keeper_->key, keeper_->record)};
}

}  // namespace actorkv
