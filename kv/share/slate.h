// Slate: says which pins of a session are awake, in memory that its process and
// the owner of the store share: a word of 4 bytes, little-endian, for each pin,
// 0 where it rests, 1 where it is awake, 2 where the owner took it away. Behind
// them is a word that counts those (and 60 bytes that are not used). The pin
// itself, with its snapshot, is the owner's (kv/store/pins.h).
//
// Invariants:
//  1. A pin that rests pins nothing. Whoever wakes it must then find that the
//     head is as it was when the snapshot was taken (Pin::Wake() and
//     Actor::version() of kv/store): so the pin was there before the head moved
//     on. The owner looks at the heads first and at the pins after. Each of the
//     two writes one word and then reads the other's, in one order that all
//     agree on: one of them sees the other.
//  2. The owner raises the count before what a pin kept may go that it took
//     away. A pin is taken from what is awake by one step on its word: one that
//     comes to rest meanwhile stays, or finds that it was taken.
//  3. What the owner reads here only makes it keep more than is needed, or less
//     than a process that works wrongly wants: no other session's pins, nor the
//     store, depend on it.
//
// Thread-safe, and safe between processes.

#ifndef ACTORKV_KV_SHARE_SLATE_H_
#define ACTORKV_KV_SHARE_SLATE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "kv/base/status.h"
#include "kv/files/opened_directory.h"
#include "kv/share/actor_slot.h"
#include "kv/share/shared_memory.h"
#include "kv/store/pins.h"

namespace actorkv {

// The number of pins that a session may have.
constexpr uint32_t kSlatePins = 16384;

class Slate {
 public:
  // These are as those of Board. Every pin rests in a new one.
  static Status Make(const OpenedDirectory& directory,
                     std::unique_ptr<Slate>* slate);
  static Status Adopt(int fd, std::unique_ptr<Slate>* slate);

  int fd() const { return memory_->fd(); }
  // Nobody is to have it any more than have it by now.
  void CloseDescriptor() { memory_->Close(); }
  bool is_of_parent() const { return memory_->is_of_parent(); }

  // By the owner, with a number that came in a message: a pin that no word is
  // for is always awake.
  bool IsAwake(uint32_t pin) const noexcept;

  // By the owner: takes a pin away that is awake. False where it is not.
  // REQUIRES: pin < kSlatePins.
  bool TakeAway(uint32_t pin) noexcept {
    uint32_t found = kPinIsAwake;
    if (!word(pin)->compare_exchange_strong(found, kPinWasTaken)) return false;
    taken_word()->fetch_add(1, std::memory_order_seq_cst);
    return true;
  }
  // How many were.
  uint32_t taken_count() const {
    return taken_word()->load(std::memory_order_seq_cst);
  }

  // The word of a pin (kv/store/pins.h). REQUIRES: pin < kSlatePins.
  std::atomic<uint32_t>* word(uint32_t pin) const {
    return static_cast<Word*>(memory_->data()) + pin;
  }

 private:
  using Word = std::atomic<uint32_t>;
  Word* taken_word() const {
    return static_cast<Word*>(memory_->data()) + kSlatePins;
  }

  explicit Slate(std::unique_ptr<SharedMemory> memory)
      : memory_(std::move(memory)) {}

  const std::unique_ptr<SharedMemory> memory_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_SLATE_H_
