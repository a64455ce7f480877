#include "kv/share/request_memory.h"

#include <algorithm>

namespace actorkv {

size_t RequestMemory::Counted(size_t bytes) const {
  return bytes <= kSmallRequestBytes ? 0 : std::min(bytes, limit_bytes_);
}

bool RequestMemory::HasRoom(size_t counted, const void* user) const {
  if (used_bytes_ > limit_bytes_ - counted) return false;
  const auto found = used_by_.find(user);
  const size_t most = limit_bytes_ - limit_bytes_ / 3;
  return found == used_by_.end() || found->second + counted <= most;
}

bool RequestMemory::Take(size_t bytes, const void* user) {
  const size_t counted = Counted(bytes);
  if (counted == 0) return true;
  std::unique_lock<std::mutex> lock(mutex_);
  given_back_.wait(lock, [&] { return stopped_ || HasRoom(counted, user); });
  if (stopped_) return false;
  used_by_[user] += counted;
  used_bytes_ += counted;
  return true;
}

void RequestMemory::GiveBack(size_t bytes, const void* user) {
  const size_t counted = Counted(bytes);
  if (counted == 0) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    used_bytes_ -= counted;
    const auto found = used_by_.find(user);
    found->second -= counted;
    if (found->second == 0) used_by_.erase(found);
  }
  given_back_.notify_all();
}

void RequestMemory::Stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
  }
  given_back_.notify_all();
}

bool MemoryShare::Take(size_t bytes) {
  GiveBack();
  if (!memory_->Take(bytes, user_)) return false;
  bytes_ = bytes;
  bytes_user_ = user_;
  return true;
}

void MemoryShare::GiveBack() {
  memory_->GiveBack(bytes_, bytes_user_);
  bytes_ = 0;
}

}  // namespace actorkv
