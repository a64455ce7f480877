#include "kv/rocksdb_iterators.h"

#include <utility>

namespace actorkv {
namespace {

class ClearingListener : public rocksdb::EventListener {
 public:
  explicit ClearingListener(IteratorPool* pool) : pool_(pool) {}

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
  IteratorPool* const pool_;
};

bool IsEmpty(const IteratorSet& set) {
  for (const IteratorSlot& slot : set.slots) {
    if (slot.iterator != nullptr) return false;
  }
  return true;
}

}  // namespace

IteratorSet IteratorPool::Take() {
  std::lock_guard<std::mutex> lock(mutex_);
  IteratorSet set;
  if (!idle_.empty()) {
    set = std::move(idle_.back());
    idle_.pop_back();
  }
  set.generation = generation_;
  return set;
}

void IteratorPool::GiveBack(IteratorSet* set) {
  IteratorSet given = std::exchange(*set, IteratorSet());
  if (IsEmpty(given)) return;
  for (IteratorSlot& slot : given.slots) slot.session = 0;
  std::lock_guard<std::mutex> lock(mutex_);
  if (given.generation != generation_ || idle_.size() >= kMaxIdleSets) return;
  idle_.push_back(std::move(given));
}

void IteratorPool::Clear() {
  std::vector<IteratorSet> dropped;  // destroyed without the mutex
  std::lock_guard<std::mutex> lock(mutex_);
  dropped.swap(idle_);
  ++generation_;
}

std::shared_ptr<rocksdb::EventListener> IteratorPool::NewListener() {
  return std::make_shared<ClearingListener>(this);
}

}  // namespace actorkv
