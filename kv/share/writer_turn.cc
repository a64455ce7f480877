#include "kv/share/writer_turn.h"

namespace actorkv {

int64_t WriterTurn::Now() const noexcept {
  using std::chrono::nanoseconds;
  return std::chrono::duration_cast<nanoseconds>(now_().time_since_epoch())
      .count();
}

bool WriterTurn::MayTake(const ActorSlot& slot,
                         WriterToken self) const noexcept {
  const WriterToken writer = slot.writer();
  if (writer == kKeptToken) return IsKeptTooLong();
  if (writer.number != 0) return writer == self;
  return !slot.somebody_waits() || Lasts();
}

bool WriterTurn::TryTake(ActorSlot* slot, WriterToken self) noexcept {
  if (slot->Confirm(self)) return true;
  const bool may_take_kept = slot->writer() == kKeptToken && IsKeptTooLong();
  if (slot->TryTake(self) ||
      (may_take_kept && slot->Replace(kKeptToken, self, false))) {
    Begin(slot);
    return true;
  }
  return Lasts() && slot->TryRetake(self);
}

bool WriterTurn::Open(ActorSlot* slot, WriterToken self,
                      bool had_word) noexcept {
  Forget();
  kept_until_ns_.store(Now() + std::chrono::nanoseconds(kGraceTime).count());
  if (!had_word) return false;
  // The owner knows by now that it had the word, and kept it, or has given it.
  if (slot->Confirm(self) ||
      slot->Replace(kKeptToken, self, slot->somebody_waits())) {
    Begin(slot);
    return true;
  }
  return TryTake(slot, self);
}

void WriterTurn::Begin(ActorSlot* slot) noexcept {
  const int64_t now = Now();
  end_ns_.store(now + std::chrono::nanoseconds(kWriterTurn).count());
  slot->NoteTurn(pid_, now);
}

WordHolder WriterTurn::HolderBeside(const ActorSlot& slot,
                                    WriterToken self) const noexcept {
  WordHolder holder;
  const WriterToken writer = slot.writer();
  holder.is_other = writer.number != 0 && writer != self;
  // Nobody has written there yet for whom a word is kept.
  if (!holder.is_other || writer == kKeptToken) return holder;
  holder.pid = slot.writer_pid();
  const int64_t began = slot.turn_began_ns();
  // What cannot be was written by a process that works wrongly.
  const int64_t now = Now();
  if (began > 0 && began <= now) {
    constexpr int64_t kNsPerMs = 1'000'000;
    holder.since_ms = (now - began) / kNsPerMs;
  }
  return holder;
}

bool WriterTurn::Release(ActorSlot* slot, WriterToken self) noexcept {
  bool somebody_waits = false;
  if (!slot->Release(self, &somebody_waits) || !somebody_waits) {
    Forget();
    return false;
  }
  if (Lasts()) return false;
  Forget();
  return true;
}

bool WriterTurn::IsOver(const ActorSlot& slot) const noexcept {
  return slot.somebody_waits() && !Lasts();
}

}  // namespace actorkv
