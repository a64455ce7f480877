// Gathering: work that many begin and that goes on until it is let go.

#ifndef ACTORKV_TESTS_SUPPORT_GATHERING_H_
#define ACTORKV_TESTS_SUPPORT_GATHERING_H_

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace actorkv {

class Gathering {
 public:
  void Work() {
    std::unique_lock<std::mutex> lock(mutex_);
    ++count_;
    ++inside_count_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_over_; });
    --inside_count_;
    changed_.notify_all();
  }

  // Waits until so many have begun.
  void WaitFor(size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return count_ >= count; });
  }

  // Lets all go, and waits until they have. Who comes later goes at once.
  void End() {
    std::unique_lock<std::mutex> lock(mutex_);
    is_over_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return inside_count_ == 0; });
  }

  // How many have begun.
  size_t count() {
    std::lock_guard<std::mutex> lock(mutex_);
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t count_ = 0;
  size_t inside_count_ = 0;
  bool is_over_ = false;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_GATHERING_H_
