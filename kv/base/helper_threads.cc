#include "kv/base/helper_threads.h"

#include <utility>

#include "kv/base/start_thread.h"
#include "kv/base/thrown.h"

namespace actorkv {

HelperThreads::HelperThreads() {
  called_.reserve(kMaxThreads);
  threads_.reserve(kMaxThreads);
}

HelperThreads* HelperThreads::Instance() {
  static auto* const instance = new HelperThreads;
  return instance;
}

void HelperThreads::MakeThreads() noexcept {
  while (threads_.size() < kMaxThreads) {
    std::thread thread;
    if (!StartThread(RunThread, this, &thread)) return;
    threads_.push_back(std::move(thread));
    ++idle_count_;
  }
}

void HelperThreads::CallIdle(const std::function<void()>& work) {
  for (; idle_count_ > 0; --idle_count_) called_.push_back(work);
}

void HelperThreads::Call(const std::function<void()>& work) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  if (stopped_) return;
  MakeThreads();
  static_cast<void>(IfMemory([&] { CallIdle(work); }));
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

void HelperThreads::Run() noexcept {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopped_ || !called_.empty(); });
    if (stopped_) return;
    std::function<void()> work = std::move(called_.back());
    called_.pop_back();
    lock.unlock();
    // Else who asked for help goes on without it.
    static_cast<void>(IfMemory(work));
    work = nullptr;
    lock.lock();
    ++idle_count_;
    changed_.notify_all();
  }
}

}  // namespace actorkv
