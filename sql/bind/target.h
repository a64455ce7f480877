// Target: the actor that an argument of a function or table means: a name in
// the default store of the connection, or STORE/ACTOR.

#ifndef ACTORKV_SQL_BIND_TARGET_H_
#define ACTORKV_SQL_BIND_TARGET_H_

#include <memory>
#include <string>

#include "kv/base/work_meter.h"
#include "kv/engine/engine.h"
#include "kv/store/actor.h"
#include "sql/bind/connection.h"
#include "sql/bind/function.h"

namespace actorkv {

class Store;

struct Target {
  std::shared_ptr<Store> store;
  std::string actor;

  // Of the store.
  Engine* engine() const;
  const std::string& store_path() const;

  // Has work on it shown from now on, here and to other processes; without an
  // actor, work on no single one. The store stays open as long.
  WorkMeter BeginWork(WorkKind what) const;

  // Store::OpenActor() of it.
  Status Open(std::shared_ptr<Actor>* opened) const;
};

// Finds the actor that `argument` means, which need not exist. Errors:
// kInvalidArgument for a name that no actor can have, and where there is no
// default store; those of StoreRegistry::Acquire().
Status ResolveTarget(Connection* connection, const std::string& argument,
                     StoreUse use, Target* target);

// Loads the actor as the store has it now, without opening it, so that it may
// be deleted after. A legacy one has no head. Errors: kNotFound, naming actor
// and store.
Status LoadPresent(const Target& target,
                   std::shared_ptr<const HeadState>* state);

// Returns the schema cookie of the actor. SQLite knows by it that a schema
// changed, so an actor that takes the name later must begin above this one
// (vfs/actor/transaction.h). Where page 1 cannot be read it is a bound
// (kv/format/counters.h).
uint32_t SchemaCookie(const Target& target, const HeadState& state);

// Finds the actor that the first argument of a function names.
Status ResolveActor(const Call& call, StoreUse use, Target* target);

// Returns "actor=alice store=/srv/demo.store".
std::string TargetName(const Target& target);

// Makes `path` independent of what later becomes the current directory. Errors:
// kInvalidArgument for an empty one and one with a NUL byte.
Status AbsolutePath(const std::string& path, std::string* absolute);

// Finds the one name of a place where a store is, or can be made. Errors: those
// of AbsolutePath() and of EngineHome::Check(), so that a path that is wrong is
// told where it is said.
Status FindStorePlace(const std::string& path, std::string* place);

}  // namespace actorkv

#endif  // ACTORKV_SQL_BIND_TARGET_H_
