#include "kv/process/upkeep.h"

#include <optional>
#include <utility>
#include <vector>

#include "kv/base/thrown.h"
#include "kv/cache/actor_hints.h"
#include "kv/engine/prefix_scan.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/format/legacy_record.h"
#include "kv/format/records.h"
#include "kv/legacy/legacy_store.h"
#include "kv/reclaim/flatten.h"
#include "kv/store/actor.h"
#include "kv/store/hints.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

constexpr int kLearningAtOnce = 64;

// Puts what it is about back where that fails.
template <typename Drop, typename PutBack>
Status DropOrPutBack(const Drop& drop, const PutBack& put_back) {
  Status s = Caught(drop);
  if (!s.ok()) put_back();
  return s;
}

}  // namespace

Upkeep::Upkeep(Store* store) : store_(store), background_reclaim_(store) {
  store->reclaim_turns()->SetBackground(
      [this] { background_reclaim_.GiveUp(); });
}

Upkeep::~Upkeep() { store_->reclaim_turns()->SetBackground(nullptr); }

// --- What is left behind -----------------------------------------------------

// Without proof that its owner is dead it may be at work.
Status Upkeep::IfDead(const KeyValue& pair,
                      const std::function<Status(const StageRecord&)>& add) {
  StageRecord record;
  if (Status s = DecodeRecord(pair.key, pair.value, &record); !s.ok()) return s;
  bool alive = true;
  if (Status s = store_->engine()->IsAlive(record.owner, &alive); !s.ok()) {
    return s;
  }
  return alive ? Status::Ok() : add(record);
}

Status Upkeep::Load() {
  // Where another process owns the store, that one looks.
  if (store_->read_only() || store_->side() != nullptr) return Status::Ok();
  const auto look_at_stage = [this](const KeyValue& pair) -> Status {
    BranchId branch;
    if (Status s = ParseStageKey(pair.key, &branch); !s.ok()) return s;
    return IfDead(pair, [&](const StageRecord& record) {
      // It is only noted here: an open does not wait for what a dead process
      // has left.
      store_->work()->AddDeadStage(record.actor, branch);
      return Status::Ok();
    });
  };
  const auto look_at_import = [this](const KeyValue& pair) -> Status {
    LegacyId legacy;
    if (Status s = ParseImportKey(pair.key, &legacy); !s.ok()) return s;
    return IfDead(pair, [&](const StageRecord&) {
      store_->work()->AddDeadImport(legacy);
      return Status::Ok();
    });
  };
  const std::unique_ptr<EngineReader> reader = store_->engine()->NewReader();
  if (Status s = ForEachPair(reader.get(),
                             {CatalogPartition(), StagePrefix(), StagePrefix()},
                             look_at_stage);
      !s.ok()) {
    return s;
  }
  return ForEachPair(reader.get(),
                     {CatalogPartition(), ImportPrefix(), ImportPrefix()},
                     look_at_import);
}

Status Upkeep::DropStage(ActorId actor, BranchId branch) {
  // Looked at before the branch record: the commit that takes the mark away
  // because it is done writes that one.
  bool resumable = false;
  if (Status s = IsResumable(store_->engine()->NewReader().get(), actor, branch,
                             &resumable);
      !s.ok()) {
    return s;
  }
  if (resumable) return Status::Ok();
  // A branch record is written in the same batch as the head that made the
  // branch reachable: with one, the stage was committed after all.
  std::unique_ptr<EngineReader> reader = store_->engine()->NewReader();
  bool was_committed = false;
  if (Status s = HasKey(reader.get(), ActorPartition(actor),
                        BranchRecordKey(branch), &was_committed);
      !s.ok()) {
    return s;
  }
  if (!was_committed) {
    if (Status s = store_->engine()->Drop(BranchPartition(branch)); !s.ok()) {
      return s;
    }
  }
  Batch batch;
  // The record goes last. A death before it leaves it to the next open, which
  // drops what is left.
  batch.Delete(CatalogPartition(), StageKey(branch));
  return store_->Commit(batch, Durability::kBuffered).status;
}

// The record of the import says of which actor the pairs were to be; they are
// when that actor's legacy record names them.
Status Upkeep::DropImport(LegacyId legacy) {
  std::unique_ptr<EngineReader> reader = store_->engine()->NewReader();
  const std::string key = ImportKey(legacy);
  std::optional<StageRecord> import;
  if (Status s = GetRecord(reader.get(), CatalogPartition(), key, &import);
      !s.ok() || !import.has_value()) {
    return s;
  }
  std::optional<LegacyRecord> record;
  if (Status s = GetRecord(reader.get(), ActorPartition(import->actor),
                           LegacyRecordKey(), &record);
      !s.ok()) {
    return s;
  }
  if (!record.has_value() || record->legacy != legacy) {
    if (Status s = store_->engine()->Drop(LegacyPartition(legacy)); !s.ok()) {
      return s;
    }
  }
  Batch batch;
  batch.Delete(CatalogPartition(), key);
  return store_->Commit(batch, Durability::kBuffered).status;
}

// --- A piece of work ---------------------------------------------------------

Status Upkeep::Maintain(bool* more) {
  // First what gives space back, then what makes reads shorter, then what may
  // as well be left out.
  const WorkQueue::Piece piece = store_->work()->Take(more);
  if (piece.stage != BranchId{}) {
    return DropOrPutBack(
        [&] { return DropStage(piece.actor, piece.stage); },
        [&] { store_->work()->AddDeadStage(piece.actor, piece.stage); });
  }
  if (piece.import != LegacyId{}) {
    return DropOrPutBack([&] { return DropImport(piece.import); },
                         [&] { store_->work()->AddDeadImport(piece.import); });
  }
  const std::shared_ptr<Actor> actor = store_->actors()->Lock(piece.flattens);
  if (actor != nullptr) return FlattenOne(actor);
  QueueWhatIsLearned();
  if (store_->hints()->is_waiting()) {
    *more = true;
    return WriteHintsOfOne();
  }
  return ReclaimSome();
}

// Reclaim may remove what a branch does not need of its parent; flattening
// reads that.
Status Upkeep::FlattenOne(const std::shared_ptr<Actor>& actor) {
  const ReclaimTurns::Turn turn = store_->reclaim_turns()->TryBegin();
  if (turn.owns_lock()) return Flatten(store_, actor.get());
  store_->work()->SuggestFlatten(actor);
  return Status::Busy("reclaim is running: actor=" + actor->name());
}

void Upkeep::QueueWhatIsLearned() {
  std::weak_ptr<Actor> learning;
  for (int i = 0;
       i < kLearningAtOnce && store_->hints()->TakeLearning(&learning); ++i) {
    std::shared_ptr<Actor> actor = store_->actors()->Lock(learning);
    if (actor == nullptr) continue;
    std::optional<LearnedHints> learned =
        actor->hints()->LearnedSoFar(actor->name());
    if (learned.has_value()) store_->hints()->Add(std::move(*learned));
    // Its last user may have gone meanwhile.
    static_cast<void>(store_->CloseActor(std::move(actor)));
  }
}

// Not beside a purge, which would leave them behind.
Status Upkeep::WriteHintsOfOne() {
  const ReclaimTurns::Turn turn = store_->reclaim_turns()->TryBegin();
  if (!turn.owns_lock()) return Status::Busy("reclaim is running");
  // What is refused is no error of the others.
  static_cast<void>(store_->hints()->WriteOne());
  return Status::Ok();
}

// The next call comes soon enough; in between others have the disk.
Status Upkeep::ReclaimSome() {
  const ReclaimTurns::Turn turn = store_->reclaim_turns()->TryBegin();
  if (!turn.owns_lock() || store_->read_only() || store_->side() != nullptr ||
      !store_->reclaim_turns()->CheckNotHeld().ok()) {
    return Status::Ok();
  }
  return background_reclaim_.Step();
}

void Upkeep::ReclaimSoonForTesting(uint64_t now_us) {
  const ReclaimTurns::Turn turn = store_->reclaim_turns()->Begin();
  background_reclaim_.BeginSoonForTesting(now_us);
}

void Upkeep::Close() {
  if (store_->read_only()) return;
  // Hints are worth a write at the end, but no error: the next wake learns them
  // again.
  while (store_->hints()->is_waiting() && WriteHintsOfOne().ok()) {
  }
  store_->Close();
}

}  // namespace actorkv
