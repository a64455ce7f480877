// WriterTurn: how long a process may keep the writer's word of a slot
// (kv/share/actor_slot.h) while others wait for it.
//
// A turn begins when the process gets the word. Within it the word goes back
// and forth: between two transactions it is nobody's, and says that somebody
// waits; only the process whose turn it is may take such a word. After that the
// process gives way to the first in line (kv/share/word_queue.h).
//
// Invariants:
//  1. A turn ends no later than kWriterTurn after it began, where somebody
//     waits, and as soon as nobody has the word and nobody waits.
//
// Thread-safe. Waits for nothing.

#ifndef ACTORKV_KV_SHARE_WRITER_TURN_H_
#define ACTORKV_KV_SHARE_WRITER_TURN_H_

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

#include "kv/share/actor_slot.h"
#include "kv/store/writer_word.h"

namespace actorkv {

constexpr std::chrono::milliseconds kWriterTurn{2};

// For what waits here: the clock, or that of a test.
using SteadyNow = std::function<std::chrono::steady_clock::time_point()>;

class WriterTurn {
 public:
  explicit WriterTurn(SteadyNow now = std::chrono::steady_clock::now)
      : now_(std::move(now)) {}

  // Whether the word is kept for a process that had it, and may be this one's
  // soon.
  bool IsKeptForOthers(const ActorSlot& slot) const noexcept {
    return slot.writer() == kKeptToken && !IsKeptTooLong();
  }
  // Whether TryTake() would succeed now.
  bool MayTake(const ActorSlot& slot, WriterToken self) const noexcept;
  // Takes the word where it is free, or again within the turn. True also where
  // it is the process's own.
  bool TryTake(ActorSlot* slot, WriterToken self) noexcept;
  // The word was given to the process, which waited for it.
  void Begin(ActorSlot* slot) noexcept;
  // Who has the word, where that is not `self`.
  WordHolder HolderBeside(const ActorSlot& slot,
                          WriterToken self) const noexcept;
  // Begins with a slot. `had_word`: the process wrote at the owner before; true
  // where it does here.
  bool Open(ActorSlot* slot, WriterToken self, bool had_word) noexcept;
  // Gives the word back. True where somebody waits, and the turn is over.
  bool Release(ActorSlot* slot, WriterToken self) noexcept;
  // Whether the word should be given back: somebody waits for it, and the turn
  // is over.
  bool IsOver(const ActorSlot& slot) const noexcept;

 private:
  void Forget() noexcept { end_ns_.store(0); }
  int64_t Now() const noexcept;
  bool Lasts() const noexcept { return Now() < end_ns_.load(); }

  const SteadyNow now_;
  const uint32_t pid_ = static_cast<uint32_t>(getpid());
  // Whether a word that is kept is kept no longer.
  bool IsKeptTooLong() const noexcept { return Now() >= kept_until_ns_.load(); }

  std::atomic<int64_t> end_ns_{0};  // of the turn; 0: there is none
  std::atomic<int64_t> kept_until_ns_{0};
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_WRITER_TURN_H_
