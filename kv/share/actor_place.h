// ActorPlace: where an actor that is open here has its slot: on the board of
// the owner of the moment.
//
// Invariants:
//  1. The word that version_word() gives is there as long as the client and the
//     place are. When there is another one, the one before was raised.
//  2. Each OPEN that was answered is closed once: by Close(), or with the
//     session.
//
// Thread-safe. Waits for nothing but Open().

#ifndef ACTORKV_KV_SHARE_ACTOR_PLACE_H_
#define ACTORKV_KV_SHARE_ACTOR_PLACE_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "kv/base/status.h"
#include "kv/share/actor_messages.h"
#include "kv/share/owner_session.h"
#include "kv/share/writer_turn.h"

namespace actorkv {

class ActorPlace {
 public:
  explicit ActorPlace(std::string name) : name_(std::move(name)) {}
  ActorPlace(const ActorPlace&) = delete;
  ActorPlace& operator=(const ActorPlace&) = delete;

  const std::string& name() const { return name_; }

  // See kv/store/store_side.h.
  const std::atomic<uint64_t>* version_word() const {
    return version_word_.load(std::memory_order_acquire);
  }

  // The number of the slot at `owner`; none: it is not open there.
  std::optional<uint32_t> SlotAt(const OwnerSession* owner);

  // Opens it at `owner`, by its `channel`, which `patience` is for. A pin takes
  // the head; kNoPin: none does. *answer refers to memory of the channel.
  // Errors: those of ClientChannel::Ask(); kCorruption for a slot that cannot
  // be.
  Status Open(OwnerSession* owner, ClientChannel* channel,
              const Patience& patience, uint32_t pin, OpenAnswer* answer);
  // The same, where it is not open there yet. *slot: its number.
  Status OpenOnce(OwnerSession* owner, ClientChannel* channel,
                  const Patience& patience, uint32_t* slot);

  // Nobody has it open here any more, for ever.
  void Close() noexcept;

  // --- The writer's word (kv/store/writer_word.h) -------------------------

  bool MayTake() noexcept;
  bool TryTake() noexcept;
  bool Confirm() noexcept;
  bool Release() noexcept;
  bool IsTurnOver() noexcept;
  bool IsHeldByAny() noexcept;
  bool IsOwn() noexcept;
  // Whether this process took it and has it still, at whatever owner.
  bool HasWord() noexcept;
  WordHolder Holder() noexcept;
  // What a message about it is sent to: the session and the slot; null: none.
  OwnerSession* owner(uint32_t* slot);
  // Says that this process waits at `owner`. False: there is nobody to wait
  // for.
  bool SetWaiting(const OwnerSession* owner) noexcept;
  // This process was given the word at `owner`, for which it waited. False:
  // that one is gone.
  bool BeginTurn(const OwnerSession* owner) noexcept;

 private:
  Status Bind(OwnerSession* owner, uint32_t number);
  // Who does not wait in line, as without a busy handler, would be told of a
  // lock that is nobody's while another process is becoming the owner, and for
  // kGraceTime after that at most.
  void AwaitOwner() noexcept;
  // REQUIRES, of these: mutex_ is held.
  bool IsUsable() const { return slot_ != nullptr && !owner_->is_of_parent(); }
  WriterToken self() const { return TokenOf(owner_->number()); }

  const std::string name_;
  std::atomic<uint64_t> unopened_word_{1};  // until it is open anywhere
  std::atomic<const std::atomic<uint64_t>*> version_word_{&unopened_word_};

  std::mutex mutex_;
  OwnerSession* owner_ = nullptr;  // where it was opened last
  ActorSlot* slot_ = nullptr;      // null: nowhere
  uint32_t number_ = 0;            // of the slot
  bool is_closed_ = false;
  bool has_word_ = false;  // of the writer
  WriterTurn turn_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_ACTOR_PLACE_H_
