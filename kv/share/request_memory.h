// RequestMemory: how much memory the requests and answers of all sessions may
// take together. Whoever needs more waits until others are done.
//
// What is small is not counted: there are too many of those to be held up, and
// too few to matter.
//
// Thread-safe.

#ifndef ACTORKV_KV_SHARE_REQUEST_MEMORY_H_
#define ACTORKV_KV_SHARE_REQUEST_MEMORY_H_

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace actorkv {

constexpr size_t kMaxRequestMemory = size_t{256} << 20;
// A request or answer of this size counts as nothing.
constexpr size_t kSmallRequestBytes = size_t{16} << 10;

class RequestMemory {
 public:
  explicit RequestMemory(size_t limit_bytes = kMaxRequestMemory)
      : limit_bytes_(limit_bytes) {}

  // Waits for so much, or all that there is. False after Stop().
  bool Take(size_t bytes);
  void GiveBack(size_t bytes);

  // Whoever waits goes without.
  void Stop();

 private:
  // What counts of it.
  size_t Counted(size_t bytes) const;

  const size_t limit_bytes_;
  std::mutex mutex_;
  std::condition_variable given_back_;
  size_t used_bytes_ = 0;
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

  // Gives back what it has, and takes so much. False after Stop().
  bool Take(size_t bytes);
  void GiveBack();

 private:
  RequestMemory* const memory_;
  size_t bytes_ = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_REQUEST_MEMORY_H_
