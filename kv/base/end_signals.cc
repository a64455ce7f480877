#include "kv/base/end_signals.h"

#include <pthread.h>

#include <atomic>
#include <csignal>
#include <mutex>

#include "kv/base/whole_mutex.h"

namespace actorkv {
namespace {

struct Heeded {
  int number;
  const char* name;
};
constexpr Heeded kHeeded[] = {
    {SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}, {SIGHUP, "SIGHUP"}};
constexpr int kCount = 3;

// The handler may not wait, not even for memory that is not there yet.
std::atomic<uint32_t> counts[kCount];
static_assert(std::atomic<uint32_t>::is_always_lock_free);

// What was there before ours. Written before ours is installed, and never while
// it is.
struct sigaction former[kCount];

WholeMutex signals_mutex;

// REQUIRES, for both: the mutex is held.
int live_count = 0;
bool is_installed[kCount] = {};

void Handle(int number, siginfo_t* info, void* context) {
  for (int i = 0; i < kCount; ++i) {
    if (kHeeded[i].number != number) continue;
    counts[i].fetch_add(1, std::memory_order_release);
    const struct sigaction& before = former[i];
    if ((before.sa_flags & SA_SIGINFO) != 0) {
      before.sa_sigaction(number, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
      before.sa_handler(number);
    }
  }
}

bool IsOurs(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == Handle;
}

void Install(int i) {
  struct sigaction before = {};
  if (sigaction(kHeeded[i].number, nullptr, &before) != 0 || IsOurs(before)) {
    return;
  }
  const bool is_ignored =
      (before.sa_flags & SA_SIGINFO) == 0 && before.sa_handler == SIG_IGN;
  if (is_ignored) return;
  former[i] = before;
  struct sigaction ours = {};
  ours.sa_sigaction = Handle;
  ours.sa_mask = before.sa_mask;
  // A stack of its own where the host has one for signals, as Go needs it.
  ours.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  is_installed[i] = sigaction(kHeeded[i].number, &ours, nullptr) == 0;
}

void Restore(int i) {
  if (!is_installed[i]) return;
  struct sigaction now = {};
  // One that was installed after ours may call it: then ours stays, and calls
  // what was there before.
  if (sigaction(kHeeded[i].number, nullptr, &now) != 0 || !IsOurs(now)) return;
  if (sigaction(kHeeded[i].number, &former[i], nullptr) == 0) {
    is_installed[i] = false;
  }
}

// A child of fork() has none of the objects: nobody would hear there what the
// handler keeps from ending the process.
void RestoreInChild() {
  live_count = 0;
  for (int i = 0; i < kCount; ++i) Restore(i);
}

// Registered while the library is loaded: a fork() that has begun before would
// not know of it.
[[maybe_unused]] const bool restores_in_child =
    pthread_atfork(nullptr, nullptr, RestoreInChild) == 0;

}  // namespace

EndSignals::EndSignals() {
  for (int i = 0; i < kSignalCount; ++i) {
    counts_[i] = counts[i].load(std::memory_order_acquire);
  }
  const std::lock_guard<WholeMutex> lock(signals_mutex);
  if (live_count++ > 0) return;
  for (int i = 0; i < kSignalCount; ++i) {
    // One that could not be taken back is there still.
    if (!is_installed[i]) Install(i);
  }
}

EndSignals::~EndSignals() {
  const std::lock_guard<WholeMutex> lock(signals_mutex);
  if (--live_count > 0) return;
  for (int i = 0; i < kSignalCount; ++i) Restore(i);
}

const char* EndSignals::Heard() const {
  for (int i = 0; i < kSignalCount; ++i) {
    if (counts[i].load(std::memory_order_acquire) != counts_[i]) {
      return kHeeded[i].name;
    }
  }
  return nullptr;
}

}  // namespace actorkv
