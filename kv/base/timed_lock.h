// LockUntil: waits for a mutex until a point in time, and no longer.
//
// It is meant for things that happen once in the life of a process: it looks
// every millisecond, which any mutex allows; those that know time are dearer to
// everybody else.

#ifndef ACTORKV_KV_BASE_TIMED_LOCK_H_
#define ACTORKV_KV_BASE_TIMED_LOCK_H_

#include <chrono>
#include <mutex>
#include <thread>

namespace actorkv {

// owns_lock() of the result says whether the lock was to be had.
template <typename Mutex>
std::unique_lock<Mutex> LockUntil(
    Mutex* mutex, std::chrono::steady_clock::time_point give_up) {
  std::unique_lock<Mutex> lock(*mutex, std::defer_lock);
  while (!lock.try_lock() && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return lock;
}

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_TIMED_LOCK_H_
