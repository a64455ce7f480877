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

Store::Store(std::string path, std::unique_ptr<Engine> engine, bool read_only)
    : path_(std::move(path)),
      read_only_(read_only),
      cache_id_(NextCacheId()),
      engine_(std::move(engine)),
      commit_ids_(engine_->owner()),
      actors_(engine_.get(), &epoch_,
              engine_->limits().one_process || read_only),
      settings_(std::make_unique<SettingsCache>(SettingsCache::StoreParts{
          engine_.get(), read_only, CommitTo(this), &history_gate_})),
      hints_(std::make_unique<HintQueue>(engine_.get(), CommitTo(this))),
      work_(read_only) {
  Add(Metric::kOpenStores);
}

Store::~Store() {
  PageCache::Instance()->DropStore(cache_id_);
  Subtract(Metric::kOpenStores);
}

Status Store::Open(std::string path, std::unique_ptr<Engine> engine,
                   bool read_only, std::shared_ptr<Store>* store) {
  std::shared_ptr<Store> opened(
      new Store(std::move(path), std::move(engine), read_only));
  const Engine& shared = *opened->engine_;
  if (!shared.limits().one_process && !read_only) {
    opened->clock_.ShareIds(shared.owner().slot);
  }
  std::unique_ptr<EngineReader> reader = opened->engine_->NewReader();
  if (Status s = opened->clock_.Load(reader.get()); !s.ok()) return s;
  opened->clock_.BeginWatch();
  Status found = read_only ? LoadStoreRecord(reader.get(), &opened->record_)
                           : LoadOrMakeStoreRecord(
                                 reader.get(), &opened->clock_,
                                 CommitTo(opened.get()), &opened->record_);
  if (!found.ok()) return found.WithContext("store=" + opened->path_);
  // What is wrong with them, those say who need them.
  Settings settings;
  Status loaded = LoadSettings(reader.get(), ActorId{}, &settings);
  if (loaded.code() == Code::kIOError) return loaded;
  if (loaded.ok()) ApplySettings(settings, opened->engine());
  reader.reset();
  *store = std::move(opened);
  return Status::Ok();
}

Status Store::OpenActor(const std::string& name,
                        std::shared_ptr<Actor>* actor) {
  if (Status s = CheckActorName(name); !s.ok()) return s;
  return actors_.Open(name, actor);
}

Status Store::CloseActor(std::shared_ptr<Actor> actor) {
  if (!actor->hints()->is_learning()) {
    static_cast<void>(actors_.Close(std::move(actor)));
    return Status::Ok();
  }
  const std::string name = actor->name();
  const std::shared_ptr<const HeadState> state = actor->Known();
  const Lesson lesson = actors_.Close(std::move(actor));
  if (lesson.learner == nullptr) return Status::Ok();
  if (state != nullptr && state->head.generation != lesson.generation) {
    return FencedError(name, lesson.generation, state->head.generation)
        .WithContext("preload hints");
  }
  hints_->Add(lesson.Learned(name));
  return Status::Ok();
}

Status Store::CatchUp() { return engine_->CatchUp(&epoch_); }

bool Store::CanContinueBranch(Actor* actor) {
  return engine_->limits().multi_partition_commit || actor->continues_branch();
}

CommitResult Store::Commit(const Batch& batch, Durability durability) {
  Gate::Hold hold;
  if (BeginsAtCommit(batch)) hold = history_gate_.Keep();
  CommitResult result = engine_->limits().multi_partition_commit
                            ? engine_->Commit(batch, durability)
                            : CommitInRuns(engine_.get(), batch, durability);
  if (result.done()) batch.TellDone();
  return result;
}

void Store::Close() {
  if (read_only_) return;
  Batch batch;
  clock_.WriteExactLimit(&batch);
  // Errors change nothing: the old limit stands, and what was acknowledged as
  // durable is durable.
  if (!batch.empty()) (void)Commit(batch, Durability::kBuffered);
  (void)engine_->Sync();
}

}  // namespace actorkv
