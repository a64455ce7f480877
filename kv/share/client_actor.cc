#include "kv/share/client_actor.h"

#include <optional>
#include <utility>

#include "kv/share/client_word.h"
#include "kv/share/head_fields.h"
#include "kv/store/actor.h"

namespace actorkv {

ClientActor::ClientActor(std::shared_ptr<ClientSession> session,
                         const std::string& name)
    : session_(std::move(session)),
      place_(std::make_shared<ActorPlace>(name)),
      word_(std::make_shared<ClientWord>(session_, place_)) {
  session_->AddPlace(place_);
}

ClientActor::~ClientActor() {
  // What the parent has open, a child of fork() lets be.
  if (session_->is_of_parent()) return;
  session_->RemovePlace(place_.get());
  place_->Close();
}

Status ClientActor::LoadHead(const std::shared_ptr<const HeadState>& known,
                             const Pin* pin, NewestHead* head) {
  const uint32_t number = pin == nullptr ? kNoPin : pin->number();
  NewestHead newest;
  Status s =
      session_->AskOwner([&](OwnerSession* owner, ClientChannel* channel) {
        return LoadAt(owner, channel, known, number, &newest);
      });
  if (s.ok()) *head = std::move(newest);
  return s;
}

Status ClientActor::OpenAndLoad(OwnerSession* owner, ClientChannel* channel,
                                uint32_t pin, NewestHead* head) {
  OpenAnswer answer;
  if (Status s =
          place_->Open(owner, channel, session_->patience(), pin, &answer);
      !s.ok()) {
    return s;
  }
  head->version = answer.head_seq;
  return StateOf(answer.head, place_->name(), &head->state);
}

Status ClientActor::LoadAt(OwnerSession* owner, ClientChannel* channel,
                           const std::shared_ptr<const HeadState>& known,
                           uint32_t pin, NewestHead* head) {
  const std::optional<uint32_t> slot = place_->SlotAt(owner);
  if (!slot.has_value()) return OpenAndLoad(owner, channel, pin, head);
  HeadRequest request;
  request.slot = *slot;
  request.pin = pin;
  // What has no head is told anew each time.
  const bool is_known = known != nullptr && known->exists;
  if (is_known) {
    request.known_branch = known->head.snapshot.branch;
    request.known_txid = known->head.snapshot.txid;
  }
  HeadAnswer answer;
  if (Status s = channel->Ask(request, session_->patience(), &answer);
      !s.ok()) {
    return s;
  }
  head->version = answer.head_seq;
  if (answer.head.has_value()) {
    if (is_known) head->changed_pages = std::move(answer.changed_pages);
    return StateOf(*answer.head, place_->name(), &head->state);
  }
  if (!is_known) {
    return Status::Corruption(
        "the owner of the store gave no head where none is known: actor=" +
        place_->name());
  }
  head->state = known;
  return Status::Ok();
}

}  // namespace actorkv
