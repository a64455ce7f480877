// The actors of a store by name, for tables with rows of each:
//
//   ActorWalk    every name of the catalog, deleted actors included
//   LegacyWalk   those that have a legacy record
//
// All of them in the order of their names (byte order), or the one that a
// WHERE asks for. Nothing is listed ahead: each step is a look-up of its own,
// so memory is bounded, the walk sees actors that come while it goes, and no
// reader of the engine is held between two steps.
//
// One actor that cannot be read says nothing of the others: its name is in the
// catalog, so a walk can go on behind it. Its table says what becomes of it: a
// row with what is known; nothing, where an actor may have no rows anyway; or
// an error, where a list would be taken to be complete. actorkv_verify has the
// details.

#ifndef ACTORKV_SQL_BIND_ACTOR_WALK_H_
#define ACTORKV_SQL_BIND_ACTOR_WALK_H_

#include <memory>
#include <optional>
#include <string>

#include "kv/engine/engine.h"
#include "kv/legacy/legacy_store.h"
#include "kv/store/actor.h"

namespace actorkv {

class Store;

// What is stored does not decode, or is of a newer format. Other errors are of
// the machine, and may not come again.
bool IsDamage(const Status& status);

class ActorWalk {
 public:
  // With `only` no other name is found.
  explicit ActorWalk(std::shared_ptr<Store> store,
                     std::optional<std::string> only = std::nullopt);

  const std::shared_ptr<Store>& store() const { return store_; }
  Engine* engine() const;
  const std::string& store_path() const;

  // Goes to the next actor, the first at the first call. *found is false past
  // the last. Errors: those of the engine, when the next name cannot be found.
  Status Next(bool* found);

  // Goes to the next actor as Next() does, but fails where it cannot be read.
  Status NextReadable(bool* found);

  // These describe the actor that was found, until the next call.
  const std::string& name() const { return name_; }
  // Says whether its state could be read, and if not, why: damage, or kIOError.
  const Status& status() const { return status_; }
  // The state of an actor that could not be read says that nothing exists.
  const HeadState& state() const {
    return state_ != nullptr ? *state_ : nothing_;
  }
  // Says whether the actor was read, and is neither live nor legacy.
  bool is_deleted() const {
    return status_.ok() && !state().exists && !state().is_legacy;
  }

 private:
  const std::shared_ptr<Store> store_;
  const std::optional<std::string> only_;
  std::string next_name_;
  std::string name_;
  Status status_;
  std::shared_ptr<const HeadState> state_;  // null: could not be read
  const HeadState nothing_{};
};

class LegacyWalk {
 public:
  // With `only` no other name is found.
  LegacyWalk(std::shared_ptr<Store> store, std::optional<std::string> only);

  const std::shared_ptr<Store>& store() const { return walk_.store(); }
  Engine* engine() const { return walk_.engine(); }

  // Goes to the next one; *found is false past the last. Where the records of
  // an actor are damaged, so that it may be a legacy one, *damage says how and
  // only the name is set; without `damage` such an actor is passed over.
  // Errors: kIOError.
  Status Next(LegacyActor* actor, bool* found, Status* damage = nullptr);

 private:
  ActorWalk walk_;
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_BIND_ACTOR_WALK_H_
