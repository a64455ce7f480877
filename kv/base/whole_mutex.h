// WholeMutex: a mutex that fork() holds as long as it lasts: in the child what
// it guards is whole, and nobody holds it. For what a child goes on with:
// memory, errors, names. What belongs to its parent is a PerProcess
// (kv/base/per_process.h).
//
// Invariants:
//  1. Who holds one waits for nothing: not for another one, nor for a lock that
//     who calls fork() may hold. So fork() waits for a moment only, and for
//     ever never.
//
// For std::lock_guard. REQUIRES: it has static storage, or is never destroyed.

#ifndef ACTORKV_KV_BASE_WHOLE_MUTEX_H_
#define ACTORKV_KV_BASE_WHOLE_MUTEX_H_

#include <atomic>
#include <mutex>

namespace actorkv {

class WholeMutex {
 public:
  constexpr WholeMutex() noexcept = default;
  WholeMutex(const WholeMutex&) = delete;
  WholeMutex& operator=(const WholeMutex&) = delete;

  // The names are those of the standard library.
  void lock() {
    if (!is_known_.load(std::memory_order_relaxed)) MakeKnown();
    mutex_.lock();
  }
  void unlock() { mutex_.unlock(); }

 private:
  static void LockAll() noexcept;
  static void UnlockAll() noexcept;
  void MakeKnown() noexcept;

  static const bool is_registered_;

  std::mutex mutex_;
  std::atomic<bool> is_known_{false};
  WholeMutex* next_ = nullptr;  // in the list of all that are known
};

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_WHOLE_MUTEX_H_
