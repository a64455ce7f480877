#include "kv/share/client_pins.h"

#include "kv/base/thrown.h"
#include "kv/share/session_messages.h"

namespace actorkv {

PinFields FieldsOfPin(uint32_t number, const Snapshot& snapshot,
                      const Lineage& lineage) {
  PinFields fields;
  fields.pin = number;
  fields.branch = snapshot.branch;
  fields.txid = snapshot.txid;
  fields.page_count = snapshot.page_count;
  fields.page_size = snapshot.page_size;
  fields.lineage.reserve(lineage.size());
  for (const BranchPoint& point : lineage) {
    fields.lineage.push_back({point.actor, point.branch, point.txid});
  }
  return fields;
}

ClientPins::ClientPins(ClientSession* session) : session_(session) {
  // So that none is lost where there is no memory later.
  free_.reserve(kSlatePins);
}

std::atomic<uint32_t>* ClientPins::Take(uint32_t* number) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!free_.empty()) {
    *number = free_.back();
    free_.pop_back();
  } else if (next_ < kSlatePins) {
    *number = next_++;
  } else {
    return nullptr;
  }
  return session_->slate()->word(*number);
}

void ClientPins::GiveBack(uint32_t number) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  free_.push_back(number);
}

void ClientPins::Keep(uint32_t number, const Snapshot& snapshot,
                      const Lineage& lineage) noexcept {
  bool is_kept = false;
  IfMemory([&] {
    PinRequest request;
    request.held = FieldsOfPin(number, snapshot, lineage);
    const Status kept =
        session_->AskOwner([&](OwnerSession*, ClientChannel* channel) {
          DoneAnswer<Op::kPin> answer;
          return channel->Ask(request, session_->patience(), &answer);
        });
    is_kept = kept.ok();
  });
  // Whoever reads by the pin looks whether the commit has expired.
  if (!is_kept) session_->NoteLostPins(1);
}

}  // namespace actorkv
