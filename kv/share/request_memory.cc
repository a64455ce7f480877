#include "kv/share/request_memory.h"

#include <algorithm>

namespace actorkv {

size_t RequestMemory::Counted(size_t bytes) const {
  return bytes <= kSmallRequestBytes ? 0 : std::min(bytes, limit_bytes_);
}

bool RequestMemory::Take(size_t bytes) {
  const size_t counted = Counted(bytes);
  if (counted == 0) return true;
  std::unique_lock<std::mutex> lock(mutex_);
  given_back_.wait(
      lock, [&] { return stopped_ || used_bytes_ <= limit_bytes_ - counted; });
  if (stopped_) return false;
  used_bytes_ += counted;
  return true;
}

void RequestMemory::GiveBack(size_t bytes) {
  const size_t counted = Counted(bytes);
  if (counted == 0) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    used_bytes_ -= counted;
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
  if (!memory_->Take(bytes)) return false;
  bytes_ = bytes;
  return true;
}

void MemoryShare::GiveBack() {
  memory_->GiveBack(bytes_);
  bytes_ = 0;
}

}  // namespace actorkv
