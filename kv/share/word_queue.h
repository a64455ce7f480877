// WordQueue: waits for the writer's word of a slot: WordLine for threads.
//
// Thread-safe.

#ifndef ACTORKV_KV_SHARE_WORD_QUEUE_H_
#define ACTORKV_KV_SHARE_WORD_QUEUE_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

#include "kv/share/word_line.h"

namespace actorkv {

// The first in line looks at the word so often, as whoever had it may be gone.
constexpr std::chrono::milliseconds kWordLook{1};
// And whoever waits asks so often whether anybody still wants it.
constexpr std::chrono::milliseconds kWaitLook{50};

class WordQueue {
 public:
  explicit WordQueue(ActorSlot* slot) : line_(slot) {}
  WordQueue(const WordQueue&) = delete;
  WordQueue& operator=(const WordQueue&) = delete;

  // Waits until the session has the word, for `limit` at most, and as long as
  // `keep_on`, where there is one, says. True: it has the word.
  bool Wait(uint32_t session, std::chrono::microseconds limit,
            const std::function<bool()>& keep_on);

  void Yield();
  void Reclaim(uint32_t session);
  void EndKeeping();
  void EndSession(uint32_t session);
  bool TakeAway();

  // Nobody gets the word any more, and nobody waits: the slot is somebody
  // else's from now on, or the owner ends.
  void Close();

 private:
  static WordLine::TimePoint Now() { return std::chrono::steady_clock::now(); }

  std::mutex mutex_;
  std::condition_variable changed_;
  WordLine line_;
  bool is_closed_ = false;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_WORD_QUEUE_H_
