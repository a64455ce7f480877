#include "vfs/actor/busy_wait.h"

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

// The VFS's methods are called in the thread that uses the connection, but
// xSleep is not told for which.
thread_local Refused refused;

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

}  // namespace

void RememberBusy(const std::shared_ptr<Writer>& writer) noexcept {
  refused = {writer, Clock::now(), ForkCount()};
}

int SleepOrWait(int microseconds) {
  const Clock::time_point begin = Clock::now();
  const std::shared_ptr<Writer> writer = TakeRemembered();
  const bool offered = writer != nullptr && writer->Wait(microseconds);
  const int64_t left_us = microseconds - MicrosecondsSince(begin);
  // The file was closed meanwhile, or nothing was waited for.
  if (!offered && left_us > 0) {
    BaseVfs()->xSleep(BaseVfs(), static_cast<int>(left_us));
  }
  return static_cast<int>(MicrosecondsSince(begin));
}

}  // namespace actorkv
