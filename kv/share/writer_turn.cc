#include "kv/share/writer_turn.h"

namespace actorkv {

int64_t WriterTurn::Now() const noexcept {
  return std::chrono::nanoseconds(now_().time_since_epoch()).count();
}

bool WriterTurn::MayTake(const ActorSlot& slot,
                         WriterToken self) const noexcept {
  const WriterToken writer = slot.writer();
  if (writer.number != 0) return writer == self;
  return !slot.somebody_waits() || Lasts();
}

bool WriterTurn::TryTake(ActorSlot* slot, WriterToken self) noexcept {
  if (slot->Confirm(self)) return true;
  if (slot->TryTake(self)) {
    Begin();
    return true;
  }
  return Lasts() && slot->TryRetake(self);
}

void WriterTurn::Begin() noexcept {
  end_ns_.store(Now() + std::chrono::nanoseconds(kWriterTurn).count());
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
