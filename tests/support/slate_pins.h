// These do with a pin of a slate what a session's process does:
// kv/store/pins.h, without a table of pins.

#ifndef ACTORKV_TESTS_SUPPORT_SLATE_PINS_H_
#define ACTORKV_TESTS_SUPPORT_SLATE_PINS_H_

#include <atomic>
#include <cstdint>

#include "kv/share/actor_slot.h"
#include "kv/share/slate.h"

namespace actorkv {

inline void WakePin(Slate* slate, uint32_t pin) {
  // Not released only: what its process reads next must not be read before.
  slate->word(pin)->store(1, std::memory_order_seq_cst);
}

inline void RestPin(Slate* slate, uint32_t pin) {
  slate->word(pin)->store(0, std::memory_order_release);
}

// Wakes a pin whose snapshot was taken when the head of the actor in `slot` had
// the number `head_seq`. False, and it rests again, where the head moved on:
// then the owner has to be asked.
inline bool ResumePin(Slate* slate, uint32_t pin, const ActorSlot& slot,
                      uint64_t head_seq) {
  WakePin(slate, pin);
  if (slot.head_seq() == head_seq) return true;
  RestPin(slate, pin);
  return false;
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_SLATE_PINS_H_
