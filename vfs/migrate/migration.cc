#include "vfs/migrate/migration.h"

#include <array>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "kv/rivet/layout_view.h"
#include "kv/store/store.h"
#include "vfs/legacy/legacy_image.h"
#include "vfs/migrate/image_commit.h"

namespace actorkv {

namespace {

using Steady = std::chrono::steady_clock;

// A database that is so many times as large as what is stored of it is looked
// at before its size is believed.
constexpr uint64_t kUncheckedPerStored = 2;

// The time between two looks at a migration that somebody else does.
constexpr std::chrono::milliseconds kWait{5};

// Checks that no two pairs contradict each other.
Status CheckForConflicts(Store* store, const LegacyActor& actor) {
  LegacyPairs pairs(store->engine(), actor.record.legacy);
  LayoutReport report;
  Status s = CheckLayouts(&pairs, &report);
  if (s.ok()) s = report.CheckConflicts();
  return s.ok() ? s : s.WithContext("actor=" + actor.name);
}

// Migration: one run of a migration, by the holder of the lease.
class Migration {
 public:
  Migration(std::shared_ptr<Store> store, LegacyLease* lease,
            const std::function<Status()>& keep_on)
      : store_(std::move(store)),
        lease_(lease),
        keep_on_(keep_on),
        work_(store_->BeginWork(WorkKind::kMigration, lease->actor().name)) {}

  void set_durability(Durability durability) { durability_ = durability; }

  // Sets what is stored with the lease, before the first step.
  static void Begin(LegacyRecord* record);

  // REQUIRES: the actor is not live.
  Status Run() { return work_.Ended(RunAll()); }

 private:
  Status KeepOn() {
    // The lease is renewed first: without it another process may be at work.
    if (Status s = lease_->Renew(); !s.ok()) return s;
    return keep_on_();
  }
  void Enter(LegacyPhase phase, uint64_t total_bytes = 0);
  Status RunAll();
  Status CheckKeys();
  Status RecoverDatabase();
  Status Publish();
  void NoteIn(LegacyRecord* record) const;
  Status Fail(const Status& why);
  void DropStages();

  const std::shared_ptr<Store> store_;
  LegacyLease* const lease_;
  const std::function<Status()>& keep_on_;
  Durability durability_ = Durability::kSynced;

  WorkMeter work_;
  LegacyPhase phase_ = LegacyPhase::kNone;
  Steady::time_point entered_;
  std::array<uint64_t, kLegacyPhaseCount> phase_us_ = {};
  std::shared_ptr<RecoveredImage> image_;
  std::vector<BranchId> stages_;  // those that the record spoke of
};

void Migration::Enter(LegacyPhase phase, uint64_t total_bytes) {
  work_.Enter(LegacyPhaseName(phase), total_bytes);
  const Steady::time_point now = Steady::now();
  if (phase_ != LegacyPhase::kNone) {
    phase_us_[static_cast<size_t>(phase_)] += static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now - entered_)
            .count());
  }
  phase_ = phase;
  entered_ = now;
}

void Migration::Begin(LegacyRecord* record) {
  if (record->state == LegacyState::kLive) return;  // somebody else was faster
  record->state = LegacyState::kImporting;
  record->phase = LegacyPhase::kLayouts;
  ++record->attempts;
  record->repairs.clear();
  record->error.clear();
}

Status Migration::CheckKeys() {
  Enter(LegacyPhase::kLayouts);
  // The import looked at every key, and pairs never change. Only where some are
  // of layout 0 can there be a conflict; what it had to say of others stands in
  // its warnings.
  if ((lease_->record().layouts & kHasLayoutZero) == 0) return Status::Ok();
  return CheckForConflicts(store_.get(), lease_->actor());
}

Status Migration::RecoverDatabase() {
  Enter(LegacyPhase::kRecover, lease_->record().sqlite_bytes);
  RecoveryOptions options;
  options.keep_on = [this] { return KeepOn(); };
  options.work = &work_;
  const LoadProgress& progress = lease_->record().progress;
  options.quick_check = !progress.begun();
  // Publish() reads all pages once more, and finds the holes then. A run that
  // goes on reads only some.
  if (!progress.begun()) {
    options.unchecked_bytes =
        kUncheckedPerStored * lease_->record().sqlite_bytes;
  }
  if (Status s = RecoverActor(store_, lease_->actor(), options, &image_);
      !s.ok() || options.quick_check) {
    return s;
  }
  // The database passed quick_check before its pages were copied.
  if (progress.page_size == image_->page_size() &&
      progress.page_count == image_->page_count()) {
    return Status::Ok();
  }
  options.quick_check = true;
  image_.reset();
  return RecoverActor(store_, lease_->actor(), options, &image_);
}

void Migration::NoteIn(LegacyRecord* record) const {
  for (size_t i = 0; i < kLegacyPhaseCount; ++i) {
    record->phase_us[i] += phase_us_[i];
  }
  record->phase = phase_;
  if (image_ != nullptr) {
    for (const std::string& repair : image_->repairs()) {
      AddLegacyNote(repair, &record->repairs);
    }
  }
}

Status Migration::Publish() {
  Enter(LegacyPhase::kCopy, image_->size_bytes());
  ImageCommit commit;
  commit.work = &work_;
  commit.store = store_;
  commit.name = lease_->actor().name;
  commit.pages = PagesOf(image_.get());
  commit.origin = Origin::kMigrate;
  commit.durability = durability_;
  commit.keep_on = [this] { return KeepOn(); };
  commit.progress = lease_->record().progress;
  commit.save = [this](const LoadProgress& progress) {
    // Noted before the record is written: one that was stored without an answer
    // is dropped as well.
    stages_.push_back(progress.stage);
    return lease_->Update(
        [&](LegacyRecord* record) { record->progress = progress; });
  };
  commit.copied = [this] {
    if (Status s = image_->CheckHoles([this] { return KeepOn(); }); !s.ok()) {
      return s.WithContext("actor=" + lease_->actor().name);
    }
    Enter(LegacyPhase::kCommit);
    return Status::Ok();
  };
  commit.also = [this](const HeadState& made, Batch* batch) {
    lease_->AddMigrated(
        made, [this](LegacyRecord* record) { NoteIn(record); }, batch);
  };
  return CommitImage(commit);
}

Status Migration::Fail(const Status& why) {
  // An interrupt is no failure of the actor. Copied pages stay for the next
  // run, as after a death; not those that a commit was tried with, whose txid
  // is used.
  const bool failed = keep_on_().ok();
  const bool goes_on = !failed && phase_ != LegacyPhase::kCommit;
  Enter(phase_);  // takes the time of this phase
  // Where this cannot be stored, the state is importing with a free lease,
  // which is as good as legacy. A process that lost the lease stores nothing.
  const Status stored = lease_->Update([&](LegacyRecord* record) {
    record->state = failed ? LegacyState::kFailed : LegacyState::kLegacy;
    NoteIn(record);
    if (!goes_on) record->progress = LoadProgress{};
    record->error = failed ? why.ToString() : "";
  });
  // A commit whose outcome was not known is guarded by the record as it was, so
  // it cannot land any more.
  if (stored.ok()) DropStages();
  return why;
}

// Gives the stages up. The record does not speak of them any more, so nobody
// goes on with one; the store finds out which one became the actor's branch.
void Migration::DropStages() {
  for (const BranchId stage : stages_) {
    store_->work()->AddDeadStage(lease_->actor().actor(), stage);
  }
}

Status Migration::RunAll() {
  if (lease_->record().progress.begun()) {
    stages_.push_back(lease_->record().progress.stage);
  }
  Status s = CheckKeys();
  if (s.ok()) s = RecoverDatabase();
  if (s.ok()) s = Publish();
  if (!s.ok()) return Fail(s);
  DropStages();
  return s;
}

Status Load(Store* store, const std::string& name, LegacyActor* actor) {
  return LoadLegacy(store->engine()->NewReader().get(), name, actor);
}

struct Request {
  const std::shared_ptr<Store>& store;
  const std::string& name;
  const std::function<Status()>& keep_on;
  Durability durability;
};

// Takes the lease, and waits for it. `change` is applied to the record in the
// write that takes it.
Status WaitAndChange(const Request& request, const LegacyLease::Change& change,
                     std::unique_ptr<LegacyLease>* lease) {
  for (;;) {
    Status taken =
        LegacyLease::Acquire(request.store, request.name, change, lease);
    if (taken.code() != Code::kBusy) return taken;
    if (Status s = request.keep_on(); !s.ok()) return s;
    std::this_thread::sleep_for(kWait);
  }
}

Status MigrateWithLease(const Request& request) {
  std::unique_ptr<LegacyLease> lease;
  if (Status s = WaitAndChange(request, Migration::Begin, &lease); !s.ok()) {
    return s;
  }
  if (lease->record().state == LegacyState::kLive) return Status::Ok();
  Migration migration(request.store, lease.get(), request.keep_on);
  migration.set_durability(request.durability);
  return migration.Run();
}

Status MigrateAs(const Request& request, MigrationResult* result) {
  Store* const store = request.store.get();
  LegacyActor actor;
  if (Status s = Load(store, request.name, &actor); !s.ok()) return s;
  if (actor.record.state != LegacyState::kLive) {
    Status migrated = MigrateWithLease(request);
    Status loaded = Load(store, request.name, &actor);
    // The actor may be live all the same: the commit was done and could not say
    // so, or whoever took the lease over did the work.
    const bool live = loaded.ok() && actor.record.state == LegacyState::kLive;
    if (!live && !migrated.ok()) return migrated;
    if (!loaded.ok()) return loaded;
  }
  const Snapshot& snapshot = actor.head->head.snapshot;
  result->record = actor.record;
  result->size_bytes = uint64_t{snapshot.page_count} * snapshot.page_size;
  return Status::Ok();
}

}  // namespace

Status WaitForLease(const std::shared_ptr<Store>& store,
                    const std::string& name,
                    const std::function<Status()>& keep_on,
                    std::unique_ptr<LegacyLease>* lease) {
  return WaitAndChange(
      {store, name, keep_on, Durability::kSynced}, [](LegacyRecord*) {}, lease);
}

Status CheckMigratesAlone(const LegacyActor& actor) {
  if (!actor.record.opaque() || actor.record.state == LegacyState::kLive) {
    return Status::Ok();
  }
  return Status::InvalidArgument(
      "its pairs are opaque, so there is no database: SELECT "
      "actorkv_migrate(actor, 'tables') puts them into a table: actor=" +
      actor.name);
}

Status Migrate(const std::shared_ptr<Store>& store, const std::string& name,
               const std::function<Status()>& keep_on,
               MigrationResult* result) {
  return MigrateAs({store, name, keep_on, Durability::kSynced}, result);
}

Status MigrateUnsynced(const std::shared_ptr<Store>& store,
                       const std::string& name,
                       const std::function<Status()>& keep_on,
                       MigrationResult* result) {
  return MigrateAs({store, name, keep_on, Durability::kBuffered}, result);
}

Status PlanMigration(const std::shared_ptr<Store>& store,
                     const LegacyActor& actor,
                     const std::function<Status()>& keep_on,
                     std::vector<std::string>* repairs) {
  if (Status s = CheckForConflicts(store.get(), actor); !s.ok()) return s;
  RecoveryOptions options;
  options.keep_on = keep_on;
  std::shared_ptr<RecoveredImage> image;
  if (Status s = RecoverActor(store, actor, options, &image); !s.ok()) return s;
  *repairs = image->repairs();
  return Status::Ok();
}

}  // namespace actorkv
