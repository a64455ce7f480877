#include "kv/share/slot_table.h"

#include "kv/share/owner_word.h"

namespace actorkv {

OpenSlot::~OpenSlot() {
  // What it learned is of interest to people only.
  if (actor != nullptr) {
    static_cast<void>(store->CloseActor(std::move(actor)));
  }
}

Status SlotTable::GiveLocked(const HeadState& state, OpenSlot* slot) {
  if (free_.empty() && next_ == kBoardSlots) {
    return Status::Busy("too many actors are open in all processes: " +
                        std::to_string(kBoardSlots) +
                        " at most: actor=" + slot->actor->name());
  }
  if (free_.empty()) {
    slot->number = next_++;
  } else {
    slot->number = free_.back();
    free_.pop_back();
  }
  slot->slot = board_->slot(slot->number);
  slot->slot->Give(state.entry.actor, first_seq_);
  // Nobody has the slot yet.
  if (keeps_words_) static_cast<void>(slot->slot->TryTake(kKeptToken));
  slot->queue = std::make_shared<WordQueue>(slot->slot);
  if (is_stopped_) slot->queue->Close();
  slot->actor->Share(
      slot->slot->head_word(),
      std::make_shared<OwnerWord>(board_, slot->slot, slot->queue));
  return Status::Ok();
}

Status SlotTable::Open(const std::string& name,
                       std::shared_ptr<OpenSlot>* slot) {
  std::shared_ptr<Actor> actor;
  if (Status s = store_->OpenActor(name, &actor); !s.ok()) return s;
  // Closes the actor where somebody else gave it a slot.
  auto made = std::make_shared<OpenSlot>(store_, std::move(actor));
  std::shared_ptr<const HeadState> state;
  if (Status s = made->actor->Current(&state); !s.ok()) return s;
  const std::lock_guard<std::mutex> lock(mutex_);
  std::shared_ptr<OpenSlot>& place = open_[name];
  if (place == nullptr) {
    if (Status s = GiveLocked(*state, made.get()); !s.ok()) {
      open_.erase(name);
      return s;
    }
    place = made;
  }
  ++place->sessions;
  *slot = place;
  return Status::Ok();
}

void SlotTable::Close(const std::shared_ptr<OpenSlot>& slot) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (--slot->sessions > 0) return;
  // The owner's own writers take no word from now on, and then nobody does.
  slot->actor->Unshare();
  slot->queue->Close();
  free_.push_back(slot->number);
  open_.erase(slot->actor->name());
}

void SlotTable::Stop() {
  const std::lock_guard<std::mutex> lock(mutex_);
  is_stopped_ = true;
  for (const auto& [name, slot] : open_) slot->queue->Close();
}

void SlotTable::EndKeeping() {
  const std::lock_guard<std::mutex> lock(mutex_);
  keeps_words_ = false;
  for (const auto& [name, slot] : open_) slot->queue->EndKeeping();
}

}  // namespace actorkv
