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
constexpr uint32_t kUnused = uint32_t{1} << 31;
static_assert(kNumberShift + kWriterNumberBits == 31);

// The bits that say who it is.
constexpr uint32_t kToken = ~(kSomebodyWaits | kUnused);

uint32_t WordOf(WriterToken token) {
  assert(token.session <= kMaxSession && token.number <= kMaxWriterNumber);
  if (token.number == 0) return 0;
  return token.session << kSessionShift | token.number << kNumberShift;
}

WriterToken TokenIn(uint32_t word) {
  WriterToken token;
  token.session = word >> kSessionShift & kMaxSession;
  token.number = word >> kNumberShift & kMaxWriterNumber;
  return token;
}

}  // namespace

void ActorSlot::Give(ActorId actor, uint64_t first_seq) noexcept {
  uint64_t unused = 0;
  head_seq_.compare_exchange_strong(unused, first_seq);
  actor_.store(actor.value, std::memory_order_release);
  writer_.store(0, std::memory_order_release);
  RaiseHead();
}

bool ActorSlot::TryTake(WriterToken token) noexcept {
  const uint32_t word = WordOf(token);
  uint32_t found = 0;
  // Acquires what the writer before it released.
  if (writer_.compare_exchange_strong(found, word, std::memory_order_acq_rel)) {
    return true;
  }
  return (found & kToken) == word;
}

bool ActorSlot::TryRetake(WriterToken token) noexcept {
  const uint32_t word = WordOf(token);
  uint32_t found = kSomebodyWaits;
  if (writer_.compare_exchange_strong(found, word | kSomebodyWaits,
                                      std::memory_order_acq_rel)) {
    return true;
  }
  return (found & kToken) == word;
}

bool ActorSlot::Release(WriterToken token, bool* somebody_waits) noexcept {
  const uint32_t word = WordOf(token);
  uint32_t found = word;
  // The waiting bit may be set meanwhile.
  while (!writer_.compare_exchange_weak(found, found & kSomebodyWaits,
                                        std::memory_order_acq_rel)) {
    if ((found & kToken) != word) return false;
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

bool ActorSlot::Confirm(WriterToken token) noexcept {
  const uint32_t word = WordOf(token);
  uint32_t found = writer_.load(std::memory_order_acquire);
  // The waiting bit may be set meanwhile.
  do {
    if ((found & kToken) != word) return false;
  } while (!writer_.compare_exchange_weak(found, found & ~kUnused,
                                          std::memory_order_acq_rel));
  return true;
}

bool ActorSlot::ReplaceBy(uint32_t word, WriterToken from,
                          bool only_unused) noexcept {
  const uint32_t wanted = WordOf(from);
  uint32_t found = writer_.load(std::memory_order_acquire);
  do {
    const bool is_unused = (found & kUnused) != 0;
    if ((found & kToken) != wanted || (only_unused && !is_unused)) return false;
  } while (
      !writer_.compare_exchange_weak(found, word, std::memory_order_acq_rel));
  return true;
}

bool ActorSlot::Replace(WriterToken from, WriterToken to,
                        bool somebody_waits) noexcept {
  return ReplaceBy(WordOf(to) | (somebody_waits ? kSomebodyWaits : 0), from,
                   /*only_unused=*/false);
}

bool ActorSlot::GiveTo(WriterToken from, WriterToken to, bool somebody_waits,
                       bool only_unused) noexcept {
  return ReplaceBy(WordOf(to) | kUnused | (somebody_waits ? kSomebodyWaits : 0),
                   from, only_unused);
}

WriterToken ActorSlot::writer() const noexcept {
  return TokenIn(writer_.load(std::memory_order_acquire));
}

bool ActorSlot::somebody_waits() const noexcept {
  return (writer_.load(std::memory_order_acquire) & kSomebodyWaits) != 0;
}

bool ActorSlot::is_unused() const noexcept {
  return (writer_.load(std::memory_order_acquire) & kUnused) != 0;
}

}  // namespace actorkv
