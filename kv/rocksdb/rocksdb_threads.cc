#include "kv/rocksdb/rocksdb_threads.h"

#include <pthread.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "kv/base/per_process.h"
#include "kv/rocksdb/spare_memory.h"

namespace actorkv {
namespace {

PerProcess<RocksDbThreads> threads_of_process;

}  // namespace

RocksDbThreads* RocksDbThreads::Instance() { return threads_of_process.Get(); }

void* RocksDbQueue::RunThread(void* self) {
  static_cast<RocksDbQueue*>(self)->Run();
}

bool RocksDbQueue::Raise(int count) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  while (thread_count_ < count) {
    pthread_t thread = {};
    // RocksDB cannot do without, other than who asks StartThread().
    if (pthread_create(&thread, nullptr, RunThread, this) != 0) return false;
    pthread_setname_np(thread, thread_name_);
    pthread_detach(thread);
    ++thread_count_;
  }
  return true;
}

int RocksDbQueue::thread_count() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return thread_count_;
}

void RocksDbQueue::Add(const Work& work) {
  const std::lock_guard<std::mutex> lock(mutex_);
  waiting_.push_back(work);
  more_.notify_one();
}

int RocksDbQueue::TakeBack(const void* tag) {
  std::vector<Work> taken;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto first_of_tag = std::stable_partition(
        waiting_.begin(), waiting_.end(),
        [tag](const Work& work) { return work.tag != tag; });
    taken.assign(first_of_tag, waiting_.end());
    waiting_.erase(first_of_tag, waiting_.end());
  }
  for (const Work& work : taken) {
    if (work.forget != nullptr) work.forget(work.argument);
  }
  return static_cast<int>(taken.size());
}

size_t RocksDbQueue::waiting_count() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return waiting_.size();
}

void RocksDbQueue::Run() noexcept {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    more_.wait(lock, [this] { return !waiting_.empty(); });
    const Work work = waiting_.front();
    waiting_.pop_front();
    lock.unlock();
    {
      // RocksDB ends the process where memory runs out here: so what is put
      // aside for that is given to it.
      static_cast<void>(SpareMemory::Fill());
      const SpareMemory::Use use;
      work.run(work.argument);
    }
    lock.lock();
  }
}

}  // namespace actorkv
