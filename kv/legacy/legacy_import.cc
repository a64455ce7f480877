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
#include "kv/store/actor_name.h"
#include "kv/store/retention.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

using Steady = std::chrono::steady_clock;

// Counts the pairs of an opaque actor as pairs that are the same in both
// layouts: what they are is not asked.
void CountOpaque(const KeyValue& pair, LayoutReport* report) {
  LayoutCount& count =
      report->spaces[static_cast<size_t>(LegacyNamespace::kUnknown)];
  ++count.pair_count[static_cast<size_t>(KeyLayout::kSame)];
  count.bytes += pair.key.size() + pair.value.size();
}

Status InPlace(const PairSource& source, const Status& s) {
  const std::string place = source.Place();
  return place.empty() ? s : s.WithContext(place);
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
  if (spec_.replaced == nullptr) {
    if (Status s = CheckName(&unused); !s.ok()) return s;
  }
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
  if (Status s = LoadLimits(); !s.ok()) return s;
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

Status LegacyImport::LoadLimits() {
  Settings settings;
  if (Status s = store_->settings()->Get(ActorId{}, &settings); !s.ok()) {
    return s;
  }
  limits_ = {settings.max_pair_key_bytes, settings.max_pair_value_bytes};
  keeps_oversized_ = settings.keep_oversized_pairs != 0;
  if (const LegacyRecord* const old = spec_.replaced; old != nullptr) {
    // Records of version 1 have no limits: they were Rivet's.
    limits_ = old->limit_key_bytes == 0
                  ? PairLimits{}
                  : PairLimits{old->limit_key_bytes, old->limit_value_bytes};
    keeps_oversized_ = keeps_oversized_ || old->oversized_count > 0;
  }
  record_.limit_key_bytes = static_cast<uint32_t>(limits_.key_bytes);
  record_.limit_value_bytes = static_cast<uint32_t>(limits_.value_bytes);
  return Status::Ok();
}

Status LegacyImport::CheckSize(const KeyValue& pair) {
  Status fits = CheckPairSize(pair.key, pair.value, limits_);
  if (fits.ok()) return fits;
  const std::string key = "key=" + BytesText(pair.key);
  if (Status s = CheckPairSize(pair.key, pair.value, kStoredPairLimits);
      !s.ok()) {
    return s.WithContext(key);
  }
  if (!keeps_oversized_) {
    const bool long_key = pair.key.size() > limits_.key_bytes;
    return Status::InvalidArgument(
        key + ": " + std::string(fits.message()) + ", the setting max_pair_" +
        (long_key ? "key" : "value") +
        "_bytes; to keep such pairs set keep_oversized_pairs");
  }
  ++record_.oversized_count;
  actorkv::Add(Metric::kOversizedPairs);
  return Status::Ok();
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
    if (Status s = Add(pair); !s.ok()) return InPlace(*source, s);
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
  if (spec_.opaque) record_.layouts = kOpaqueKeys;
  if (report_.large_messages.count > 0) {
    AddLegacyNote("queue messages above " +
                      std::to_string(kMaxQueueMessageBytes) +
                      " bytes, which Rivet would refuse: " +
                      report_.large_messages.Text(),
                  &record_.warnings);
  }
  if (record_.oversized_count > 0) {
    AddLegacyNote(std::to_string(record_.oversized_count) +
                      " pairs above the limits of " +
                      std::to_string(limits_.key_bytes) +
                      " bytes for a key and " +
                      std::to_string(limits_.value_bytes) + " for a value",
                  &record_.warnings);
  }
  for (const std::string& note : report_.UnknownNotes()) {
    AddLegacyNote(note, &record_.warnings);
  }
  for (const std::string& note : spec_.notes) {
    AddLegacyNote(note, &record_.warnings);
  }
  // An actor without pairs is one that was made and never written to. It is
  // imported, and the user sees that nothing was lost on the way.
  if (!has_pairs_) AddLegacyNote("no pair came with it", &record_.warnings);
}

Status LegacyImport::Add(const KeyValue& pair) {
  Status taken = CheckSize(pair);
  if (taken.ok()) taken = CheckIsNewKey(pair.key);
  if (taken.code() == Code::kInvalidArgument) {
    actorkv::Add(Metric::kRefusedPairs);
  }
  if (!taken.ok()) return taken;
  const std::string stored = EncodePair(legacy_, pair.key, pair.value);
  const size_t bytes = 1 + pair.key.size() + stored.size();
  if (batch_.op_count() >= kMaxImportBatchPairs ||
      batch_.size_bytes() + bytes >
          StageBatchLimit(store_->engine()->limits())) {
    if (Status s = Flush(); !s.ok()) return s;
  }
  PutInBatch(pair, stored);
  if (spec_.opaque) {
    CountOpaque(pair, &report_);
  } else {
    report_.Count(pair.key, pair.value);
  }
  if (!has_pairs_ || pair.key > largest_key_) largest_key_ = pair.key;
  has_pairs_ = true;
  return Status::Ok();
}

void LegacyImport::PutInBatch(const KeyValue& pair, const std::string& stored) {
  const bool rises = !has_pairs_ || pair.key > largest_key_;
  if (!rises && batch_keys_.empty()) {
    for (size_t i = 0; i < batch_.op_count(); ++i) {
      batch_keys_.emplace(batch_.op(i).key);
    }
  }
  const std::string stored_key = PairKey(pair.key);
  batch_.Put(LegacyPartition(legacy_), stored_key, stored);
  if (!rises || !batch_keys_.empty()) batch_keys_.insert(stored_key);
}

bool LegacyImport::IsInBatch(const std::string& key) const {
  const std::string stored_key = PairKey(key);
  if (!batch_keys_.empty()) return batch_keys_.count(stored_key) != 0;
  size_t begin = 0;
  for (size_t end = batch_.op_count(); begin < end;) {
    const size_t middle = begin + (end - begin) / 2;
    const std::string_view found = batch_.op(middle).key;
    if (found == stored_key) return true;
    if (found < stored_key) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return false;
}

// Looks whether a key came before. Keys that only rise, as in most dumps,
// cannot repeat; others are looked for.
Status LegacyImport::CheckIsNewKey(const std::string& key) {
  if (!has_pairs_ || key > largest_key_) return Status::Ok();
  bool found = IsInBatch(key);
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

void LegacyImport::AddReplacing(ActorId actor, LegacyId old, Batch* batch) {
  // Both partitions have an import record that names the actor: whoever drops
  // one asks the actor's record which of them counts, so neither order of what
  // lands in an engine of single partitions loses the pairs that do.
  for (const LegacyId legacy : {legacy_, old}) {
    StageRecord import;
    import.actor = actor;
    import.created_at_us = legacy.value;
    import.owner = store_->engine()->owner();
    const std::string key = ImportKey(legacy);
    batch->Put(CatalogPartition(), key, EncodeRecord(key, import));
  }
}

void LegacyImport::DropReplaced(LegacyId old) {
  store_->work()->AddDeadImport(old);
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
