// RequestMemory: how much memory the requests and answers of all sessions may
// take together. Whoever needs more waits until others are done. What one
// session has is two thirds at most, or one request: one whose requests come to
// no end holds up itself.
//
// What is small is not counted: there are too many of those to be held up, and
// too few to matter.
//
// Thread-safe.

#ifndef ACTORKV_KV_SHARE_REQUEST_MEMORY_H_
#define ACTORKV_KV_SHARE_REQUEST_MEMORY_H_

#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>

namespace actorkv {

constexpr size_t kMaxRequestMemory = size_t{256} << 20;
// A request or answer of this size counts as nothing.
constexpr size_t kSmallRequestBytes = size_t{16} << 10;

class RequestMemory {
 public:
  explicit RequestMemory(size_t limit_bytes = kMaxRequestMemory)
      : limit_bytes_(limit_bytes) {}

  // Waits for so much, or all that there is. `user`: the session. False after
  // Stop().
  bool Take(size_t bytes, const void* user);
  void GiveBack(size_t bytes, const void* user);

  // Whoever waits goes without.
  void Stop();

 private:
  // What counts of it.
  size_t Counted(size_t bytes) const;
  // REQUIRES: mutex_ is held.
  bool HasRoom(size_t counted, const void* user) const;

  const size_t limit_bytes_;
  std::mutex mutex_;
  std::condition_variable given_back_;
  size_t used_bytes_ = 0;
  std::map<const void*, size_t> used_by_;  // those that have some
  bool stopped_ = false;
};

// MemoryShare: what one request has of it, at most once at a time: who has some
// does not wait for more, so that nobody waits for each other.
class MemoryShare {
 public:
  explicit MemoryShare(RequestMemory* memory) : memory_(memory) {}
  ~MemoryShare() { GiveBack(); }
  MemoryShare(const MemoryShare&) = delete;
  MemoryShare& operator=(const MemoryShare&) = delete;

  // Of whom what it takes from now on is.
  void SetUser(const void* user) { user_ = user; }
  // Gives back what it has, and takes so much. False after Stop().
  bool Take(size_t bytes);
  void GiveBack();

 private:
  RequestMemory* const memory_;
  const void* user_ = nullptr;
  size_t bytes_ = 0;
  const void* bytes_user_ = nullptr;  // that had them counted
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_REQUEST_MEMORY_H_
