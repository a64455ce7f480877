#include "kv/base/start_thread.h"

#include <atomic>

namespace actorkv {

namespace {

std::atomic<bool> refused{false};

}  // namespace

bool StartThread(void* (*run)(void* self), void* self,
                 pthread_t* thread) noexcept {
  pthread_t started = {};
  if (ThreadsAreRefusedForTesting() ||
      pthread_create(&started, nullptr, run, self) != 0) {
    return false;
  }
  *thread = started;
  return true;
}

void RefuseThreadsForTesting(bool refuse) { refused = refuse; }

bool ThreadsAreRefusedForTesting() {
  return refused.load(std::memory_order_relaxed);
}

}  // namespace actorkv
