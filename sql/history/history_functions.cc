#include "sql/history/history_functions.h"

#include <memory>
#include <string>
#include <vector>

#include "kv/history/point.h"
#include "kv/history/restore.h"
#include "kv/history/restore_points.h"
#include "sql/bind/function.h"
#include "sql/bind/target.h"

namespace actorkv {

namespace {

// SQLite takes 127 arguments at most (SQLITE_MAX_FUNCTION_ARG, "Limits In
// SQLite").
constexpr int kMaxSetActors = 126;  // arguments of a function, less the point

// Points are texts, txids as well: ParsePoint() is the one place that knows
// what they mean.
Status PointArgument(const Call& call, int index, Point* point) {
  std::string text;
  if (Status s = call.Text(index, "the point", &text); !s.ok()) return s;
  return ParsePoint(text, point);
}

Status RunRestorePoint(Call* call) {
  Target target;
  std::string name;
  uint64_t ttl_ms = 0;
  TxId txid;
  if (Status s = ResolveActor(*call, StoreUse::kOwnWrite, &target); !s.ok()) {
    return s;
  }
  if (Status s = call->Text(1, "the name", &name); !s.ok()) return s;
  if (!call->IsNull(2)) {
    // 0, or none, is a point that stays until it is dropped.
    if (Status s = call->Count(2, "ttl_ms", &ttl_ms); !s.ok()) return s;
  }
  if (Status s = MakeRestorePoint(target.store.get(), target.actor, name,
                                  ttl_ms, &txid);
      !s.ok()) {
    return s;
  }
  call->result().Int(txid.value);
  return Status::Ok();
}

Status RunDropRestorePoint(Call* call) {
  Target target;
  std::string name;
  TxId txid;
  if (Status s = ResolveActor(*call, StoreUse::kOwnWrite, &target); !s.ok()) {
    return s;
  }
  if (Status s = call->Text(1, "the name", &name); !s.ok()) return s;
  if (Status s =
          DropRestorePoint(target.store.get(), target.actor, name, &txid);
      !s.ok()) {
    return s;
  }
  call->result().Int(txid.value);
  return Status::Ok();
}

Status RunRestore(Call* call) {
  Target target;
  Point point;
  std::vector<TxId> txids;
  if (Status s = ResolveActor(*call, StoreUse::kOwnWrite, &target); !s.ok()) {
    return s;
  }
  if (Status s = PointArgument(*call, 1, &point); !s.ok()) return s;
  if (Status s = RestoreActors(target.store, {target.actor}, point, &txids);
      !s.ok()) {
    return s;
  }
  // The txid is that of the commit which the restore made.
  call->result().Int(txids[0].value);
  return Status::Ok();
}

Status RunUndoRestore(Call* call) {
  Target target;
  TxId txid;
  if (Status s = ResolveActor(*call, StoreUse::kOwnWrite, &target); !s.ok()) {
    return s;
  }
  if (Status s = UndoRestore(target.store, target.actor, &txid); !s.ok()) {
    return s;
  }
  call->result().Int(txid.value);
  return Status::Ok();
}

Status RunRestoreSet(Call* call) {
  Point point;
  if (Status s = PointArgument(*call, 0, &point); !s.ok()) return s;
  Target first;
  std::vector<std::string> actors;
  // Every name is resolved before the first actor is moved: one that is wrong
  // changes nothing.
  for (int i = 1; i < call->arg_count(); ++i) {
    std::string name;
    Target target;
    if (Status s = call->Text(i, "actor", &name); !s.ok()) return s;
    if (Status s = ResolveTarget(call->connection(), name, StoreUse::kOwnWrite,
                                 &target);
        !s.ok()) {
      return s;
    }
    // All or none holds within one engine commit, and that is of one store.
    if (first.store != nullptr && first.store != target.store) {
      return Status::InvalidArgument(
          "actors of two stores cannot be restored in one commit: " +
          first.store_path() + " and " + target.store_path());
    }
    first = target;
    actors.push_back(target.actor);
  }
  std::vector<TxId> txids;
  if (Status s = RestoreActors(first.store, actors, point, &txids); !s.ok())
    return s;
  call->result().Int(txids.size());
  return Status::Ok();
}

Status RunFork(Call* call) {
  Target target;
  ForkSpec spec;
  TxId txid;
  if (Status s = ResolveActor(*call, StoreUse::kOwnWrite, &target); !s.ok()) {
    return s;
  }
  // A fork is in the store of its parent, whose pages it goes on reading.
  spec.actor = target.actor;
  if (Status s = call->Text(1, "the new name", &spec.fork); !s.ok()) return s;
  if (!call->IsNull(2)) {
    if (Status s = PointArgument(*call, 2, &spec.point); !s.ok()) return s;
  }
  if (Status s = ForkActor(target.store, spec, &txid); !s.ok()) return s;
  call->result().Int(txid.value);
  return Status::Ok();
}

constexpr FunctionSpec kRestorePoint = {
    "actorkv_restore_point", "actor, name [, ttl_ms]", 2, 3,
    Effects::kStore,         RunRestorePoint};
constexpr FunctionSpec kDropRestorePoint = {
    "actorkv_drop_restore_point", "actor, name", 2, 2, Effects::kStore,
    RunDropRestorePoint};
constexpr FunctionSpec kRestore = {"actorkv_restore", "actor, point", 2, 2,
                                   Effects::kStore,   RunRestore};
constexpr FunctionSpec kUndoRestore = {
    "actorkv_undo_restore", "actor", 1, 1, Effects::kStore, RunUndoRestore};
constexpr FunctionSpec kRestoreSet = {
    "actorkv_restore_set", "point, actor, ...", 2,
    kMaxSetActors + 1,     Effects::kStore,     RunRestoreSet};
constexpr FunctionSpec kFork = {
    "actorkv_fork", "actor, new_name [, point]", 2, 3, Effects::kStore,
    RunFork};

}  // namespace

int RegisterHistoryFunctions(Connection* connection) {
  return RegisterFunctions<kRestorePoint, kDropRestorePoint, kRestore,
                           kUndoRestore, kRestoreSet, kFork>(connection);
}

}  // namespace actorkv
