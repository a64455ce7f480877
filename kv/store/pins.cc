#include "kv/store/pins.h"

#include <cstdint>
#include <utility>

namespace actorkv {

void Pin::Release() {
  if (table_ != nullptr) table_->Remove(this);
}

PinTable::Part& PinTable::PartOf(const Pin* pin) {
  // Objects of the heap begin at multiples of 16.
  const auto address = reinterpret_cast<uintptr_t>(pin);
  return parts_[(address >> 4 ^ address >> 10) % kParts];
}

void PinTable::Add(const Snapshot& snapshot,
                   std::shared_ptr<const Lineage> lineage, Pin* pin) {
  // Goes at the end of this call, without the lock.
  std::shared_ptr<const Lineage> old = std::move(lineage);
  const bool pins = old != nullptr;
  Part& part = PartOf(pin);
  std::lock_guard<std::mutex> lock(part.mutex);
  std::swap(pin->lineage_, old);
  pin->snapshot_ = snapshot;
  // It is awake before it is in the list, and under the lock of its part: no
  // look between the two misses it.
  pin->awake_.store(true, std::memory_order_seq_cst);
  if (pin->table_ != nullptr || !pins) return;
  pin->table_ = this;
  pin->previous_ = nullptr;
  pin->next_ = part.first;
  if (part.first != nullptr) part.first->previous_ = pin;
  part.first = pin;
}

void PinTable::Remove(Pin* pin) {
  std::shared_ptr<const Lineage> old;
  Part& part = PartOf(pin);
  std::lock_guard<std::mutex> lock(part.mutex);
  if (pin->previous_ == nullptr) {
    part.first = pin->next_;
  } else {
    pin->previous_->next_ = pin->next_;
  }
  if (pin->next_ != nullptr) pin->next_->previous_ = pin->previous_;
  pin->table_ = nullptr;
  std::swap(pin->lineage_, old);
}

std::vector<PinnedSnapshot> PinTable::Snapshots() {
  std::vector<PinnedSnapshot> snapshots;
  for (Part& part : parts_) {
    std::lock_guard<std::mutex> lock(part.mutex);
    for (const Pin* pin = part.first; pin != nullptr; pin = pin->next_) {
      // A pin of nothing stays in the list, so that a transaction that begins
      // again finds its place.
      if (pin->lineage_ == nullptr) continue;
      // One that rests keeps nothing. Its owner wakes it and then looks whether
      // the head is the same; reclaim reads the head and then looks here. One
      // of them sees the other.
      if (!pin->awake_.load(std::memory_order_seq_cst)) continue;
      snapshots.push_back({pin->snapshot_, pin->lineage_});
    }
  }
  return snapshots;
}

}  // namespace actorkv
