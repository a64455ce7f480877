#include "kv/bulk_commits.h"

#include <memory>
#include <system_error>
#include <utility>

#include "kv/store.h"

namespace actorkv {

BulkCommits::BulkCommits(Store* store) : store_(store) {}

BulkCommits::~BulkCommits() { (void)Wait(); }

void BulkCommits::TakeOldest() {
  Status s = under_way_.front().get();
  under_way_.pop_front();
  if (failed_.ok()) failed_ = std::move(s);
}

Status BulkCommits::Add(Batch* batch) {
  if (!failed_.ok() || batch->empty()) return failed_;
  if (batch->size_bytes() < kMinBackgroundBytes) {
    failed_ = store_->Commit(*batch, Durability::kBulk).status;
    batch->Clear();
    return failed_;
  }
  while (under_way_.size() >= kMaxBulkCommits) TakeOldest();
  if (!failed_.ok()) return failed_;
  auto taken = std::make_shared<Batch>(std::move(*batch));
  *batch = Batch();
  const auto commit = [store = store_, taken] {
    return store->Commit(*taken, Durability::kBulk).status;
  };
  try {
    under_way_.push_back(std::async(std::launch::async, commit));
  } catch (const std::system_error&) {  // there is no thread to be had
    while (!under_way_.empty()) TakeOldest();
    if (failed_.ok()) failed_ = commit();
  }
  return failed_;
}

Status BulkCommits::Wait() {
  while (!under_way_.empty()) TakeOldest();
  return failed_;
}

}  // namespace actorkv
