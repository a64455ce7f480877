// Gate: a shared lock whose exclusive side is never starved. Every use of an
// open database holds it shared; closing and opening it again holds it
// exclusively.
//
// std::shared_mutex alone prefers readers on Linux: a steady stream of reads
// could put off a reopen for ever. So a thread that wants it exclusively first
// closes a turnstile that newcomers wait at.
//
// Not recursive: a thread that holds the gate must not ask for it again.

#ifndef ACTORKV_KV_BASE_GATE_H_
#define ACTORKV_KV_BASE_GATE_H_

#include <atomic>
#include <chrono>
#include <mutex>
#include <shared_mutex>

#include "kv/base/timed_lock.h"

namespace actorkv {

class Gate {
 public:
  using Hold = std::shared_lock<std::shared_mutex>;

  Hold Shared() {
    if (closed_.load(std::memory_order_acquire)) {
      std::lock_guard<std::mutex> wait(turnstile_);
    }
    return Hold(mutex_);
  }

  class Exclusive {
   public:
    explicit Exclusive(Gate* gate) : turn_(gate->turnstile_) {
      gate->closed_.store(true, std::memory_order_release);
      lock_ = std::unique_lock<std::shared_mutex>(gate->mutex_);
      gate->closed_.store(false, std::memory_order_release);
    }

    // Gives up at `give_up`: owns() is false then.
    Exclusive(Gate* gate, std::chrono::steady_clock::time_point give_up)
        : turn_(LockUntil(&gate->turnstile_, give_up)) {
      if (!turn_.owns_lock()) return;
      gate->closed_.store(true, std::memory_order_release);
      lock_ = LockUntil(&gate->mutex_, give_up);
      gate->closed_.store(false, std::memory_order_release);
    }

    bool owns() const { return lock_.owns_lock(); }

   private:
    std::unique_lock<std::mutex> turn_;
    std::unique_lock<std::shared_mutex> lock_;
  };

 private:
  std::atomic<bool> closed_{false};
  std::mutex turnstile_;
  std::shared_mutex mutex_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_GATE_H_
