#include "kv/store/store.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "kv/base/metrics.h"
#include "kv/base/types.h"
#include "kv/cache/actor_hints.h"
#include "kv/cache/page_cache.h"
#include "kv/format/keys.h"
#include "kv/store/actor.h"
#include "kv/store/actor_name.h"
#include "kv/store/commit_runs.h"
#include "kv/store/hints.h"
#include "kv/store/retention.h"
#include "kv/store/store_record.h"
#include "kv/store/store_side.h"

namespace actorkv {

namespace {

bool BeginsAtCommit(const Batch& batch) {
  const auto& guards = batch.guards();
  return std::any_of(guards.begin(), guards.end(), [](const auto& guard) {
    return guard.partition.kind == PartitionKind::kActor &&
           guard.key.substr(0, 1) == CommitPrefix();
  });
}

uint64_t NextCacheId() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

CommitFunction CommitTo(Store* store) {
  return [store](const Batch& batch, Durability durability) {
    return store->Commit(batch, durability);
  };
}

}  // namespace

Store::Store(std::string path, std::unique_ptr<Engine> engine,
             std::unique_ptr<StoreSide> side, bool read_only)
    : path_(std::move(path)),
      read_only_(read_only),
      cache_id_(NextCacheId()),
      side_(std::move(side)),
      engine_(std::move(engine)),
      commit_ids_(engine_->owner()),
      pins_(side_ == nullptr ? nullptr : side_->pins()),
      actors_(engine_.get(), &epoch_,
              engine_->limits().one_process || read_only, side_.get()),
      settings_(std::make_unique<SettingsCache>(
          SettingsCache::StoreParts{engine_.get(), side_.get(), read_only,
                                    CommitTo(this), &history_gate_})),
      hints_(std::make_unique<HintQueue>(engine_.get(), CommitTo(this),
                                         side_.get())),
      work_(/*is_owner=*/!read_only && side_ == nullptr) {
  Add(Metric::kOpenStores);
  if (side_ == nullptr) PageCache::Instance()->NoteOwnStore();
}

Store::~Store() {
  // Nobody finds them any more, as the next store has another id; without this
  // they would only wait to be evicted.
  PageCache::Instance()->DropStore(cache_id_);
  Subtract(Metric::kOpenStores);
}

Status Store::Open(std::string path, std::unique_ptr<Engine> engine,
                   bool read_only, std::shared_ptr<Store>* store) {
  std::shared_ptr<Store> opened(
      new Store(std::move(path), std::move(engine), nullptr, read_only));
  const Engine& shared = *opened->engine_;
  // With one owner an id is a microsecond, and making many actors does not run
  // the clock ahead of the wall.
  if (!shared.limits().one_process && !read_only) {
    opened->clock_.ShareIds(shared.owner().slot);
  }
  if (Status s = Load(opened); !s.ok()) return s;
  *store = std::move(opened);
  return Status::Ok();
}

Status Store::OpenShared(std::string path, std::unique_ptr<Engine> engine,
                         std::unique_ptr<StoreSide> side,
                         std::shared_ptr<Store>* store) {
  std::shared_ptr<Store> opened(new Store(std::move(path), std::move(engine),
                                          std::move(side),
                                          /*read_only=*/false));
  opened->clock_.ShareTime(opened->side_->time(), /*is_owner=*/false);
  if (Status s = Load(opened); !s.ok()) return s;
  *store = std::move(opened);
  return Status::Ok();
}

Status Store::Load(const std::shared_ptr<Store>& opened) {
  std::unique_ptr<EngineReader> reader = opened->engine_->NewReader();
  if (Status s = opened->clock_.Load(reader.get()); !s.ok()) return s;
  // Watching begins before the store record is made, which takes a time
  // already.
  opened->clock_.BeginWatch();
  const bool is_owner = !opened->read_only_ && opened->side_ == nullptr;
  Status found =
      is_owner ? LoadOrMakeStoreRecord(reader.get(), &opened->clock_,
                                       CommitTo(opened.get()), &opened->record_)
               : LoadStoreRecord(reader.get(), &opened->record_);
  if (!found.ok()) return found.WithContext("store=" + opened->path_);
  // What is wrong with them, those say who need them.
  Settings settings;
  Status loaded = LoadSettings(reader.get(), ActorId{}, &settings);
  // A damaged setting must not keep anybody from the actors.
  if (loaded.code() == Code::kIOError) return loaded;
  if (loaded.ok()) ApplySettings(settings, opened->engine());
  return Status::Ok();
}

Status Store::OpenActor(const std::string& name,
                        std::shared_ptr<Actor>* actor) {
  if (Status s = CheckActorName(name); !s.ok()) return s;
  return actors_.Open(name, actor);
}

Status Store::CloseActor(std::shared_ptr<Actor> actor) {
  // Most have nothing to say, and then no state is looked up.
  if (!actor->hints()->is_learning()) {
    static_cast<void>(actors_.Close(std::move(actor)));
    return Status::Ok();
  }
  const std::string name = actor->name();
  const std::shared_ptr<const HeadState> state = actor->Known();
  const Lesson lesson = actors_.Close(std::move(actor));
  if (lesson.learner == nullptr) return Status::Ok();
  // Hints of a writer that was shut out would replace those of the one that
  // took over.
  if (state != nullptr && state->head.generation != lesson.generation) {
    return FencedError(name, lesson.generation, state->head.generation)
        .WithContext("preload hints");
  }
  hints_->Add(lesson.Learned(name));
  return Status::Ok();
}

uint64_t Store::epoch() const {
  return side_ == nullptr ? epoch_.load(std::memory_order_acquire)
                          : side_->lost_pin_count();
}

Status Store::CatchUp() { return engine_->CatchUp(&epoch_); }

bool Store::CanContinueBranch(Actor* actor) {
  return engine_->limits().multi_partition_commit || actor->continues_branch();
}

CommitResult Store::Commit(const Batch& batch, Durability durability,
                           std::vector<MovedHead>* heads) {
  if (side_ != nullptr) {
    CommitResult result = side_->Commit(batch, durability, heads);
    if (result.done()) batch.TellDone();
    return result;
  }
  Gate::Hold hold;
  // A batch that begins at an older commit (restore, fork) must not meet a
  // reclaim that has decided to remove that commit's pages, and not removed its
  // record yet.
  if (BeginsAtCommit(batch)) hold = history_gate_.Keep();
  CommitResult result = engine_->limits().multi_partition_commit
                            ? engine_->Commit(batch, durability)
                            : CommitInRuns(engine_.get(), batch, durability);
  // Only what is there is noted: a limit of the clock that was not written must
  // be written again.
  if (result.done()) batch.TellDone();
  return result;
}

void Store::Close() {
  if (read_only_ || side_ != nullptr) return;
  Batch batch;
  // The limit lies ahead of the time; with the exact one the next open does not
  // begin in the future.
  clock_.WriteExactLimit(&batch);
  // Errors change nothing: the old limit stands, and what was acknowledged as
  // durable is durable.
  if (!batch.empty()) (void)Commit(batch, Durability::kBuffered);
  (void)engine_->Sync();
}

}  // namespace actorkv
