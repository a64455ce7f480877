#include "kv/pages/read_ahead.h"

#include <utility>

#include "kv/base/start_thread.h"
#include "kv/base/thrown.h"
#include "kv/pages/branch_reader.h"
#include "kv/store/store.h"

namespace actorkv {

ReadAhead* ReadAhead::Instance() {
  static auto* const instance = new ReadAhead;
  return instance;
}

bool ReadAhead::Enqueue(std::unique_ptr<ReadAheadJob>* job) noexcept {
  return IfMemory([&] { waiting_.push_back(std::move(*job)); });
}

void ReadAhead::Start(std::unique_ptr<ReadAheadJob> job) noexcept {
  std::unique_lock<std::mutex> lock(mutex_);
  if (stopped_ || waiting_.size() >= kMaxWaiting) return;
  if (!thread_.joinable() && !StartThread(RunThread, this, &thread_)) return;
  if (!Enqueue(&job)) return;
  const bool asleep = !busy_ && waiting_.size() == 1;
  lock.unlock();
  // A wake-up costs as much as a few pages.
  if (asleep) work_.notify_one();
}

void ReadAhead::Wait() {
  std::unique_lock<std::mutex> lock(mutex_);
  done_.wait(lock, [this] { return waiting_.empty() && !busy_; });
}

void ReadAhead::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
    waiting_.clear();
    work_.notify_one();
    if (!busy_) done_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void ReadAhead::Run() noexcept {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    work_.wait(lock, [this] { return stopped_ || !waiting_.empty(); });
    if (stopped_) return;
    std::unique_ptr<ReadAheadJob> job = std::move(waiting_.front());
    waiting_.pop_front();
    busy_ = true;
    lock.unlock();
    Read(*job);
    job.reset();  // perhaps the last use of its store
    lock.lock();
    busy_ = false;
    if (stopped_ || waiting_.empty()) done_.notify_all();
  }
}

void ReadAhead::Read(const ReadAheadJob& job) noexcept {
  // Else who asks for the pages reads them.
  static_cast<void>(IfMemory([&] { ReadPieces(job); }));
}

void ReadAhead::ReadPieces(const ReadAheadJob& job) {
  BranchReader reader(job.store->engine());
  reader.UseCache(job.store->cache_id(), job.changes);
  reader.SetSnapshot(job.snapshot, job.lineage);
  ReadAheadRange::Piece piece;
  while (!stopped_ && job.range->Take(&piece)) {
    const ReadAheadRange::Doing doing(job.range.get(), piece);
    const Status ignored = reader.CacheRange(piece.first, piece.end);
    static_cast<void>(ignored);
  }
}

}  // namespace actorkv
