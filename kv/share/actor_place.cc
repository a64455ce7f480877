#include "kv/share/actor_place.h"

#include <chrono>
#include <thread>

namespace actorkv {
namespace {

// How long a writer waits where nobody owns the store, or words are kept: most
// are done much sooner.
constexpr std::chrono::milliseconds kMostOwnerless{2000};

}  // namespace

std::optional<uint32_t> ActorPlace::SlotAt(const OwnerSession* owner) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (slot_ == nullptr || owner_ != owner) return std::nullopt;
  return number_;
}

Status ActorPlace::Open(OwnerSession* owner, ClientChannel* channel,
                        const Patience& patience, uint32_t pin,
                        OpenAnswer* answer) {
  OpenRequest request;
  request.actor = name_;
  request.pin = pin;
  if (Status s = channel->Ask(request, patience, answer); !s.ok()) return s;
  return Bind(owner, answer->slot);
}

Status ActorPlace::OpenOnce(OwnerSession* owner, ClientChannel* channel,
                            const Patience& patience, uint32_t* slot) {
  std::optional<uint32_t> open = SlotAt(owner);
  if (!open.has_value()) {
    OpenAnswer answer;
    if (Status s = Open(owner, channel, patience, kNoPin, &answer); !s.ok()) {
      return s;
    }
    open = answer.slot;
  }
  *slot = *open;
  return Status::Ok();
}

Status ActorPlace::Bind(OwnerSession* owner, uint32_t number) {
  ActorSlot* const slot = owner->board()->slot(number);
  if (slot == nullptr) {
    return Status::Corruption("the owner of the store gave slot " +
                              std::to_string(number) +
                              ", which there is not: actor=" + name_);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  // Another thread was there first, or there is nobody any more that has it
  // open.
  const bool is_open = slot_ != nullptr && owner_ == owner;
  if (is_closed_ || (is_open && number_ == number)) {
    owner->CloseSlot(number);
    return Status::Ok();
  }
  if (is_open) owner->CloseSlot(number_);
  unopened_word_.fetch_add(1, std::memory_order_seq_cst);
  if (slot_ != nullptr) slot_->RaiseHead();
  owner_ = owner;
  slot_ = slot;
  number_ = number;
  version_word_.store(slot->head_word(), std::memory_order_release);
  // Where somebody else has it by now, the commit is guarded as any.
  has_word_ = turn_.Open(slot_, self(), has_word_);
  return Status::Ok();
}

void ActorPlace::Close() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  is_closed_ = true;
  if (IsUsable()) owner_->CloseSlot(number_);
}

// --- The writer's word ------------------------------------------------------

void ActorPlace::AwaitOwner() noexcept {
  constexpr std::chrono::milliseconds kLook{1};
  const auto give_up = std::chrono::steady_clock::now() + kMostOwnerless;
  for (;;) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!IsUsable()) return;
      const bool is_over = !owner_->is_lost() && !turn_.IsKeptForOthers(*slot_);
      if (is_over || std::chrono::steady_clock::now() >= give_up) return;
    }
    std::this_thread::sleep_for(kLook);
  }
}

bool ActorPlace::MayTake() noexcept {
  AwaitOwner();
  const std::lock_guard<std::mutex> lock(mutex_);
  return IsUsable() && turn_.MayTake(*slot_, self());
}

bool ActorPlace::TryTake() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  // The next owner is told of the words that this process has: none comes to
  // them meanwhile.
  has_word_ = IsUsable() && !is_closed_ && !owner_->is_lost() &&
              turn_.TryTake(slot_, self());
  return has_word_;
}

bool ActorPlace::Confirm() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  has_word_ = has_word_ && IsUsable() && slot_->Confirm(self());
  return has_word_;
}

bool ActorPlace::Release() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  has_word_ = false;
  return IsUsable() && turn_.Release(slot_, self());
}

bool ActorPlace::IsTurnOver() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  return IsUsable() && turn_.IsOver(*slot_);
}

bool ActorPlace::IsHeldByAny() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  return IsUsable() && slot_->writer().number != 0;
}

bool ActorPlace::IsOwn() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  return IsUsable() && slot_->writer() == self();
}

bool ActorPlace::HasWord() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  return has_word_ && IsUsable() && slot_->writer() == self();
}

WordHolder ActorPlace::Holder() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  return IsUsable() ? turn_.HolderBeside(*slot_, self()) : WordHolder();
}

OwnerSession* ActorPlace::owner(uint32_t* slot) {
  const std::lock_guard<std::mutex> lock(mutex_);
  *slot = number_;
  return IsUsable() ? owner_ : nullptr;
}

bool ActorPlace::SetWaiting(const OwnerSession* owner) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  return IsUsable() && owner_ == owner && slot_->SetWaiting();
}

bool ActorPlace::BeginTurn(const OwnerSession* owner) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!IsUsable() || owner_ != owner || owner_->is_lost()) return false;
  turn_.Begin(slot_);
  has_word_ = true;
  return true;
}

}  // namespace actorkv
