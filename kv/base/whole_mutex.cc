#include "kv/base/whole_mutex.h"

#include <pthread.h>

namespace actorkv {

namespace {

// The list of all: who wants to change it, and fork(), hold its mutex.
std::mutex list_mutex;
WholeMutex* first_mutex = nullptr;

}  // namespace

// Registered while the library is loaded, not at the first lock: a fork() that
// has begun by then would not know of it, and its child would find the mutex
// locked for ever.
const bool WholeMutex::is_registered_ =
    pthread_atfork(LockAll, UnlockAll, UnlockAll) == 0;

void WholeMutex::LockAll() noexcept {
  list_mutex.lock();
  for (WholeMutex* each = first_mutex; each != nullptr; each = each->next_) {
    each->mutex_.lock();
  }
}

void WholeMutex::UnlockAll() noexcept {
  for (WholeMutex* each = first_mutex; each != nullptr; each = each->next_) {
    each->mutex_.unlock();
  }
  list_mutex.unlock();
}

void WholeMutex::MakeKnown() noexcept {
  const std::lock_guard<std::mutex> lock(list_mutex);
  if (is_known_.load(std::memory_order_relaxed)) return;
  next_ = first_mutex;
  first_mutex = this;
  is_known_.store(true, std::memory_order_relaxed);
}

}  // namespace actorkv
