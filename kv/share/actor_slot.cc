#include "kv/share/actor_slot.h"

#include <cassert>
#include <cstddef>

namespace actorkv {
namespace {

static_assert(std::atomic<uint64_t>::is_always_lock_free &&
                  std::atomic<uint32_t>::is_always_lock_free,
              "processes share the words");

constexpr uint32_t kSomebodyWaits = 1;
constexpr int kSessionShift = 1;
constexpr int kNumberShift = kSessionShift + kSessionBits;
static_assert(kNumberShift + kWriterNumberBits == 32);

uint32_t WordOf(WriterToken token) {
  assert(token.session <= kMaxSession && token.number <= kMaxWriterNumber);
  if (token.number == 0) return 0;
  return token.session << kSessionShift | token.number << kNumberShift;
}

WriterToken TokenIn(uint32_t word) {
  WriterToken token;
  token.session = word >> kSessionShift & kMaxSession;
  token.number = word >> kNumberShift;
  return token;
}

}  // namespace

void ActorSlot::Give(ActorId actor, uint64_t first_seq) noexcept {
  uint64_t unused = 0;
  head_seq_.compare_exchange_strong(unused, first_seq);
  actor_.store(actor.value, std::memory_order_release);
  writer_.store(0, std::memory_order_release);
  ForgetConfirmed();
  RaiseHead();
}

bool ActorSlot::TryTake(WriterToken token) noexcept {
  const uint32_t word = WordOf(token);
  uint32_t found = 0;
  // Acquires what the writer before it released.
  if (writer_.compare_exchange_strong(found, word, std::memory_order_acq_rel)) {
    return true;
  }
  return (found & ~kSomebodyWaits) == word;
}

bool ActorSlot::TryRetake(WriterToken token) noexcept {
  const uint32_t word = WordOf(token);
  uint32_t found = kSomebodyWaits;
  if (writer_.compare_exchange_strong(found, word | kSomebodyWaits,
                                      std::memory_order_acq_rel)) {
    return true;
  }
  return (found & ~kSomebodyWaits) == word;
}

bool ActorSlot::Release(WriterToken token, bool* somebody_waits) noexcept {
  const uint32_t word = WordOf(token);
  uint32_t found = word;
  // The waiting bit may be set meanwhile.
  while (!writer_.compare_exchange_weak(found, found & kSomebodyWaits,
                                        std::memory_order_acq_rel)) {
    if ((found & ~kSomebodyWaits) != word) return false;
  }
  *somebody_waits = (found & kSomebodyWaits) != 0;
  return true;
}

bool ActorSlot::SetWaiting() noexcept {
  uint32_t found = writer_.load(std::memory_order_relaxed);
  do {
    if (found == 0) return false;
  } while (!writer_.compare_exchange_weak(found, found | kSomebodyWaits,
                                          std::memory_order_acq_rel));
  return true;
}

bool ActorSlot::Replace(WriterToken from, WriterToken to,
                        bool somebody_waits) noexcept {
  const uint32_t wanted = WordOf(from);
  const uint32_t word = WordOf(to) | (somebody_waits ? kSomebodyWaits : 0);
  uint32_t found = wanted;
  while (
      !writer_.compare_exchange_weak(found, word, std::memory_order_acq_rel)) {
    if ((found & ~kSomebodyWaits) != wanted) return false;
  }
  return true;
}

WriterToken ActorSlot::writer() const noexcept {
  return TokenIn(writer_.load(std::memory_order_acquire));
}

bool ActorSlot::somebody_waits() const noexcept {
  return (writer_.load(std::memory_order_acquire) & kSomebodyWaits) != 0;
}

void ActorSlot::Confirm(WriterToken token) noexcept {
  confirmed_.store(WordOf(token), std::memory_order_release);
}

WriterToken ActorSlot::confirmed() const noexcept {
  return TokenIn(confirmed_.load(std::memory_order_acquire));
}

void ActorSlot::ForgetConfirmed() noexcept {
  confirmed_.store(0, std::memory_order_release);
}

}  // namespace actorkv
