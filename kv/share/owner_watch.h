// OwnerWatch: sees the end of the owner of the store where this process asks
// nothing of it: snapshots that are read here must be known to the next owner,
// and what is known here is the newest no longer.
//
// It is a thread that has a channel of its own to the owner, on which nothing
// comes but its end. Then it looks for the next owner, as any thread that asks
// something does.

#ifndef ACTORKV_KV_SHARE_OWNER_WATCH_H_
#define ACTORKV_KV_SHARE_OWNER_WATCH_H_

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "kv/base/status.h"

namespace actorkv {

class ClientChannel;
class ClientSession;
class OwnerSession;

// How long it waits where nobody serves the store, before it looks again.
constexpr std::chrono::milliseconds kWatchPause{1000};

class OwnerWatch {
 public:
  OwnerWatch() = default;
  OwnerWatch(const OwnerWatch&) = delete;
  OwnerWatch& operator=(const OwnerWatch&) = delete;

  // Errors: kIOError where there is no thread. `session` lives until Stop().
  Status Start(ClientSession* session);
  // Waits until the thread has ended: for an election under way as well. Not
  // in a child of fork().
  void Stop();

 private:
  static void* Run(void* self);
  void Watch();
  // Waits for the end of this owner.
  void WatchOne(OwnerSession* owner);
  void Pause();
  bool is_ending();

  ClientSession* session_ = nullptr;
  pthread_t thread_ = {};
  bool is_started_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_ending_ = false;
  ClientChannel* channel_ = nullptr;  // on which it waits
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_OWNER_WATCH_H_
