#include "sql/bind/actor_walk.h"

#include <utility>

#include "kv/store/catalog.h"
#include "kv/store/store.h"

namespace actorkv {

bool IsDamage(const Status& status) {
  return status.code() == Code::kCorruption ||
         status.code() == Code::kNotSupported;
}

// --- ActorWalk ---------------------------------------------------------------

ActorWalk::ActorWalk(std::shared_ptr<Store> store,
                     std::optional<std::string> only)
    : store_(std::move(store)),
      only_(std::move(only)),
      next_name_(only_.value_or("")) {}

Engine* ActorWalk::engine() const { return store_->engine(); }

const std::string& ActorWalk::store_path() const { return store_->path(); }

Status ActorWalk::Next(bool* found) {
  *found = false;
  name_.clear();
  status_ = Status::Ok();
  state_.reset();
  // The actor that is wanted was found by an earlier call.
  if (only_.has_value() && next_name_ != *only_) return Status::Ok();
  bool more = false;
  std::string name;
  std::shared_ptr<const HeadState> state;
  // With `more`, an error is that of one actor, and the walk goes on behind it;
  // without, no next name was found.
  Status loaded = NextActor(store_.get(), next_name_, &more, &name, &state);
  if (!more) return loaded;
  // The look-up found the first name from next_name_ on, which may be another.
  if (only_.has_value() && name != *only_) return Status::Ok();
  *found = true;
  next_name_ = NameAfter(name);
  name_ = std::move(name);
  status_ = std::move(loaded);
  state_ = std::move(state);
  return Status::Ok();
}

Status ActorWalk::NextReadable(bool* found) {
  Status s = Next(found);
  return s.ok() ? status_ : s;
}

// --- LegacyWalk --------------------------------------------------------------

LegacyWalk::LegacyWalk(std::shared_ptr<Store> store,
                       std::optional<std::string> only)
    : walk_(std::move(store), std::move(only)) {}

Status LegacyWalk::Next(LegacyActor* actor, bool* found, Status* damage) {
  for (;;) {
    if (Status s = walk_.Next(found); !s.ok() || !*found) return s;
    if (walk_.is_deleted()) continue;
    Status loaded = walk_.status();
    if (loaded.ok()) {
      const auto reader = engine()->NewReader();
      loaded = LoadLegacy(reader.get(), walk_.name(), actor);
    }
    // Most actors have never been legacy.
    if (loaded.code() == Code::kNotFound) continue;
    const bool damaged = IsDamage(loaded);
    if (!loaded.ok() && !damaged) return loaded;
    // A caller that does not ask for damage wants pairs: what cannot be read
    // has none to show.
    if (damaged && damage == nullptr) continue;
    if (damage != nullptr) *damage = loaded;
    actor->name = walk_.name();
    return Status::Ok();
  }
}

}  // namespace actorkv
