#include "kv/process/open_wait.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace actorkv {

OpenWait::OpenWait(std::chrono::milliseconds limit,
                   std::function<Status()> keep_on)
    : end_(Clock::now() + std::min(limit, kMaxLimit)),
      keep_on_(std::move(keep_on)) {}

bool OpenWait::IsOver() const { return Clock::now() >= end_; }

Status OpenWait::Pause() const {
  std::this_thread::sleep_for(
      std::min<Clock::duration>(kPause, end_ - Clock::now()));
  return keep_on_ == nullptr ? Status::Ok() : keep_on_();
}

}  // namespace actorkv
