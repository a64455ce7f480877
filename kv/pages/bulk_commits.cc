#include "kv/pages/bulk_commits.h"

#include <utility>

#include "kv/base/errand.h"
#include "kv/base/thrown.h"
#include "kv/store/store.h"

namespace actorkv {

struct BulkCommits::Work {
  explicit Work(Store* to) : store(to), errand([this] { Commit(); }) {}

  void Commit() noexcept {
    status = Caught(
        [this] { return store->Commit(batch, Durability::kBulk).status; });
  }

  Store* const store;
  Batch batch;
  Status status;
  Errand errand;  // goes first: it uses the rest
};

BulkCommits::BulkCommits(Store* store) : store_(store) {
  spares_.reserve(kMaxBulkCommits);
}

BulkCommits::~BulkCommits() { (void)Wait(); }

void BulkCommits::Finish(Work* work) noexcept {
  if (!work->errand.Finish()) {
    work->status = Caught([] {
      return Status::NotSupported(
          "the process was forked while data was committed");
    });
  }
  if (failed_.ok()) failed_ = std::move(work->status);
  work->batch.Clear();
  if (spares_.size() < kMaxBulkCommits) {
    spares_.push_back(std::move(work->batch));
  }
}

void BulkCommits::FinishOldest() noexcept {
  Finish(under_way_.front().get());
  under_way_.pop_front();
}

Status BulkCommits::Add(Batch* batch) {
  if (!failed_.ok() || batch->empty()) return failed_;
  if (batch->size_bytes() < kMinBackgroundBytes) {
    failed_ = store_->Commit(*batch, Durability::kBulk).status;
    batch->Clear();
    return failed_;
  }
  while (under_way_.size() >= kMaxBulkCommits) FinishOldest();
  if (!failed_.ok()) return failed_;
  // In the queue before it is sent: who has a thread must be waited for.
  under_way_.push_back(std::make_unique<Work>(store_));
  Work* const added = under_way_.back().get();
  added->batch = std::exchange(*batch, Batch());
  if (!spares_.empty()) {
    *batch = std::move(spares_.back());
    spares_.pop_back();
  }
  if (added->errand.Send()) return failed_;
  Finish(added);
  under_way_.pop_back();
  return failed_;
}

Status BulkCommits::Wait() {
  while (!under_way_.empty()) FinishOldest();
  return failed_;
}

}  // namespace actorkv
