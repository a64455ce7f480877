#include "kv/store/store.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

#include "kv/base/coding.h"
#include "kv/base/metrics.h"
#include "kv/base/thrown.h"
#include "kv/base/types.h"
#include "kv/base/utf8.h"
#include "kv/cache/page_cache.h"
#include "kv/format/keys.h"
#include "kv/reclaim/background_reclaim.h"
#include "kv/reclaim/flatten.h"

namespace actorkv {

namespace {

constexpr size_t kScanStages = 256;

constexpr size_t kMaxFlattenQueue = 4096;

constexpr int kLearningAtOnce = 64;

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

uint64_t RandomId() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

}  // namespace

Status CheckActorName(const std::string& name) {
  if (name.empty()) return Status::InvalidArgument("actor name is empty");
  if (name.size() > kMaxActorNameBytes) {
    return Status::InvalidArgument(
        "actor name is " + std::to_string(name.size()) +
        " bytes long, the limit is " + std::to_string(kMaxActorNameBytes));
  }
  if (name.find('/') != std::string::npos) {
    return Status::InvalidArgument("actor name has a slash: " + name);
  }
  if (name.find('\0') != std::string::npos) {
    return Status::InvalidArgument("actor name has a NUL byte");
  }
  if (name == "." || name == "..") {
    return Status::InvalidArgument("actor name is a directory's: " + name);
  }
  if (!IsUtf8(name)) {
    return Status::InvalidArgument("actor name is not UTF-8");
  }
  return Status::Ok();
}

namespace {

// Ends a change, however it goes.
class Changing {
 public:
  Changing(ActorTable* actors, const std::vector<std::string>& names)
      : actors_(actors), names_(names) {}
  ~Changing() { actors_->EndChange(names_); }
  Changing(const Changing&) = delete;
  Changing& operator=(const Changing&) = delete;

 private:
  ActorTable* const actors_;
  const std::vector<std::string>& names_;
};

}  // namespace

Store::Store(std::string path, std::unique_ptr<Engine> engine, bool read_only)
    : path_(std::move(path)),
      read_only_(read_only),
      cache_id_(NextCacheId()),
      engine_(std::move(engine)),
      commit_id_base_(RandomId()),
      actors_(engine_.get(), &epoch_,
              engine_->limits().one_process || read_only),
      background_reclaim_(std::make_unique<BackgroundReclaim>(this)) {
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
  std::unique_ptr<EngineReader> reader = opened->engine_->NewReader();
  if (Status s = opened->clock_.Load(reader.get()); !s.ok()) return s;
  opened->clock_.BeginWatch();
  if (Status s = opened->LoadRecord(reader.get()); !s.ok()) {
    return s.WithContext("store=" + opened->path_);
  }
  if (!read_only) {
    if (Status s = opened->LoadDeadStages(reader.get()); !s.ok()) return s;
  }
  // What is wrong with them, those say who need them.
  Settings settings;
  Status loaded = LoadSettings(reader.get(), ActorId{}, &settings);
  if (loaded.code() == Code::kIOError) return loaded;
  if (loaded.ok()) ApplySettings(settings, opened->engine());
  reader.reset();
  *store = std::move(opened);
  return Status::Ok();
}

Status Store::LoadRecord(EngineReader* reader) {
  const std::string key = StoreRecordKey();
  std::vector<std::optional<std::string>> values;
  if (Status s = reader->Get(CatalogPartition(), {key}, &values); !s.ok()) {
    return s;
  }
  if (!values[0].has_value()) {
    if (read_only_) return Status::NotFound("the store is not set up yet");
    return CreateRecord();
  }
  if (Status s = DecodeRecord(key, *values[0], &record_); !s.ok()) return s;
  if (record_.format > kStoreFormat) {
    return Status::NotSupported("store format " +
                                std::to_string(record_.format) +
                                " is newer than this module's, which reads " +
                                std::to_string(kStoreFormat));
  }
  return record_.format < kStoreFormat && !read_only_ ? RaiseRecord()
                                                      : Status::Ok();
}

// The marker says so already (kv/files/store_marker.h, invariant 2).
Status Store::RaiseRecord() {
  StoreRecord raised = record_;
  raised.format = kStoreFormat;
  const std::string key = StoreRecordKey();
  Batch batch;
  batch.Put(CatalogPartition(), key, EncodeRecord(key, raised));
  Status s = Commit(batch, Durability::kSynced).status;
  // A store on a full disk can be read; the next open tries again.
  if (s.code() == Code::kNoSpace) return Status::Ok();
  if (s.ok()) record_ = raised;
  return s;
}

Status Store::CreateRecord() {
  Batch batch;
  record_.store_id = RandomId();
  record_.created_at_us = clock_.Next(&batch);
  const std::string key = StoreRecordKey();
  batch.Put(CatalogPartition(), key, EncodeRecord(key, record_));
  return Commit(batch, Durability::kSynced).status;
}

Status Store::ScanCatalog(EngineReader* reader, const std::string& prefix,
                          const std::function<Status(const KeyValue&)>& add) {
  std::string start = prefix;
  for (;;) {
    std::vector<KeyValue> pairs;
    if (Status s = reader->Scan(CatalogPartition(), start, kScanStages, &pairs);
        !s.ok()) {
      return s;
    }
    for (const KeyValue& pair : pairs) {
      if (pair.key.substr(0, prefix.size()) != prefix) return Status::Ok();
      if (Status s = add(pair); !s.ok()) return s;
    }
    if (pairs.size() < kScanStages) return Status::Ok();
    start = pairs.back().key + std::string(1, '\0');
  }
}

Status Store::LoadDeadStages(EngineReader* reader) {
  const auto add_stage = [this](const KeyValue& pair) -> Status {
    BranchId branch;
    StageRecord record;
    if (Status s = ParseStageKey(pair.key, &branch); !s.ok()) return s;
    if (Status s = DecodeRecord(pair.key, pair.value, &record); !s.ok()) {
      return s;
    }
    AddDeadStage(record.actor, branch);
    return Status::Ok();
  };
  const auto add_import = [this](const KeyValue& pair) -> Status {
    LegacyId legacy;
    if (Status s = ParseImportKey(pair.key, &legacy); !s.ok()) return s;
    AddDeadImport(legacy);
    return Status::Ok();
  };
  if (Status s = ScanCatalog(reader, StagePrefix(), add_stage); !s.ok()) {
    return s;
  }
  return ScanCatalog(reader, ImportPrefix(), add_import);
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
  hints_.Add(lesson.Learned(name));
  return Status::Ok();
}

Status Store::LoadHints(const HintsOwner& owner, HintsRecord* record) {
  std::optional<HintsRecord> waiting = hints_.Find(owner.actor);
  if (waiting.has_value() && waiting->generation == owner.generation) {
    *record = std::move(*waiting);
    return Status::Ok();
  }
  return ReadHints(engine_->NewReader().get(), owner, record);
}

void Store::AddOpenHead(const std::string& name,
                        std::vector<PinnedSnapshot>* heads) {
  const std::shared_ptr<const HeadState> state = actors_.KnownIfOpen(name);
  if (state == nullptr || state->lineage == nullptr) return;
  heads->push_back({state->head.snapshot, state->lineage});
}

Status Store::WhileClosed(const std::vector<std::string>& names,
                          const std::function<Status()>& change) {
  if (Status s = actors_.BeginChange(names); !s.ok()) return s;
  const Changing changing(&actors_, names);
  return change();
}

Status Store::CatchUp() { return engine_->CatchUp(&epoch_); }

bool Store::IsOwn(const CommitId& id) const {
  std::string base;
  AppendBig64(&base, commit_id_base_);
  return std::memcmp(id.data(), base.data(), base.size()) == 0;
}

CommitId Store::NewCommitId() {
  std::string bytes;
  AppendBig64(&bytes, commit_id_base_);
  AppendBig64(&bytes, commit_count_.fetch_add(1) + 1);
  CommitId id;
  std::memcpy(id.data(), bytes.data(), id.size());
  return id;
}

bool Store::CanContinueBranch(Actor* actor) {
  return engine_->limits().multi_partition_commit || actor->continues_branch();
}

Gate::Hold Store::KeepHistory() {
  Gate::Hold hold = history_gate_.Shared();
  history_count_.fetch_add(1);
  return hold;
}

CommitResult Store::Commit(const Batch& batch, Durability durability) {
  Gate::Hold hold;
  if (BeginsAtCommit(batch)) hold = KeepHistory();
  CommitResult result = engine_->limits().multi_partition_commit
                            ? engine_->Commit(batch, durability)
                            : CommitInRuns(batch, durability);
  if (result.done()) clock_.Committed(batch);
  return result;
}

CommitResult Store::CommitInRuns(const Batch& batch, Durability durability) {
  // Where it threw that was perhaps between two runs.
  CommitResult result = {CommitOutcome::kUnknown, Status::NoMemoryInDoubt()};
  static_cast<void>(IfMemory([&] { result = CommitRuns(batch, durability); }));
  return result;
}

CommitResult Store::CommitRuns(const Batch& batch, Durability durability) {
  const size_t max_bytes = engine_->limits().max_batch_bytes;
  std::vector<Batch::Guard> guards = batch.guards();
  CommitResult result;
  for (size_t i = 0; i < batch.op_count() && result.done();) {
    Batch run;
    const Partition partition = batch.op(i).partition;
    for (; i < batch.op_count() && batch.op(i).partition == partition; ++i) {
      const Batch::Op op = batch.op(i);
      const size_t op_bytes = op.key.size() + op.value.value_or("").size();
      if (!run.empty() && run.size_bytes() + op_bytes > max_bytes) break;
      if (op.value.has_value()) {
        run.Put(partition, op.key, *op.value);
      } else {
        run.Delete(partition, op.key);
      }
      // A guard goes with the operation on its key.
      for (const Batch::Guard& guard : guards) {
        if (guard.partition != partition || guard.key != op.key) continue;
        run.AddGuard(partition, guard.key, guard.expected);
      }
    }
    result = engine_->Commit(run, durability);
  }
  return result;
}

void Store::NoteLease(const CommitId& owner, bool held) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (held) {
    leases_.insert(owner);
  } else {
    leases_.erase(owner);
  }
}

bool Store::HoldsLease(const CommitId& owner) {
  std::lock_guard<std::mutex> lock(mutex_);
  return leases_.count(owner) != 0;
}

void Store::AddDeadStage(ActorId actor, BranchId branch) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  static_cast<void>(IfMemory([&] { dead_stages_.push_back({actor, branch}); }));
  work_waits_ = true;
}

void Store::AddDeadImport(LegacyId legacy) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  static_cast<void>(IfMemory([&] { dead_imports_.push_back(legacy); }));
  work_waits_ = true;
}

void Store::SuggestFlatten(const std::shared_ptr<Actor>& actor) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  // It comes again when the actor is opened, or commits.
  if (read_only_ || flatten_queue_.size() >= kMaxFlattenQueue) return;
  static_cast<void>(IfMemory([&] { flatten_queue_.emplace_back(actor); }));
  work_waits_ = true;
}

template <typename Drop, typename PutBack>
Status Store::DropOrPutBack(const Drop& drop, const PutBack& put_back) {
  Status s = Caught(drop);
  if (!s.ok()) put_back();
  return s;
}

Status Store::Maintain(bool* more) {
  Stage stage;
  LegacyId import;
  std::shared_ptr<Actor> actor;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!dead_stages_.empty()) {
      stage = dead_stages_.back();
      dead_stages_.pop_back();
    } else if (!dead_imports_.empty()) {
      import = dead_imports_.back();
      dead_imports_.pop_back();
    } else if (!flatten_queue_.empty()) {
      actor = actors_.Lock(flatten_queue_.back());
      flatten_queue_.pop_back();
    }
    *more = !dead_stages_.empty() || !dead_imports_.empty() ||
            !flatten_queue_.empty();
    work_waits_ = *more;
  }
  if (stage.branch != BranchId{}) {
    return DropOrPutBack([&] { return DropStage(stage); },
                         [&] { AddDeadStage(stage.actor, stage.branch); });
  }
  if (import != LegacyId{}) {
    return DropOrPutBack([&] { return DropImport(import); },
                         [&] { AddDeadImport(import); });
  }
  if (actor != nullptr) return FlattenOne(actor);
  QueueWhatIsLearned();
  if (hints_.is_waiting()) {
    *more = true;
    return WriteHintsOfOne();
  }
  return ReclaimSome();
}

// Reclaim may remove what a branch does not need of its parent; flattening
// reads that.
Status Store::FlattenOne(const std::shared_ptr<Actor>& actor) {
  const std::unique_lock<std::mutex> lock(reclaim_mutex_, std::try_to_lock);
  if (lock.owns_lock()) return Flatten(this, actor.get());
  SuggestFlatten(actor);
  return Status::Busy("reclaim is running: actor=" + actor->name());
}

void Store::QueueWhatIsLearned() {
  std::weak_ptr<Actor> learning;
  for (int i = 0; i < kLearningAtOnce && hints_.TakeLearning(&learning); ++i) {
    std::shared_ptr<Actor> actor = actors_.Lock(learning);
    if (actor == nullptr) continue;
    std::optional<LearnedHints> learned =
        actor->hints()->LearnedSoFar(actor->name());
    if (learned.has_value()) hints_.Add(std::move(*learned));
    // Its last user may have gone meanwhile.
    static_cast<void>(CloseActor(std::move(actor)));
  }
}

// Not beside a purge, which would leave them behind.
Status Store::WriteHintsOfOne() {
  const std::unique_lock<std::mutex> lock(reclaim_mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return Status::Busy("reclaim is running");
  // What is refused is no error of the others.
  static_cast<void>(hints_.WriteOne(this));
  return Status::Ok();
}

// The next call comes soon enough; in between others have the disk.
Status Store::ReclaimSome() {
  const std::unique_lock<std::mutex> lock(reclaim_mutex_, std::try_to_lock);
  if (!lock.owns_lock() || read_only_) return Status::Ok();
  return background_reclaim_->Step();
}

std::unique_lock<std::mutex> Store::BeginReclaim() {
  std::unique_lock<std::mutex> lock(reclaim_mutex_);
  background_reclaim_->GiveUp();
  return lock;
}

void Store::ReclaimSoonForTesting(uint64_t now_us) {
  std::lock_guard<std::mutex> lock(reclaim_mutex_);
  background_reclaim_->BeginSoonForTesting(now_us);
}

void Store::Close() {
  if (read_only_) return;
  while (hints_.is_waiting() && WriteHintsOfOne().ok()) {
  }
  Batch batch;
  clock_.WriteExactLimit(&batch);
  // Errors change nothing: the old limit stands, and what was acknowledged as
  // durable is durable.
  if (!batch.empty()) (void)Commit(batch, Durability::kBuffered);
  (void)engine_->Sync();
}

}  // namespace actorkv
