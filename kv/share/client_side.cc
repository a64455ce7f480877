#include "kv/share/client_side.h"

#include <utility>

#include "kv/cache/actor_hints.h"
#include "kv/format/keys.h"
#include "kv/format/records.h"
#include "kv/share/actor_messages.h"
#include "kv/share/client_actor.h"
#include "kv/share/client_commit.h"

namespace actorkv {

ClientSide::ClientSide(std::shared_ptr<ClientSession> session)
    : session_(std::move(session)), pins_(session_.get()) {}

std::unique_ptr<ActorSide> ClientSide::NewActor(const std::string& name) {
  return std::make_unique<ClientActor>(session_, name);
}

CommitResult ClientSide::Commit(const Batch& batch, Durability durability,
                                std::vector<MovedHead>* heads) {
  return ClientCommit(session_.get(), durability).Run(batch, heads);
}

Status ClientSide::SendHints(const LearnedHints& learned) {
  // Nobody looks for another owner for the sake of advice.
  if (session_->last_owner()->is_lost()) {
    return Status::Busy("the owner of the store has ended");
  }
  const std::string record = EncodeRecord(HintsKey(), learned.record);
  HintsRequest request;
  request.actor = learned.name;
  request.record = record;
  bool again = false;
  return session_->AskOneOwner(
      OwnerSession::Use::kShort, session_->owner_wait(),
      [&](OwnerSession*, ClientChannel* channel) {
        return channel->Tell(request);
      },
      &again);
}

uint64_t ClientSide::settings_seq() const {
  // A new owner begins anew to count: what it counts to is less than that.
  constexpr int kOwnerShift = 40;
  const uint64_t owner = session_->failover_count() << kOwnerShift;
  return owner + session_->last_owner()->board()->settings_seq();
}

}  // namespace actorkv
