#include "vfs/actor/open_actor.h"

#include <chrono>
#include <memory>
#include <new>
#include <string>

#include "kv/base/events.h"
#include "kv/base/metrics.h"
#include "kv/history/point.h"
#include "kv/process/open_wait.h"
#include "kv/process/store_registry.h"
#include "kv/store/store.h"
#include "vfs/actor/actor_file.h"
#include "vfs/actor/damage_notice.h"
#include "vfs/actor/plain_name.h"
#include "vfs/actor/vfs_name.h"
#include "vfs/legacy/legacy_image.h"
#include "vfs/legacy/recovered_file.h"
#include "vfs/sqlite/actor_path.h"
#include "vfs/sqlite/default_vfs.h"
#include "vfs/sqlite/sqlite_error.h"
#include "vfs/sqlite/uri.h"

namespace actorkv {

namespace {

// Returns how the store of a main database is opened.
OpenMode StoreMode(bool read_only, int flags, bool may_create_store) {
  if (read_only) return OpenMode::kFollow;
  const bool create = (flags & SQLITE_OPEN_CREATE) != 0 && may_create_store;
  return create ? OpenMode::kCreate : OpenMode::kExisting;
}

// The actor that is opened, and how.
struct OpenPlan {
  ActorPath path;
  OpenMode mode = OpenMode::kFollow;
  bool named_vfs = false;
  OpenWait wait;
};

Status AcquireStore(const char* name, const OpenPlan& plan,
                    std::shared_ptr<Store>* store) {
  Status s = StoreRegistry::Instance()->Acquire(plan.path.store, plan.mode,
                                                plan.wait, store);
  if (s.ok()) TellDamage(store->get());
  // A store that is busy is one: there the advice below would lead astray.
  if (s.ok() || plan.named_vfs || s.code() == Code::kBusy) return s;
  // On a connection whose main database is an actor, SQLite hands names
  // without a VFS to ours too, as in ATTACH 'x.db' and VACUUM INTO 'x.db'.
  // They make no store, nor do those of a driver that names the VFS beside the
  // path.
  return s.WithContext(std::string("to open a plain file here write 'file:") +
                       name + "?vfs=" + BaseVfsName() +
                       "', to make a store 'file:" + name + "?vfs=" + kVfsName +
                       "'");
}

// An actor that is being renamed or deleted cannot be opened for a moment: that
// is waited for.
Status OpenActorOf(Store* store, const OpenPlan& plan,
                   std::shared_ptr<Actor>* actor) {
  for (;;) {
    // The clock is read before the try, so that one try comes after the wait is
    // over.
    const bool is_last = plan.wait.IsOver();
    Status s = store->OpenActor(plan.path.actor, actor);
    if (s.code() != Code::kBusy || is_last) return s;
    if (Status paused = plan.wait.Pause(); !paused.ok()) return paused;
  }
}

// A deleted actor has its past, too, as long as it is not purged.
Status FindVersion(Store* store, const std::string& actor,
                   const std::shared_ptr<const HeadState>& state,
                   const std::string& text, ActorFileOptions* options) {
  Point point;
  if (Status s = ParsePoint(text, &point); !s.ok()) return s;
  if (state->is_legacy) {
    return Status::InvalidArgument(
        "the actor is legacy, it has no commits yet: actor=" + actor);
  }
  if (state->entry_bytes.empty()) {
    return Status::NotFound("no such actor: actor=" + actor +
                            " store=" + store->path());
  }
  // The pin is taken while the point is looked up, so that reclaim cannot
  // remove the version in between.
  options->version_pin = std::make_shared<Pin>();
  return ResolvePoint({store, actor, state}, point, options->version_pin.get(),
                      &options->version);
}

ReadOnly WhyReadOnly(int flags, const UriOptions& uri) {
  if (uri.as_of.has_value()) return ReadOnly::kPast;
  if (uri.legacy_pairs) return ReadOnly::kLegacy;
  if (uri.never_locks) return ReadOnly::kNoLocks;
  return (flags & SQLITE_OPEN_READWRITE) == 0 ? ReadOnly::kMode : ReadOnly::kNo;
}

// Warm opens are a look into memory, of which there may be many thousands a
// second: the time of those is of no interest.
void CountOpen(bool is_cold, const EventTimer& timer) {
  if (!is_cold) return;
  Record(Metric::kColdOpenLatency,
         std::chrono::microseconds(timer.elapsed_us()));
}

void TellFlags(bool read_only, const OpenedFile& opened) {
  if (opened.out_flags == nullptr) return;
  *opened.out_flags =
      read_only
          ? (opened.flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) |
                SQLITE_OPEN_READONLY
          : opened.flags;
}

void ConstructRecovered(std::shared_ptr<RecoveredImage> image,
                        std::shared_ptr<Store> store, ReadOnly read_only,
                        const OpenedFile& opened) {
  TellFlags(true, opened);
  Construct<RecoveredFile>(
      opened.file, std::move(image),
      RecoveredFileOptions{std::move(store), opened.name, read_only});
}

// The actor as it is, and as it is to be opened.
struct FoundActor {
  std::shared_ptr<Actor> actor;
  std::shared_ptr<const HeadState> state;
  bool is_cold = false;  // its head was not in memory
};

Status FindActor(Store* store, const OpenPlan& plan, const UriOptions& uri,
                 int flags, ActorFileOptions* options, FoundActor* found) {
  const ActorPath& path = plan.path;
  Status s = OpenActorOf(store, plan, &found->actor);
  found->is_cold = s.ok() && found->actor->Known() == nullptr;
  if (s.ok()) s = found->actor->Current(&found->state);
  if (s.ok() && uri.as_of.has_value()) {
    s = FindVersion(store, path.actor, found->state, *uri.as_of, options);
    if (!s.ok()) return s;
    found->state = options->version;
  }
  if (!s.ok()) return s;
  const bool there = found->state->exists || found->state->is_legacy;
  if (!there && (flags & SQLITE_OPEN_CREATE) == 0) {
    return Status::NotFound("no such actor: actor=" + path.actor +
                            " store=" + path.store);
  }
  return Status::Ok();
}

// A fork of forks may not have been open when it became deep, so its depth is
// looked at with each open.
void SuggestFlatten(const FoundActor& found, Store* store) {
  const std::shared_ptr<const Lineage>& lineage = found.state->lineage;
  if (lineage != nullptr && lineage->size() > kMaxLineageDepth) {
    store->work()->SuggestFlatten(found.actor);
  }
}

}  // namespace

Status OpenActorFile(OpenedFile opened) {
  OpenPlan plan;
  UriOptions uri;
  Status s = SplitFullName(opened.name, &plan.path);
  if (s.ok()) s = ParseUriOptions(opened.name, &uri);
  if (s.ok()) s = ApplyMode(uri.raw_mode, &opened.flags);
  if (!s.ok()) return s;
  std::shared_ptr<Store> store;
  const EventTimer timer;
  ActorFileOptions options;  // its pin goes before the store does
  options.full_name = opened.name;
  options.never_locks = uri.never_locks;
  options.read_only = WhyReadOnly(opened.flags, uri);
  const bool asked_read_only = options.read_only != ReadOnly::kNo;
  plan.named_vfs = uri.named_vfs || GetDefaultVfs() != DefaultVfs::kBase;
  plan.mode = StoreMode(asked_read_only, opened.flags, plan.named_vfs);
  if (!asked_read_only) plan.wait = OpenWait(uri.open_timeout);
  s = AcquireStore(opened.name, plan, &store);
  if (s.ok() && store->read_only()) s = store->CatchUp();
  if (!s.ok()) return s;
  FoundActor found;
  std::shared_ptr<RecoveredImage> legacy;
  if (uri.legacy_pairs) {
    s = OpenKeptImage(store, plan.path.actor, &legacy);
  } else {
    s = FindActor(store.get(), plan, uri, opened.flags, &options, &found);
  }
  if (!s.ok()) return s;
  if (found.state != nullptr && found.state->is_legacy) {
    s = OpenLegacyImage(store, plan.path.actor,
                        asked_read_only ? nullptr : &plan.wait, &legacy);
    if (!s.ok()) return s;
  }
  // The directory has an actor, so names in it are ours again.
  ForgetPlainDirectory(FullName(plan.path));
  if (legacy != nullptr) {
    ConstructRecovered(std::move(legacy), std::move(store), options.read_only,
                       opened);
  } else {
    SuggestFlatten(found, store.get());
    TellFlags(asked_read_only, opened);
    Construct<ActorFile>(opened.file, std::move(store), std::move(found.actor),
                         std::move(options));
  }
  CountOpen(found.is_cold, timer);
  EndErrorOfThread();
  return Status::Ok();
}

}  // namespace actorkv
