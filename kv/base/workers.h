// Workers: a few threads of the process, for work that may also be done by who
// wants it, or be left undone.
//
// A thread is made when work is given and none is idle, and kept until Stop():
// who gives work waits 5 to 9 us for one to be woken, and 21 for one to be made
// (2 virtual CPUs, glibc 2.36), which for zeros ahead of a log is in a commit.
//
// Invariants:
//  1. Work that Try() took is run once, soon: a thread is there for it alone,
//     and waits for nothing else. So nobody waits behind other work.
//  2. Work that Try() did not take is not run.
//  3. In a child of fork() there are no threads, and no work that was given
//     before: it is never run there, nor destroyed.
//
// What is waited for, or must be over before something that it uses goes, is an
// Errand (kv/base/errand.h).
//
// Thread-safe.

#ifndef ACTORKV_KV_BASE_WORKERS_H_
#define ACTORKV_KV_BASE_WORKERS_H_

#include <pthread.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>

namespace actorkv {

class Workers {
 public:
  using Work = std::function<void()>;

  // One that reads ahead of scans, three that help an actor that wakes, three
  // that commit a bulk load, one that writes zeros ahead of a log.
  static constexpr size_t kMaxThreads = 8;

  Workers() noexcept = default;

  // The one of the process. Never destroyed: see Stop().
  static Workers* Instance();

  // Has a thread run `work`; what it throws is lost. False: all threads are
  // busy and no more are to be had, or Stop() was called.
  [[nodiscard]] bool Try(Work work) noexcept;

  // Long work ends early where this is true.
  bool is_stopping() const { return is_stopping_; }

  // At exit: no more work is taken, what was taken ends, and then the threads.
  // False: that was not so at `give_up`. Not called by two threads at a time.
  bool Stop(std::chrono::steady_clock::time_point give_up);

 private:
  static void* RunThread(void* self) {
    static_cast<Workers*>(self)->Run();
    return nullptr;
  }
  void Run() noexcept;
  // REQUIRES: mutex_ is held.
  bool AddThread() noexcept;

  std::mutex mutex_;  // of what follows
  std::condition_variable given_;
  std::condition_variable ended_;
  std::array<Work, kMaxThreads> works_;  // given, and not yet begun
  size_t work_count_ = 0;
  std::array<pthread_t, kMaxThreads> threads_ = {};
  size_t thread_count_ = 0;
  size_t idle_count_ = 0;  // threads that have no work, begun or given
  size_t ended_count_ = 0;
  std::atomic<bool> is_stopping_{false};  // changes under mutex_
};

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_WORKERS_H_
