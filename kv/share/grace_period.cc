#include "kv/share/grace_period.h"

#include <utility>

namespace actorkv {

GracePeriod::GracePeriod(std::string directory,
                         const std::vector<MarkNumber>& marks,
                         std::chrono::milliseconds limit)
    : directory_(std::move(directory)),
      end_(std::chrono::steady_clock::now() + limit),
      missing_(marks.begin(), marks.end()) {}

bool GracePeriod::IsOver() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return missing_.empty() || std::chrono::steady_clock::now() >= end_;
}

bool GracePeriod::NoteJoined(const HostId& host) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (missing_.erase(MarkNumberOf(host)) == 0 || !missing_.empty()) {
    return false;
  }
  changed_.notify_all();
  return true;
}

bool GracePeriod::DropGone() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (missing_.empty()) return false;
  for (auto it = missing_.begin(); it != missing_.end();) {
    bool marked = true;
    const bool is_gone =
        IsNumberMarked(directory_, *it, &marked).ok() && !marked;
    it = is_gone ? missing_.erase(it) : std::next(it);
  }
  if (!missing_.empty()) return false;
  changed_.notify_all();
  return true;
}

void GracePeriod::Await() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_until(lock, end_, [this] { return missing_.empty(); });
}

}  // namespace actorkv
