#include "sql/actors/retention_functions.h"

#include <memory>
#include <optional>
#include <string>

#include "kv/reclaim/reclaim.h"
#include "kv/store/retention.h"
#include "kv/store/store.h"
#include "sql/bind/function.h"
#include "sql/bind/target.h"

namespace actorkv {

namespace {

// Owner is the one whose setting an argument means: an actor, or with NULL the
// store.
struct Owner {
  std::shared_ptr<Store> store;
  ActorId actor;  // 0: of the store
};

Status ResolveOwner(const Call& call, int index, Owner* owner) {
  if (call.IsNull(index)) {
    return call.connection()->OpenDefaultStore(StoreUse::kOwnWrite,
                                               &owner->store);
  }
  std::string name;
  Target target;
  std::shared_ptr<const HeadState> state;
  if (Status s = call.Text(index, "actor", &name); !s.ok()) return s;
  if (Status s =
          ResolveTarget(call.connection(), name, StoreUse::kOwnWrite, &target);
      !s.ok()) {
    return s;
  }
  // Settings belong to the id of an actor and go with it: a name without an
  // actor cannot have one.
  if (Status s = LoadPresent(target, &state); !s.ok()) return s;
  owner->store = target.store;
  owner->actor = state->entry.actor;
  return Status::Ok();
}

Status Change(const Owner& owner, const char* name, uint64_t value,
              uint64_t* previous) {
  const SettingInfo* info = nullptr;
  if (Status s = FindSetting(name, &info); !s.ok()) return s;
  Store* const store = owner.store.get();
  return store->settings()->Set(owner.actor, *info, value, previous);
}

Status RunRetention(Call* call) {
  Owner owner;
  std::string text;
  uint64_t duration_ms = 0;
  uint64_t previous = 0;
  if (Status s = ResolveOwner(*call, 0, &owner); !s.ok()) return s;
  if (Status s = call->Text(1, "the duration", &text); !s.ok()) return s;
  // A duration is a text with its unit: a bare number would be taken for
  // seconds by one and for milliseconds by another.
  if (Status s = ParseDuration(text, &duration_ms); !s.ok()) return s;
  if (Status s = Change(owner, "retention_ms", duration_ms, &previous);
      !s.ok()) {
    return s;
  }
  // What was set before is told in the form in which it can be set again.
  call->result().Text(DurationText(previous));
  return Status::Ok();
}

Status RunQuota(Call* call) {
  Owner owner;
  uint64_t soft_bytes = 0;
  uint64_t hard_bytes = 0;
  if (Status s = ResolveOwner(*call, 0, &owner); !s.ok()) return s;
  if (Status s = call->Count(1, "soft_bytes", &soft_bytes); !s.ok()) return s;
  if (Status s = call->Count(2, "hard_bytes", &hard_bytes); !s.ok()) return s;
  // 0 is no limit. A soft one above the hard one would never be heard of.
  if (hard_bytes != 0 && soft_bytes > hard_bytes) {
    return Status::InvalidArgument("soft_bytes is above hard_bytes");
  }
  const SettingInfo* soft = nullptr;
  const SettingInfo* hard = nullptr;
  if (Status s = FindSetting("quota_soft_bytes", &soft); !s.ok()) return s;
  if (Status s = FindSetting("quota_hard_bytes", &hard); !s.ok()) return s;
  Store* const store = owner.store.get();
  Settings previous;
  // Both in one commit: nobody sees the new one of the two beside the old one
  // of the other.
  if (Status s = store->settings()->SetAll(
          owner.actor, {{soft, soft_bytes}, {hard, hard_bytes}}, &previous);
      !s.ok()) {
    return s;
  }
  call->result().Int(previous.quota_hard_bytes);
  return Status::Ok();
}

Status RunSet(Call* call) {
  Owner owner;
  std::string name;
  uint64_t value = 0;
  uint64_t previous = 0;
  if (Status s = ResolveOwner(*call, 2, &owner); !s.ok()) return s;
  if (Status s = call->Text(0, "the name", &name); !s.ok()) return s;
  if (Status s = call->Count(1, "the value", &value); !s.ok()) return s;
  if (Status s = Change(owner, name.c_str(), value, &previous); !s.ok()) {
    return s;
  }
  call->result().Int(previous);
  return Status::Ok();
}

// Logs that history is held because of the clock. An explicit call goes on even
// so: its caller knows better than the clock.
void NoteHold(Store* store) {
  const HistoryHold hold = store->clock()->Look();
  if (hold.left_us == 0) return;
  sqlite3_log(SQLITE_NOTICE, "actorkv: actorkv_reclaim() of %s goes on: %s",
              store->path().c_str(), hold.Describe().c_str());
}

Status RunReclaim(Call* call) {
  Target target;
  std::optional<std::string> name;
  uint64_t bytes = 0;
  if (call->IsNull(0)) {
    if (Status s = call->connection()->OpenDefaultStore(StoreUse::kOwnWrite,
                                                        &target.store);
        !s.ok()) {
      return s;
    }
  } else {
    if (Status s = ResolveActor(*call, StoreUse::kOwnWrite, &target); !s.ok()) {
      return s;
    }
    name = target.actor;
  }
  const auto keep_on = [call]() -> Status {
    if (!call->connection()->Interrupted()) return Status::Ok();
    return Status::Interrupted("interrupted; what was removed stays removed");
  };
  NoteHold(target.store.get());
  if (Status s = ReclaimAll(target.store.get(), name, keep_on, &bytes);
      !s.ok()) {
    return s;
  }
  // Durable when it returns, as others are.
  if (Status s = target.engine()->Sync(); !s.ok()) return s;
  call->result().Int(bytes);
  return Status::Ok();
}

Status RunUndelete(Call* call) {
  Target target;
  TxId txid;
  if (Status s = ResolveActor(*call, StoreUse::kOwnWrite, &target); !s.ok()) {
    return s;
  }
  if (Status s = UndeleteActor(target.store.get(), target.actor, &txid);
      !s.ok()) {
    return s;
  }
  call->result().Int(txid.value);
  return Status::Ok();
}

Status RunPurge(Call* call) {
  Target target;
  uint64_t bytes = 0;
  if (Status s = ResolveActor(*call, StoreUse::kOwnWrite, &target); !s.ok()) {
    return s;
  }
  // A purge is final, of a live actor as well: what delete keeps for the
  // retention goes at once.
  if (Status s = PurgeActor(target.store.get(), target.actor, &bytes);
      !s.ok()) {
    return s;
  }
  call->result().Int(bytes);
  return Status::Ok();
}

constexpr FunctionSpec kRetention = {
    "actorkv_retention", "actor or NULL, duration", 2, 2, Effects::kStore,
    RunRetention};
constexpr FunctionSpec kQuota = {"actorkv_quota",
                                 "actor or NULL, soft_bytes, hard_bytes",
                                 3,
                                 3,
                                 Effects::kStore,
                                 RunQuota};
constexpr FunctionSpec kSet = {
    "actorkv_set", "name, value[, actor]", 2, 3, Effects::kStore, RunSet};
constexpr FunctionSpec kReclaim = {"actorkv_reclaim", "[actor]", 0, 1,
                                   Effects::kStore,   RunReclaim};
constexpr FunctionSpec kUndelete = {"actorkv_undelete", "actor",    1, 1,
                                    Effects::kStore,    RunUndelete};
constexpr FunctionSpec kPurge = {"actorkv_purge", "actor", 1, 1,
                                 Effects::kStore, RunPurge};

}  // namespace

int RegisterRetentionFunctions(Connection* connection) {
  return RegisterFunctions<kRetention, kQuota, kSet, kReclaim, kUndelete,
                           kPurge>(connection);
}

}  // namespace actorkv
