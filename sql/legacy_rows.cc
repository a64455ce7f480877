#include "sql/legacy_rows.h"

#include <utility>

#include "kv/catalog.h"

namespace actorkv {

LegacyWalk::LegacyWalk(std::shared_ptr<Store> store,
                       std::optional<std::string> only)
    : store_(std::move(store)),
      only_(std::move(only)),
      next_name_(only_.value_or("")) {}

Status LegacyWalk::Next(LegacyActor* actor, bool* found, Status* damage) {
  *found = false;
  for (;;) {
    std::string name;
    bool more = false;
    std::shared_ptr<const HeadState> state;
    const Status listed =
        NextActor(store_.get(), next_name_, &more, &name, &state);
    if (!more) return name.empty() ? listed : Status::Ok();
    if (only_.has_value() && name != *only_) return Status::Ok();
    next_name_ = NameAfter(name);
    if (listed.ok() && !state->exists && !state->is_legacy) continue;
    const std::unique_ptr<EngineReader> reader = store_->engine()->NewReader();
    Status loaded =
        listed.ok() ? LoadLegacy(reader.get(), name, actor) : listed;
    if (loaded.code() == Code::kNotFound) continue;
    const bool damaged = loaded.code() == Code::kCorruption ||
                         loaded.code() == Code::kNotSupported;
    if (!loaded.ok() && !damaged) return loaded;
    if (damaged && damage == nullptr) continue;
    if (damage != nullptr) *damage = loaded;
    actor->name = name;
    *found = true;
    return Status::Ok();
  }
}

}  // namespace actorkv
