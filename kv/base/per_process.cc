#include "kv/base/per_process.h"

#include <pthread.h>

#include <mutex>

#include "kv/base/whole_mutex.h"

namespace actorkv {

namespace {

std::atomic<uint64_t> forks{0};

// The list of all slots that have, or had, an object. Only grows, under the
// mutex, which a child finds free.
WholeMutex list_mutex;
ProcessSlot* first_slot = nullptr;

}  // namespace

// ForkHandler: has what is here run in a child of fork(). Registered while the
// library is loaded: a fork() that has begun before would not know of it.
struct ForkHandler {
  static void AfterForkInChild() {
    forks.fetch_add(1, std::memory_order_relaxed);
    ProcessSlot::ForgetAllInChild();
  }
  static const bool is_registered;
};

const bool ForkHandler::is_registered =
    pthread_atfork(nullptr, nullptr, AfterForkInChild) == 0;

uint64_t ForkCount() noexcept { return forks.load(std::memory_order_relaxed); }

// Known before it has an object: fork() may come in between.
void ProcessSlot::MakeKnown() noexcept {
  const std::lock_guard<WholeMutex> lock(list_mutex);
  if (is_known_) return;
  next_ = first_slot;
  first_slot = this;
  is_known_ = true;
}

void* ProcessSlot::Keep(void* made) noexcept {
  MakeKnown();
  void* present = nullptr;
  const bool was_first = object_.compare_exchange_strong(present, made);
  return was_first ? made : present;
}

void ProcessSlot::ForgetAllInChild() noexcept {
  for (ProcessSlot* slot = first_slot; slot != nullptr; slot = slot->next_) {
    void* const former = slot->object_.exchange(nullptr);
    if (former != nullptr) slot->former_ = former;
  }
}

}  // namespace actorkv
