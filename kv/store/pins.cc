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

bool PinTable::Prepare(Pin* pin) {
  if (side_ == nullptr || pin->number_ != kNoPinNumber) return true;
  Part& part = PartOf(pin);
  // It gets its word and comes into the list in one step, as seen by Rebind():
  // so it is told of the word that the next owner has for it.
  std::lock_guard<std::mutex> lock(part.mutex);
  uint32_t number = kNoPinNumber;
  Pin::Word* const word = side_->Take(&number);
  if (word == nullptr) return false;
  // One that holds nothing rests until it does.
  word->store(pin->held() ? kPinIsAwake : kPinRests, std::memory_order_seq_cst);
  pin->number_ = number;
  pin->word_.store(word, std::memory_order_release);
  Insert(&part, pin);
  return true;
}

void PinTable::Insert(Part* part, Pin* pin) {
  if (pin->table_ != nullptr) return;
  pin->table_ = this;
  pin->previous_ = nullptr;
  pin->next_ = part->first;
  if (part->first != nullptr) part->first->previous_ = pin;
  part->first = pin;
}

void PinTable::Add(const Snapshot& snapshot,
                   std::shared_ptr<const Lineage> lineage, Pin* pin) {
  // Here first: an owner that comes between the two hears of it from the table.
  const std::shared_ptr<const Lineage> kept = lineage;
  const bool is_numbered = kept != nullptr && Prepare(pin);
  // That what it held was taken away says nothing of what it is to hold.
  if (side_ != nullptr && is_numbered) {
    pin->Replace(kPinWasTaken, kPinRests);
  }
  AddKept(snapshot, std::move(lineage), pin);
  if (side_ == nullptr || kept == nullptr) return;
  if (is_numbered) {
    side_->Keep(pin->number_, snapshot, *kept);
  } else {
    side_->NoteUnkept();
  }
}

void PinTable::AddKept(const Snapshot& snapshot,
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
  static_cast<void>(pin->Wake());
  if (pins) Insert(&part, pin);
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
  if (pin->number_ == kNoPinNumber) return;
  // The owner keeps nothing for it from here on, and then its number may be
  // another pin's.
  pin->Rest();
  pin->word_.store(&pin->own_word_, std::memory_order_release);
  side_->GiveBack(std::exchange(pin->number_, kNoPinNumber));
}

PinnedSnapshot PinTable::HeldBy(const Pin& pin) {
  Part& part = PartOf(&pin);
  std::lock_guard<std::mutex> lock(part.mutex);
  if (pin.table_ != this || pin.word()->load() != kPinIsAwake) return {};
  return {pin.snapshot_, pin.lineage_};
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
      if (pin->word()->load(std::memory_order_seq_cst) == kPinRests) continue;
      snapshots.push_back({pin->snapshot_, pin->lineage_});
    }
  }
  return snapshots;
}

std::vector<NumberedPin> PinTable::Numbered() {
  std::vector<NumberedPin> pins;
  for (Part& part : parts_) {
    std::lock_guard<std::mutex> lock(part.mutex);
    for (const Pin* pin = part.first; pin != nullptr; pin = pin->next_) {
      if (pin->number_ == kNoPinNumber || pin->lineage_ == nullptr) continue;
      const uint32_t word = pin->word()->load(std::memory_order_seq_cst);
      if (word != kPinIsAwake) continue;
      pins.push_back({pin->number_, pin->snapshot_, pin->lineage_});
    }
  }
  return pins;
}

void PinTable::Rebind(
    const std::function<std::atomic<uint32_t>*(uint32_t number)>& word_of) {
  for (Part& part : parts_) {
    std::lock_guard<std::mutex> lock(part.mutex);
    for (Pin* pin = part.first; pin != nullptr; pin = pin->next_) {
      if (pin->number_ == kNoPinNumber) continue;
      Pin::Word* const next = word_of(pin->number_);
      Pin::Word* const last = pin->word_.exchange(next);
      // One that comes to rest by its last word meanwhile stays awake: until it
      // is used next, more is kept than is needed.
      next->store(last->load(std::memory_order_seq_cst),
                  std::memory_order_seq_cst);
    }
  }
}

}  // namespace actorkv
