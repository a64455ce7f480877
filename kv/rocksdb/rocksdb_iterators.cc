#include "kv/rocksdb/rocksdb_iterators.h"

#include <utility>

namespace actorkv {
namespace {

class ClearingListener : public rocksdb::EventListener {
 public:
  explicit ClearingListener(std::shared_ptr<IteratorPool> pool)
      : pool_(std::move(pool)) {}

  void OnFlushCompleted(rocksdb::DB* /*db*/,
                        const rocksdb::FlushJobInfo& /*info*/) override {
    pool_->Clear();
  }
  void OnCompactionCompleted(
      rocksdb::DB* /*db*/,
      const rocksdb::CompactionJobInfo& /*info*/) override {
    pool_->Clear();
  }

 private:
  // The pool is shared: a database that was given up may call this listener
  // after the store is gone.
  const std::shared_ptr<IteratorPool> pool_;
};

bool IsEmpty(const IteratorSet& set) {
  for (const IteratorSlot& slot : set.slots) {
    if (slot.iterator != nullptr) return false;
  }
  return true;
}

}  // namespace

void IteratorSet::Leave() noexcept {
  for (IteratorSlot& slot : slots) static_cast<void>(slot.iterator.release());
  *this = IteratorSet();
}

IteratorSet IteratorPool::Take() noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  IteratorSet set;
  if (!idle_.empty()) {
    set = std::move(idle_.back());
    idle_.pop_back();
  }
  set.generation = generation_;
  return set;
}

void IteratorPool::GiveBack(IteratorSet* set) noexcept {
  IteratorSet given = std::exchange(*set, IteratorSet());
  if (IsEmpty(given)) return;
  // Sessions count from 1: the next reader takes none of these for refreshed by
  // itself.
  for (IteratorSlot& slot : given.slots) slot.session = 0;
  std::lock_guard<std::mutex> lock(mutex_);
  // A set that was out during a Clear() is dropped, when `given` ends: rule 2
  // of the header.
  if (given.generation != generation_ || idle_.size() >= kMaxIdleSets) return;
  idle_.push_back(std::move(given));
}

// Sets are dropped one after the other, so that they end without the mutex; the
// room for them stays.
void IteratorPool::Clear() noexcept {
  uint64_t generation = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    generation = ++generation_;
  }
  for (;;) {
    IteratorSet dropped;
    std::lock_guard<std::mutex> lock(mutex_);
    // Behind the first set of this generation all are of it.
    if (idle_.empty() || idle_.front().generation >= generation) return;
    dropped = std::move(idle_.front());
    idle_.erase(idle_.begin());
  }
}

void IteratorPool::Leave() noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  ++generation_;
  for (IteratorSet& set : idle_) set.Leave();
  idle_.clear();
}

std::shared_ptr<rocksdb::EventListener> IteratorPool::NewListener(
    std::shared_ptr<IteratorPool> pool) {
  return std::make_shared<ClearingListener>(std::move(pool));
}

}  // namespace actorkv
