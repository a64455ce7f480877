#include "kv/base/workers.h"

#include <utility>

#include "kv/base/per_process.h"
#include "kv/base/start_thread.h"
#include "kv/base/thrown.h"

namespace actorkv {

namespace {

PerProcess<Workers> workers;

}  // namespace

Workers* Workers::Instance() { return workers.Get(); }

bool Workers::AddThread() noexcept {
  if (thread_count_ == kMaxThreads ||
      !StartThread(RunThread, this, &threads_[thread_count_])) {
    return false;
  }
  ++thread_count_;
  ++idle_count_;
  return true;
}

bool Workers::Try(Work work) noexcept {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (is_stopping_ || ThreadsAreRefusedForTesting()) return false;
    if (idle_count_ == 0 && !AddThread()) return false;
    --idle_count_;
    works_[work_count_++] = std::move(work);
  }
  given_.notify_one();
  return true;
}

bool Workers::Stop(std::chrono::steady_clock::time_point give_up) {
  std::unique_lock<std::mutex> lock(mutex_);
  is_stopping_ = true;
  given_.notify_all();
  if (!ended_.wait_until(lock, give_up,
                         [this] { return ended_count_ == thread_count_; })) {
    return false;
  }
  const size_t count = std::exchange(thread_count_, 0);
  idle_count_ = ended_count_ = 0;
  lock.unlock();
  for (size_t i = 0; i < count; ++i) (void)pthread_join(threads_[i], nullptr);
  return true;
}

void Workers::Run() noexcept {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    given_.wait(lock, [this] { return is_stopping_ || work_count_ > 0; });
    if (work_count_ == 0) break;
    Work work = std::exchange(works_[--work_count_], nullptr);
    lock.unlock();
    static_cast<void>(IfMemory(work));
    work = nullptr;
    lock.lock();
    ++idle_count_;
  }
  ++ended_count_;
  ended_.notify_all();
}

}  // namespace actorkv
