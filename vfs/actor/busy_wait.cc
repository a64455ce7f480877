#include "vfs/actor/busy_wait.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "kv/base/per_process.h"
#include "kv/store/writer_queue.h"
#include "vfs/sqlite/default_vfs.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

namespace {

using Clock = std::chrono::steady_clock;

struct Refused {
  std::weak_ptr<Writer> writer;
  Clock::time_point at;
  uint64_t fork_count = 0;
};

// Overtime: by how much the last waits for a writer, one after the other, were
// longer than what was asked for.
struct Overtime {
  const Writer* writer = nullptr;  // never looked into
  Clock::time_point until;         // the end of the last one
  int64_t us = 0;
};

// The VFS's methods are called in the thread that uses the connection, but
// xSleep is not told for which.
thread_local Refused refused;
thread_local Overtime overtime;

int64_t MicrosecondsSince(Clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() -
                                                               begin)
      .count();
}

// Null: nothing is remembered, or not any more.
std::shared_ptr<Writer> TakeRemembered() {
  const std::shared_ptr<Writer> writer =
      std::exchange(refused.writer, {}).lock();
  if (writer == nullptr || MicrosecondsSince(refused.at) > kRememberedUs) {
    return nullptr;
  }
  // In a child of fork() the queue's mutex may be locked by a thread that does
  // not exist there.
  return refused.fork_count == ForkCount() ? writer : nullptr;
}

// Of this wait for the writer; none of another one, or of one that is over.
int64_t OvertimeOf(const Writer* writer) {
  const bool goes_on = overtime.writer == writer &&
                       MicrosecondsSince(overtime.until) <= kRememberedUs;
  return goes_on ? overtime.us : 0;
}

// Waits for so many microseconds, or somewhat longer. Returns true where the
// word was offered. *left_us: what was not waited.
bool WaitFor(Writer* writer, int64_t wanted_us, int64_t* left_us) {
  *left_us = 0;
  wanted_us -= OvertimeOf(writer);
  bool offered = false;
  int64_t waited_us = 0;
  if (wanted_us > 0) {
    const Clock::time_point begin = Clock::now();
    offered = writer->Wait(std::max<int64_t>(wanted_us, kLeastWaitUs));
    waited_us = MicrosecondsSince(begin);
    *left_us = wanted_us - waited_us;
  }
  const int64_t too_long_us = offered ? 0 : waited_us - wanted_us;
  overtime = {writer, Clock::now(), std::max<int64_t>(too_long_us, 0)};
  return offered;
}

}  // namespace

void RememberBusy(const std::shared_ptr<Writer>& writer) noexcept {
  refused = {writer, Clock::now(), ForkCount()};
}

int SleepOrWait(int microseconds) {
  const Clock::time_point begin = Clock::now();
  const std::shared_ptr<Writer> writer = TakeRemembered();
  int64_t left_us = microseconds;
  const bool offered =
      writer != nullptr && WaitFor(writer.get(), microseconds, &left_us);
  // The file was closed meanwhile, or nothing was waited for.
  if (!offered && left_us > 0) {
    BaseVfs()->xSleep(BaseVfs(), static_cast<int>(left_us));
  }
  return static_cast<int>(MicrosecondsSince(begin));
}

}  // namespace actorkv
