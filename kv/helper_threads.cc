#include "kv/helper_threads.h"

#include <utility>

namespace actorkv {

HelperThreads* HelperThreads::Instance() {
  static auto* const instance = new HelperThreads;
  return instance;
}

void HelperThreads::Call(const std::function<void()>& work) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (stopped_) return;
  while (threads_.size() < kMaxThreads) {
    threads_.emplace_back([this] { Run(); });
    ++idle_count_;
  }
  for (; idle_count_ > 0; --idle_count_) called_.push_back(work);
  changed_.notify_all();
}

void HelperThreads::Wait() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return idle_count_ == threads_.size(); });
}

void HelperThreads::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void HelperThreads::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopped_ || !called_.empty(); });
    if (stopped_) return;
    std::function<void()> work = std::move(called_.back());
    called_.pop_back();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
    ++idle_count_;
    changed_.notify_all();
  }
}

}  // namespace actorkv
