#include "kv/bulk_commits.h"

#include <pthread.h>

#include <utility>

#include "kv/store.h"

namespace actorkv {

// pthread_create() says where there is no thread to be had; std::thread throws.
struct BulkCommits::Work {
  Store* store;
  Batch batch;
  Status status;
  pthread_t thread;

  static void* Run(void* work) {
    auto* const self = static_cast<Work*>(work);
    self->status = self->store->Commit(self->batch, Durability::kBulk).status;
    return nullptr;
  }
};

BulkCommits::BulkCommits(Store* store) : store_(store) {}

BulkCommits::~BulkCommits() { (void)Wait(); }

void BulkCommits::TakeOldest() {
  Work* const work = under_way_.front().get();
  (void)pthread_join(work->thread, nullptr);
  if (failed_.ok()) failed_ = std::move(work->status);
  work->batch.Clear();
  spares_.push_back(std::move(work->batch));
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
  if (pthread_create(&work->thread, nullptr, Work::Run, work.get()) == 0) {
    under_way_.push_back(std::move(work));
    return failed_;
  }
  (void)Work::Run(work.get());
  failed_ = std::move(work->status);
  return failed_;
}

Status BulkCommits::Wait() {
  while (!under_way_.empty()) TakeOldest();
  return failed_;
}

}  // namespace actorkv
