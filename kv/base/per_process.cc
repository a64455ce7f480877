#include "kv/base/per_process.h"

#include <pthread.h>

namespace actorkv {

namespace {

std::atomic<uint64_t> forks{0};

// The list of all slots that have, or had, an object. Only grows.
std::atomic<ProcessSlot*> first_slot{nullptr};

}  // namespace

// ForkHandler: has what is here run in a child of fork().
struct ForkHandler {
  static void AfterForkInChild() {
    forks.fetch_add(1, std::memory_order_relaxed);
    ProcessSlot::ForgetAllInChild();
  }
  static bool IsRegistered() noexcept {
    static const bool registered =
        pthread_atfork(nullptr, nullptr, AfterForkInChild) == 0;
    return registered;
  }
};

uint64_t ForkCount() noexcept {
  static_cast<void>(ForkHandler::IsRegistered());
  return forks.load(std::memory_order_relaxed);
}

void* ProcessSlot::Keep(void* made) noexcept {
  static_cast<void>(ForkHandler::IsRegistered());
  // Known before it has an object: fork() may come in between.
  if (!is_known_.exchange(true)) {
    next_ = first_slot.load();
    while (!first_slot.compare_exchange_weak(next_, this)) {
    }
  }
  void* present = nullptr;
  const bool was_first = object_.compare_exchange_strong(present, made);
  return was_first ? made : present;
}

void ProcessSlot::ForgetAllInChild() noexcept {
  for (ProcessSlot* slot = first_slot.load(); slot != nullptr;
       slot = slot->next_) {
    void* const former = slot->object_.exchange(nullptr);
    if (former != nullptr) slot->former_ = former;
  }
}

}  // namespace actorkv
