#include "kv/pages/read_ahead.h"

#include <utility>

#include "kv/base/per_process.h"
#include "kv/base/thrown.h"
#include "kv/base/workers.h"
#include "kv/pages/branch_reader.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

PerProcess<ReadAhead> instance;

void ReadPages(const ReadAheadJob& job) {
  BranchReader reader(job.store->engine());
  reader.UseCache(job.store->cache_id(), job.changes);
  reader.SetSnapshot(job.snapshot, job.lineage);
  PageSpan piece;
  while (!Workers::Instance()->is_stopping() && job.pages->Take(&piece)) {
    const PieceQueue::Doing doing(job.pages.get(), piece);
    const Status ignored = reader.CacheRange(piece.first, piece.end);
    static_cast<void>(ignored);
  }
}

}  // namespace

ReadAhead* ReadAhead::Instance() { return instance.Get(); }

void ReadAhead::Start(std::unique_ptr<ReadAheadJob> job) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  if (waiting_.size() >= kMaxWaiting) return;
  if (!is_served_) is_served_ = Workers::Instance()->Try([this] { Serve(); });
  if (!is_served_) return;
  static_cast<void>(IfMemory([&] { waiting_.push_back(std::move(job)); }));
}

void ReadAhead::Wait() {
  std::unique_lock<std::mutex> lock(mutex_);
  done_.wait(lock, [this] { return !is_served_; });
}

void ReadAhead::Serve() noexcept {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!waiting_.empty()) {
    std::unique_ptr<ReadAheadJob> job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    // Else who asks for the pages reads them.
    static_cast<void>(IfMemory([&] { ReadPages(*job); }));
    job.reset();  // perhaps the last use of its store
    lock.lock();
  }
  is_served_ = false;
  done_.notify_all();
}

}  // namespace actorkv
