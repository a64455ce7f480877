// OpenWait: how long one open waits, whatever it waits for: another process
// that has the store open for writing, the end of a migration. Belongs to one
// thread.

#ifndef ACTORKV_KV_PROCESS_OPEN_WAIT_H_
#define ACTORKV_KV_PROCESS_OPEN_WAIT_H_

#include <chrono>
#include <functional>

#include "kv/base/status.h"

namespace actorkv {

class OpenWait {
 public:
  // Of an open that was not told how long to wait.
  static constexpr std::chrono::milliseconds kDefaultLimit{5000};
  // The longest that counts: larger limits are this one, 24 days.
  static constexpr std::chrono::milliseconds kMaxLimit{2147483647};

  // Waits for nothing.
  OpenWait() = default;
  // The time begins now. `keep_on`, where there is one, is asked again and
  // again while the open waits, and ends the wait by an error.
  explicit OpenWait(std::chrono::milliseconds limit,
                    std::function<Status()> keep_on = nullptr);

  bool IsOver() const;

  // Waits a little, and not beyond the end. Errors: those of keep_on.
  Status Pause() const;

 private:
  using Clock = std::chrono::steady_clock;

  // Between two looks at what is waited for.
  static constexpr std::chrono::milliseconds kPause{5};

  Clock::time_point end_;
  std::function<Status()> keep_on_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_PROCESS_OPEN_WAIT_H_
