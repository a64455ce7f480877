#include "sql/bind/target.h"

#include <filesystem>
#include <system_error>

#include "kv/format/counters.h"
#include "kv/format/database_header.h"
#include "kv/pages/branch_reader.h"
#include "kv/process/engines.h"
#include "kv/store/actor_name.h"
#include "kv/store/store.h"
#include "vfs/sqlite/actor_path.h"

namespace actorkv {

Engine* Target::engine() const { return store->engine(); }

const std::string& Target::store_path() const { return store->path(); }

WorkMeter Target::BeginWork(WorkKind what) const {
  return store->BeginWork(what, actor);
}

Status Target::Open(std::shared_ptr<Actor>* opened) const {
  return store->OpenActor(actor, opened);
}

Status ResolveTarget(Connection* connection, const std::string& argument,
                     StoreUse use, Target* target) {
  Target resolved;
  // A name of an actor has no slash, so a slash tells a path from a name.
  if (argument.find('/') == std::string::npos) {
    resolved.actor = argument;
    if (Status s = CheckActorName(argument); !s.ok()) return s;
    if (!connection->store_path().empty()) {
      // The actor is noted before the store is opened, so that the error of
      // that is the actor's, too.
      connection->NoteTarget(FullName({connection->store_path(), argument}));
    }
    if (Status s = connection->OpenDefaultStore(use, &resolved.store);
        !s.ok()) {
      return s;
    }
    // The name is known by now only where the store is that of main.
    if (connection->store_path().empty()) {
      connection->NoteTarget(FullName({resolved.store_path(), argument}));
    }
  } else {
    ActorPath path;
    // Functions of the operating system would end the path there, and mean
    // another actor.
    if (argument.find('\0') != std::string::npos) {
      return Status::InvalidArgument("actor name has a NUL byte");
    }
    if (Status s = ResolveActorPath(argument, &path); !s.ok()) return s;
    resolved.actor = path.actor;
    connection->NoteTarget(FullName(path));
    if (Status s = connection->OpenStore(path.store, use, &resolved.store);
        !s.ok()) {
      return s;
    }
  }
  *target = std::move(resolved);
  return Status::Ok();
}

std::string TargetName(const Target& target) {
  return "actor=" + target.actor + " store=" + target.store_path();
}

// The catalog is asked and the actor is not opened: who has one open keeps it
// from being renamed or deleted.
Status LoadPresent(const Target& target,
                   std::shared_ptr<const HeadState>* state) {
  std::unique_ptr<EngineReader> reader = target.engine()->NewReader();
  std::shared_ptr<const HeadState> loaded;
  if (Status s = LoadHeadState(reader.get(), target.actor, &loaded); !s.ok()) {
    return s;
  }
  if (!loaded->exists && !loaded->is_legacy) {
    return Status::NotFound("no such actor: " + TargetName(target));
  }
  *state = std::move(loaded);
  return Status::Ok();
}

Status AbsolutePath(const std::string& path, std::string* absolute) {
  if (path.empty()) return Status::InvalidArgument("the path is empty");
  if (path.find('\0') != std::string::npos) {
    return Status::InvalidArgument("the path has a NUL byte");
  }
  // A path with a scheme would become a directory of that name: an error says
  // that no engine has it.
  if (Status s = CheckScheme(path); !s.ok()) return s;
  std::error_code error;
  const std::filesystem::path made = std::filesystem::absolute(path, error);
  if (error) {
    return Status::IOError("cannot resolve " + path + ": " + error.message());
  }
  *absolute = made.string();
  return Status::Ok();
}

uint32_t SchemaCookie(const Target& target, const HeadState& state) {
  const Snapshot& snapshot = state.head.snapshot;
  if (snapshot.page_count > 0) {
    BranchReader reader(target.engine());
    reader.SetSnapshot(snapshot, state.lineage);
    std::string page(snapshot.page_size, '\0');
    if (reader.ReadPage(1, page.data()).ok()) return ParseHeader(page).cookie;
  }
  return UnknownCounter(state.entry.cookie_floor, snapshot.txid);
}

Status ResolveActor(const Call& call, StoreUse use, Target* target) {
  std::string actor;
  if (Status s = call.Text(0, "actor", &actor); !s.ok()) return s;
  return ResolveTarget(call.connection(), actor, use, target);
}

Status FindStorePlace(const std::string& path, std::string* place) {
  std::string absolute;
  if (Status s = AbsolutePath(path, &absolute); !s.ok()) return s;
  EngineHome* home = nullptr;
  if (Status s = FindHome(absolute, &home); !s.ok()) return s;
  std::string canonical;
  if (Status s = home->Canonical(absolute, &canonical); !s.ok()) return s;
  if (Status s = home->Check(canonical); !s.ok()) return s;
  *place = std::move(canonical);
  return Status::Ok();
}

}  // namespace actorkv
