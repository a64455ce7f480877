#include "kv/pages/bulk_commits.h"

#include <thread>
#include <utility>

#include "kv/base/start_thread.h"
#include "kv/base/thrown.h"
#include "kv/store/store.h"

namespace actorkv {

struct BulkCommits::Work {
  Store* store;
  Batch batch;
  Status status;
  std::thread thread;

  static void Run(void* work) noexcept {
    auto* const self = static_cast<Work*>(work);
    self->status = Caught([self] {
      return self->store->Commit(self->batch, Durability::kBulk).status;
    });
  }
};

BulkCommits::BulkCommits(Store* store) : store_(store) {
  spares_.reserve(kMaxBulkCommits);
}

BulkCommits::~BulkCommits() { (void)Wait(); }

void BulkCommits::TakeOldest() noexcept {
  Work* const work = under_way_.front().get();
  work->thread.join();
  if (failed_.ok()) failed_ = std::move(work->status);
  work->batch.Clear();
  if (spares_.size() < kMaxBulkCommits) {
    spares_.push_back(std::move(work->batch));
  }
  under_way_.pop_front();
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
  auto work = std::make_unique<Work>();
  work->store = store_;
  work->batch = std::move(*batch);
  *batch = Batch();
  if (!spares_.empty()) {
    *batch = std::move(spares_.back());
    spares_.pop_back();
  }
  // In the queue first: who has a thread must be there to be waited for.
  under_way_.push_back(std::move(work));
  Work* const added = under_way_.back().get();
  if (StartThread(Work::Run, added, &added->thread)) return failed_;
  Work::Run(added);
  failed_ = std::move(added->status);
  under_way_.pop_back();
  return failed_;
}

Status BulkCommits::Wait() {
  while (!under_way_.empty()) TakeOldest();
  return failed_;
}

}  // namespace actorkv
