#include "kv/base/start_thread.h"

#include <atomic>

#include "kv/base/thrown.h"

namespace actorkv {

namespace {

std::atomic<bool> refused{false};

}  // namespace

bool StartThread(void (*run)(void* self), void* self,
                 std::thread* thread) noexcept {
  if (ThreadsAreRefusedForTesting()) return false;
  return IfMemory([&] { *thread = std::thread(run, self); });
}

void RefuseThreadsForTesting(bool refuse) { refused = refuse; }

bool ThreadsAreRefusedForTesting() {
  return refused.load(std::memory_order_relaxed);
}

}  // namespace actorkv
