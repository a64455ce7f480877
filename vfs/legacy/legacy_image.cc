#include "vfs/legacy/legacy_image.h"

#include <utility>

#include "kv/legacy/legacy_lease.h"
#include "kv/process/running_work.h"
#include "kv/rivet/layout_view.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

// PresentPairs: the stored pairs, as long as they are there.
class PresentPairs : public PairReader {
 public:
  PresentPairs(const std::shared_ptr<Store>& store, const LegacyActor& actor)
      : store_(store),
        name_(actor.name),
        legacy_(actor.record.legacy),
        pairs_(store->engine(), actor.record.legacy) {}

  Status Get(std::string_view key, std::optional<std::string>* value) override {
    if (Status s = pairs_.Get(key, value); !s.ok()) return s;
    // A pair that is there was not dropped when it was read, so only a missing
    // one needs the look at the record.
    return value->has_value() ? Status::Ok() : CheckPresent();
  }

  Status Seek(std::string_view key, std::optional<KeyValue>* pair) override {
    if (Status s = pairs_.Seek(key, pair); !s.ok()) return s;
    // Whoever seeks asks for a chunk by its key: another one behind it may be
    // what a drop left.
    const bool found = pair->has_value() && (*pair)->key == key;
    return found ? Status::Ok() : CheckPresent();
  }

 private:
  // Looks at the record, which a drop marks before it removes a pair
  // (kv/legacy/legacy_store.h).
  Status CheckPresent() {
    LegacyActor now;
    Status s = LoadKeptPairs(store_->engine()->NewReader().get(), name_, &now);
    if (!s.ok() && s.code() != Code::kNotFound) return s;
    if (s.ok() && now.record.legacy == legacy_ &&
        now.record.dropped_at_us == 0) {
      return s;
    }
    // No damage: the pairs went because somebody asked for it, and the actor
    // has its database elsewhere.
    return Status::IOError(
        "the legacy pairs went while they were read: open the actor again: "
        "actor=" +
        name_);
  }

  const std::shared_ptr<Store> store_;
  const std::string name_;
  const LegacyId legacy_;
  LegacyPairs pairs_;
};

// NoPairs: what an opaque actor has of a database.
class NoPairs : public PairReader {
 public:
  Status Get(std::string_view /*key*/,
             std::optional<std::string>* value) override {
    value->reset();
    return Status::Ok();
  }
  Status Seek(std::string_view /*key*/,
              std::optional<KeyValue>* pair) override {
    pair->reset();
    return Status::Ok();
  }
};

// ImageOfActor: an image and what it reads from, which ends after it.
struct ImageOfActor {
  ImageOfActor(const std::shared_ptr<Store>& store, const LegacyActor& actor)
      : stored(store, actor), view(&stored), opaque(actor.record.opaque()) {}

  PairReader* pairs() {
    if (opaque) return &none;
    return &view;
  }

  PresentPairs stored;
  LayoutOneView view;
  NoPairs none;
  const bool opaque;
  std::unique_ptr<RecoveredImage> image;
};

}  // namespace

Status RecoverActor(const std::shared_ptr<Store>& store,
                    const LegacyActor& actor, const RecoveryOptions& options,
                    std::shared_ptr<RecoveredImage>* image) {
  if (actor.record.dropped_at_us != 0) {
    return Status::InvalidArgument(
        "its legacy pairs of SQLite were dropped: actor=" + actor.name);
  }
  auto made = std::make_shared<ImageOfActor>(store, actor);
  if (Status s = Recover(made->pairs(), options, &made->image); !s.ok()) {
    return s.WithContext("actor=" + actor.name);
  }
  RecoveredImage* const recovered = made->image.get();
  // The pointer is to the image and owns all that it reads from.
  *image = std::shared_ptr<RecoveredImage>(made, recovered);
  return Status::Ok();
}

Status OpenKeptImage(const std::shared_ptr<Store>& store,
                     const std::string& name,
                     std::shared_ptr<RecoveredImage>* image) {
  LegacyActor actor;
  if (Status s =
          LoadKeptPairs(store->engine()->NewReader().get(), name, &actor);
      !s.ok()) {
    return s;
  }
  RecoveryOptions options;
  options.quick_check = false;
  return RecoverActor(store, actor, options, image);
}

Status OpenLegacyImage(const std::shared_ptr<Store>& store,
                       const std::string& name, const OpenWait* wait,
                       std::shared_ptr<RecoveredImage>* image) {
  for (;;) {
    LegacyActor actor;
    if (Status s = LoadLegacy(store->engine()->NewReader().get(), name, &actor);
        !s.ok()) {
      return s;
    }
    if (actor.record.state == LegacyState::kLive) return Status::Ok();
    // A migration that died has left its state, and a lease that is free: then
    // nothing is under way.
    const bool under_way = actor.record.state == LegacyState::kImporting &&
                           !CheckLeaseIsFree(store.get(), actor).ok();
    if (!under_way || wait == nullptr) {
      RecoveryOptions options;
      // An open must not read the whole database. SQLite meets damage when it
      // reads it, as in any file.
      options.quick_check = false;
      return RecoverActor(store, actor, options, image);
    }
    if (wait->IsOver()) {
      return Status::Busy(
          std::string("the actor is being migrated, phase ") +
          MigrationPhase(store->path(), actor) +
          ": open it later, or with mode=ro for its legacy form: actor=" +
          name);
    }
    if (Status s = wait->Pause(); !s.ok()) return s;
  }
}

}  // namespace actorkv
