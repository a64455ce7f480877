#include "kv/legacy/legacy_import.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "kv/base/hex.h"
#include "kv/base/metrics.h"
#include "kv/engine/engine_limits.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/pages/commit_records.h"
#include "kv/rivet/legacy_keys.h"
#include "kv/rivet/pair_limits.h"
#include "kv/store/actor_name.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

using Steady = std::chrono::steady_clock;

Status CheckPair(const KeyValue& pair) {
  Status s = CheckPairKeySize(pair.key.size());
  if (s.ok()) s = CheckPairValueSize(pair.value.size());
  return s.WithContext("key=" + BytesText(pair.key));
}

}  // namespace

LegacyImport::LegacyImport(std::shared_ptr<Store> store)
    : store_(std::move(store)),
      reader_(store_->engine()->NewReader()),
      commits_(store_.get()) {}

LegacyImport::~LegacyImport() { Detach(); }

// Leaves the stored pairs to be found dead, unless an actor has them.
void LegacyImport::Detach() {
  (void)commits_.Wait();  // what lands after the drop would stay
  if (known_) store_->work()->AddDeadImport(legacy_);
  known_ = false;
}

Status LegacyImport::CheckName(std::shared_ptr<const HeadState>* state) const {
  if (Status s = CheckActorName(spec_.name); !s.ok()) return s;
  std::unique_ptr<EngineReader> reader = store_->engine()->NewReader();
  std::shared_ptr<const HeadState> loaded;
  if (Status s = LoadHeadState(reader.get(), spec_.name, &loaded); !s.ok()) {
    return s;
  }
  if (loaded->exists || loaded->is_legacy) {
    return Status::AlreadyExists("the actor exists already: actor=" +
                                 spec_.name + " store=" + store_->path());
  }
  *state = std::move(loaded);
  return Status::Ok();
}

Status LegacyImport::Begin() {
  std::shared_ptr<const HeadState> unused;
  // The name is looked at before the pairs are read, which may take long, and
  // again when it is taken.
  if (Status s = CheckName(&unused); !s.ok()) return s;
  if (store_->read_only()) {
    return Status::NotSupported("the store is open read-only: " +
                                store_->path());
  }
  if (spec_.metadata_json.size() > kMaxLegacyMetadataBytes) {
    return Status::InvalidArgument("metadata of " +
                                   std::to_string(spec_.metadata_json.size()) +
                                   " bytes are larger than the limit of " +
                                   std::to_string(kMaxLegacyMetadataBytes));
  }
  Batch batch;
  legacy_ = LegacyId{store_->NewId(&batch)};
  StageRecord import;  // it is no actor's yet
  import.created_at_us = legacy_.value;
  import.owner = store_->engine()->owner();
  const std::string key = ImportKey(legacy_);
  batch.Put(CatalogPartition(), key, EncodeRecord(key, import));
  // Known before the commit: one whose outcome is not known may have stored the
  // record.
  known_ = true;
  // The record is durable with the first pairs, as the engine keeps the order
  // of commits.
  const CommitResult result = store_->Commit(batch, Durability::kBuffered);
  return result.status;
}

Status LegacyImport::ReadAll(const ImportSpec& spec, PairSource* source) {
  const Steady::time_point begun_at = Steady::now();
  spec_ = spec;
  EnterWork(work_, "read");
  if (Status s = Begin(); !s.ok()) return s;
  KeyValue pair;
  for (;;) {
    bool more = false;
    if (Status s = source->Next(&pair, &more); !s.ok()) return s;
    if (!more) break;
    if (Status s = Add(pair); !s.ok()) return s;
    AddWork(work_, pair.key.size() + pair.value.size());
  }
  if (Status s = Flush(); !s.ok()) return s;
  if (Status s = commits_.Wait(); !s.ok()) return s;
  Describe();
  record_.phase = LegacyPhase::kImport;
  record_.phase_us[static_cast<size_t>(LegacyPhase::kImport)] =
      static_cast<uint64_t>(
          std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() -
                                                                begun_at)
              .count());
  return Status::Ok();
}

// Describes the stored pairs in their record.
void LegacyImport::Describe() {
  record_.legacy = legacy_;
  record_.form = spec_.form;
  record_.metadata_json = spec_.metadata_json;
  record_.pair_count = report_.PairCount();
  record_.bytes = report_.Bytes();
  record_.sqlite_bytes = report_.SqliteBytes();
  record_.layouts = static_cast<uint8_t>(
      (report_.PairCount(KeyLayout::kZero) > 0 ? kHasLayoutZero : 0) |
      (report_.PairCount(KeyLayout::kOne) > 0 ? kHasLayoutOne : 0));
  if (report_.large_messages.count > 0) {
    AddLegacyNote("queue messages above " +
                      std::to_string(kMaxQueueMessageBytes) +
                      " bytes, which Rivet would refuse: " +
                      report_.large_messages.Text(),
                  &record_.warnings);
  }
  for (const std::string& note : report_.UnknownNotes()) {
    AddLegacyNote(note, &record_.warnings);
  }
  // An actor without pairs is one that was made and never written to. It is
  // imported, and the user sees that nothing was lost on the way.
  if (!has_pairs_) AddLegacyNote("no pair came with it", &record_.warnings);
}

Status LegacyImport::Add(const KeyValue& pair) {
  Status taken = CheckPair(pair);
  if (taken.ok()) taken = CheckIsNewKey(pair.key);
  if (taken.code() == Code::kInvalidArgument) {
    actorkv::Add(Metric::kRefusedPairs);
  }
  if (!taken.ok()) return taken;
  const std::string stored = EncodePair(legacy_, pair.key, pair.value);
  const size_t bytes = 1 + pair.key.size() + stored.size();
  if (batch_keys_.size() >= kMaxImportBatchPairs ||
      batch_.size_bytes() + bytes >
          StageBatchLimit(store_->engine()->limits())) {
    if (Status s = Flush(); !s.ok()) return s;
  }
  batch_.Put(LegacyPartition(legacy_), PairKey(pair.key), stored);
  batch_keys_.insert(pair.key);
  report_.Count(pair.key, pair.value);
  if (!has_pairs_ || pair.key > largest_key_) largest_key_ = pair.key;
  has_pairs_ = true;
  return Status::Ok();
}

// Looks whether a key came before. Keys that only rise, as in most dumps,
// cannot repeat; others are looked for.
Status LegacyImport::CheckIsNewKey(const std::string& key) {
  if (!has_pairs_ || key > largest_key_) return Status::Ok();
  bool found = batch_keys_.count(key) != 0;
  if (!found) {
    // Pairs that are on their way are not to be found yet.
    if (Status s = commits_.Wait(); !s.ok()) return s;
    reader_->Refresh();
    if (Status s = HasKey(reader_.get(), LegacyPartition(legacy_), PairKey(key),
                          &found);
        !s.ok()) {
      return s;
    }
  }
  if (!found) return Status::Ok();
  return Status::InvalidArgument("the key comes twice: key=" + BytesText(key));
}

Status LegacyImport::Flush() {
  if (spec_.keep_on != nullptr) {
    if (Status s = spec_.keep_on(); !s.ok()) return s;
  }
  batch_keys_.clear();
  return commits_.Add(&batch_);
}

// Makes the pairs the actor's. In an engine that commits partition by partition
// the import record says first whose they will be, and goes later.
void LegacyImport::PutRecord(ActorId actor, Batch* batch) {
  const std::string import_key = ImportKey(legacy_);
  if (store_->engine()->limits().multi_partition_commit) {
    batch->Delete(CatalogPartition(), import_key);
  } else {
    StageRecord import;
    import.actor = actor;
    import.created_at_us = legacy_.value;
    import.owner = store_->engine()->owner();
    batch->Put(CatalogPartition(), import_key,
               EncodeRecord(import_key, import));
  }
  const std::string key = LegacyRecordKey();
  batch->Put(ActorPartition(actor), key, EncodeRecord(key, record_));
}

void LegacyImport::AddTo(const HeadState& made, Batch* batch) {
  record_.state = LegacyState::kLive;
  record_.imported_at_us = made.head.committed_at_us;
  PutRecord(made.entry.actor, batch);
}

Status LegacyImport::Publish() {
  EnterWork(work_, "commit");
  // The actor is held, so that nobody renames or deletes it meanwhile.
  std::shared_ptr<Actor> actor;
  if (Status s = store_->OpenActor(spec_.name, &actor); !s.ok()) return s;
  std::shared_ptr<const HeadState> before;
  if (Status s = CheckName(&before); !s.ok()) return s;
  Batch batch;
  const uint64_t now_us = store_->NewId(&batch);
  const ActorEntry entry =
      MakeEntry(*before, ActorId{now_us}, ActorState::kLegacy, now_us);
  record_.imported_at_us = now_us;
  PutRecord(entry.actor, &batch);
  TakeName(spec_.name, *before, EncodeRecord(ActorEntryKey(spec_.name), entry),
           &batch);
  const CommitResult result = store_->Commit(batch, Durability::kSynced);
  // The states that others hold of this name say that there is no actor.
  actor->Forget();
  if (result.outcome == CommitOutcome::kUnknown) {
    return AfterUnknown(result, entry.actor);
  }
  if (result.outcome == CommitOutcome::kConflict) {
    return Status::AlreadyExists(
        "somebody else has just made the actor: "
        "actor=" +
        spec_.name);
  }
  if (!result.done()) return result.status;
  // On an engine of single partitions the import record is there still, and
  // goes as one whose actor has its pairs.
  known_ = !store_->engine()->limits().multi_partition_commit;
  return Status::Ok();
}

Status LegacyImport::AfterUnknown(const CommitResult& result, ActorId actor) {
  std::unique_ptr<EngineReader> reader = store_->engine()->NewReader();
  std::shared_ptr<const HeadState> now;
  if (Status s = LoadHeadState(reader.get(), spec_.name, &now); !s.ok()) {
    // A commit that may still land must keep its pairs; a restart finds out.
    known_ = false;
    return result.status.WithContext(
        "the outcome of the import is not known, look at the actor before it "
        "is repeated: actor=" +
        spec_.name);
  }
  // The id of the actor is new, so an entry with it is of this commit.
  if (now->entry.actor == actor) return Status::Ok();
  return result.status;
}

Status ImportPairs(const std::shared_ptr<Store>& store, const ImportSpec& spec,
                   PairSource* source, LegacyRecord* record) {
  WorkMeter work = store->BeginWork(WorkKind::kImport, spec.name);
  LegacyImport import(store);
  import.ShowIn(&work);
  Status s = import.ReadAll(spec, source);
  if (s.ok()) s = import.Publish();
  s = work.Ended(std::move(s));
  if (!s.ok()) return s.WithContext("importing actor=" + spec.name);
  *record = *import.record();
  return Status::Ok();
}

}  // namespace actorkv
