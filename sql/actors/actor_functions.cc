#include "sql/actors/actor_functions.h"

#include <memory>
#include <string>

#include "kv/pages/commit.h"
#include "kv/store/catalog.h"
#include "sql/bind/function.h"
#include "sql/bind/target.h"

namespace actorkv {

namespace {

constexpr char kOfWriter[] = "writer";

Status Delete(Call* call) {
  Target target;
  TxId txid;
  if (Status s = ResolveActor(*call, StoreUse::kOwnWrite, &target); !s.ok())
    return s;
  if (Status s = DeleteActor(
          target.store.get(), target.actor,
          // The cookie is read where the actor is looked at, so that it is that
          // of the head which is deleted.
          [&](const HeadState& state) { return SchemaCookie(target, state); },
          &txid);
      !s.ok()) {
    return s;
  }
  call->result().Int(txid.value);
  return Status::Ok();
}

Status Rename(Call* call) {
  Target target;
  std::string new_name;
  if (Status s = ResolveActor(*call, StoreUse::kOwnWrite, &target); !s.ok())
    return s;
  // The new name is in the store of the old one: a rename moves an entry of the
  // catalog and no pages.
  if (Status s = call->Text(1, "the new name", &new_name); !s.ok()) return s;
  if (Status s = RenameActor(target.store.get(), target.actor, new_name);
      !s.ok()) {
    return s;
  }
  call->result().Int(1);
  return Status::Ok();
}

// Fences nobody: whoever was writing may go on, and is refused where another
// one has committed meanwhile.
Status TakeWriterAway(Call* call, Actor* actor) {
  std::string what;
  if (Status s = call->Text(1, "the second argument", &what); !s.ok()) return s;
  if (what != kOfWriter) {
    return Status::InvalidArgument(
        "the second argument is 'writer', or there is none: " + what);
  }
  std::shared_ptr<const HeadState> state;
  if (Status s = actor->Current(&state); !s.ok()) return s;
  if (!state->exists) {
    return Status::NotFound("no such actor: actor=" + actor->name());
  }
  call->result().Int(actor->TakeWriterAway() ? 1 : 0);
  return Status::Ok();
}

Status RaiseGeneration(Call* call) {
  Target target;
  std::shared_ptr<Actor> actor;
  Generation generation;
  if (Status s = ResolveActor(*call, StoreUse::kOwnWrite, &target); !s.ok())
    return s;
  // The actor is opened, as its other connections in this process are to be
  // fenced as well.
  if (Status s = target.Open(&actor); !s.ok()) {
    return s;
  }
  if (!call->IsNull(1)) return TakeWriterAway(call, actor.get());
  if (Status s = TakeOver(target.store.get(), actor.get(), &generation);
      !s.ok()) {
    return s;
  }
  call->result().Int(generation.value);
  return Status::Ok();
}

constexpr FunctionSpec kDelete = {"actorkv_delete", "actor", 1, 1,
                                  Effects::kStore,  Delete};
constexpr FunctionSpec kRename = {
    "actorkv_rename", "actor, new_name", 2, 2, Effects::kStore, Rename};
constexpr FunctionSpec kTakeOver = {
    "actorkv_takeover", "actor [, 'writer']", 1, 2,
    Effects::kStore,    RaiseGeneration};

}  // namespace

int RegisterActorFunctions(Connection* connection) {
  return RegisterFunctions<kDelete, kRename, kTakeOver>(connection);
}

}  // namespace actorkv
