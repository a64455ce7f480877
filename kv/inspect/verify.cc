#include "kv/inspect/verify.h"

#include <utility>

#include "kv/base/affix.h"
#include "kv/engine/prefix_scan.h"
#include "kv/format/get_record.h"
#include "kv/format/hints_record.h"
#include "kv/format/history_records.h"
#include "kv/format/keys.h"
#include "kv/format/zero_gap.h"
#include "kv/pages/delta_reader.h"
#include "kv/store/clock_step.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

// The sizes of one piece of work; they bound its memory and its time.
constexpr size_t kRecordsAtOnce = 256;
constexpr size_t kChunksAtOnce = 64;
constexpr size_t kPairsAtOnce = 32;

// The mend of hints that are damaged.
constexpr char kNothingToMend[] =
    "nothing: it is advice that nobody needs, and is written anew after the "
    "actor was open";

// Returns true for a record that history has of an actor beside its commits.
bool IsHistoryRecord(std::string_view key) {
  return BeginsWith(key, RestorePointPrefix()) ||
         BeginsWith(key, RestorePrefix()) || BeginsWith(key, ForkPrefix()) ||
         BeginsWith(key, SettingPrefix());
}

template <typename Record>
Status Decodes(const KeyValue& pair) {
  Record record;
  return DecodeRecord(pair.key, pair.value, &record);
}

// Writes a text as a literal of SQL.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += c;
    quoted += c;
  }
  return quoted + "'";
}

// Says how to mend an error. `actor` is the one that is damaged; empty: the
// store is, or pairs, or its records.
std::string MendOf(const Status& status, const std::string& actor) {
  const Code code = status.code();
  // What a newer module wrote is whole: nothing is to be mended, and a restore
  // would lose it.
  if (code == Code::kNotSupported) {
    return "read it with the newer version of this module that wrote it";
  }
  // What is missing inside a store is damage too.
  if (code == Code::kCorruption || code == Code::kNotFound) {
    const std::string others = "; other actors are not affected";
    if (actor.empty()) {
      return "restore the actor from an export, or the store from a backup" +
             others;
    }
    return "SELECT * FROM actorkv_doctor(" + Quoted(actor) +
           ") tells the newest sound commit and how to go back to it; or "
           "restore it from an export, or the store from a backup" +
           others;
  }
  return "see that the disk can be read, then verify again";
}

// Says whether others took the place of the pairs while these were read.
bool AreReplaced(Store* store, ActorId actor, LegacyId legacy) {
  std::optional<LegacyRecord> now;
  const Status s = GetRecord(store->engine()->NewReader().get(),
                             ActorPartition(actor), LegacyRecordKey(), &now);
  return s.ok() && (!now.has_value() || now->legacy != legacy);
}

}  // namespace

std::string SalvageCalls(const std::string& actor) {
  return "SELECT * FROM actorkv_salvage(" + actor +
         ") tells what is lost; SELECT actorkv_export(" + actor +
         ", 'salvage.db', 'salvage') and SELECT * FROM actorkv_salvage_rows(" +
         actor + ", TABLE) save the rest";
}

Status AddEngineDamage(Engine* engine, std::vector<Finding>* findings) {
  std::vector<EngineDamage> damages;
  if (Status s = engine->ListDamage(&damages); !s.ok()) return s;
  for (EngineDamage& damage : damages) {
    Finding finding;
    finding.detail = std::move(damage.detail);
    finding.mend = std::move(damage.mend);
    // The engine lives with such damage, and no actor need have lost anything:
    // the actors' own findings say whether one did.
    finding.is_warning = true;
    findings->push_back(std::move(finding));
  }
  return Status::Ok();
}

Verifier::Verifier(Store* store)
    : store_(store), reader_(store->engine()->NewReader()) {}

Status Verifier::SelectActor(const std::string& name) {
  const std::string key = ActorEntryKey(name);
  bool has = false;
  if (Status s = HasKey(reader_.get(), CatalogPartition(), key, &has);
      !s.ok()) {
    return s;
  }
  if (!has) {
    return Status::NotFound("no such actor: actor=" + name +
                            " store=" + store_->path());
  }
  one_actor_ = true;
  // The walk begins at the actor's entry, and ends after it.
  next_catalog_key_ = key;
  return Status::Ok();
}

void Verifier::Step(std::vector<Finding>* findings, bool* done) {
  switch (phase_) {
    case Phase::kEngine:
      StepEngine(findings);
      break;
    case Phase::kCatalog:
      EnterWork(work_, "catalog");
      StepCatalog(findings);
      break;
    case Phase::kRecords:
      EnterWork(work_, "records");
      StepRecords(findings);
      break;
    case Phase::kPairs:
      EnterWork(work_, "pairs", legacy_->bytes);
      StepPairs(findings);
      break;
    case Phase::kChunks:
      EnterWork(work_, "chunks");
      StepChunks(findings);
      break;
    case Phase::kPages:
      StepPages(findings);
      break;
    case Phase::kEnd:
      break;
  }
  *done = phase_ == Phase::kEnd;
}

void Verifier::Report(const Status& status, PageNo pgno, TxId txid,
                      std::vector<Finding>* findings) {
  // The doctor reads versions, not pairs.
  const bool has_versions = phase_ == Phase::kChunks || phase_ == Phase::kPages;
  findings->push_back({label_, pgno, txid, status.ToString(),
                       MendOf(status, has_versions ? label_ : "")});
}

void Verifier::AddSalvage(const std::string& what,
                          std::vector<Finding>* findings) {
  if (has_no_name_) return;
  Finding finding;
  finding.actor = label_;
  finding.detail = what + ": what there is can be saved";
  finding.mend = SalvageCalls(Quoted(label_));
  finding.is_warning = true;
  findings->push_back(std::move(finding));
}

// --- The catalog -------------------------------------------------------------

// The catalog is read one key at a time: an actor is verified before the next
// one is looked for.
void Verifier::StepEngine(std::vector<Finding>* findings) {
  phase_ = Phase::kCatalog;
  Status s = AddEngineDamage(store_->engine(), findings);
  if (!s.ok()) Report(s, 0, {}, findings);
}

void Verifier::StepCatalog(std::vector<Finding>* findings) {
  label_.clear();
  // An actor that was made since the last one counts as well.
  reader_->Refresh();
  std::vector<std::optional<KeyValue>> found;
  Status s = reader_->Seek(CatalogPartition(), {next_catalog_key_}, &found);
  if (!s.ok()) {
    Report(s.WithContext("catalog"), 0, {}, findings);
    phase_ = Phase::kEnd;
    return;
  }
  if (!found[0].has_value()) {
    phase_ = Phase::kEnd;
    return;
  }
  next_catalog_key_ = KeyAfter(found[0]->key);
  s = CheckCatalogEntry(*found[0]);
  if (!s.ok()) Report(s.WithContext("catalog"), 0, {}, findings);
  if (one_actor_ && phase_ == Phase::kCatalog) phase_ = Phase::kEnd;
}

Status Verifier::CheckCatalogEntry(const KeyValue& pair) {
  if (BeginsWith(pair.key, ActorEntryPrefix())) {
    std::string name;
    ActorEntry entry;
    if (Status s = ParseActorEntryKey(pair.key, &name); !s.ok()) return s;
    label_ = name;
    if (Status s = DecodeRecord(pair.key, pair.value, &entry); !s.ok()) {
      return s;
    }
    BeginActor(name, entry);
    return Status::Ok();
  }
  if (BeginsWith(pair.key, DeletedEntryPrefix())) {
    ActorId actor;
    if (Status s = ParseDeletedEntryKey(pair.key, &actor); !s.ok()) return s;
    ActorEntry entry;
    if (Status s = DecodeRecord(pair.key, pair.value, &entry); !s.ok()) {
      return s;
    }
    BeginActor("id=" + std::to_string(actor.value), entry);
    has_no_name_ = true;
    return Status::Ok();
  }
  if (BeginsWith(pair.key, StagePrefix())) {
    BranchId branch;
    if (Status s = ParseStageKey(pair.key, &branch); !s.ok()) return s;
    return Decodes<StageRecord>(pair);
  }
  if (BeginsWith(pair.key, ImportPrefix())) {
    LegacyId legacy;
    if (Status s = ParseImportKey(pair.key, &legacy); !s.ok()) return s;
    return Decodes<StageRecord>(pair);
  }
  if (BeginsWith(pair.key, ClockLimitPrefix())) {
    uint64_t limit_us = 0;
    return ParseClockLimitKey(pair.key, &limit_us);
  }
  if (BeginsWith(pair.key, ClockStepPrefix())) return Decodes<ClockStep>(pair);
  if (BeginsWith(pair.key, SettingPrefix()))
    return Decodes<SettingRecord>(pair);
  if (pair.key == StoreRecordKey()) return Decodes<StoreRecord>(pair);
  return Status::Corruption("a key of no known kind, first byte " +
                            std::to_string(static_cast<uint8_t>(pair.key[0])));
}

void Verifier::BeginActor(const std::string& label, const ActorEntry& entry) {
  label_ = label;
  actor_ = entry.actor;
  state_ = entry.state;
  has_no_name_ = false;
  has_head_ = false;
  legacy_.reset();
  branches_.clear();
  next_key_.clear();
  phase_ = Phase::kRecords;
}

void Verifier::EndActor() {
  pages_.reset();
  pin_.Release();
  phase_ = one_actor_ ? Phase::kEnd : Phase::kCatalog;
}

// --- The records of an actor -------------------------------------------------

void Verifier::StepRecords(std::vector<Finding>* findings) {
  std::vector<KeyValue> pairs;
  Status s =
      reader_->Scan(ActorPartition(actor_), next_key_, kRecordsAtOnce, &pairs);
  // What was read before the error is checked, and the actor goes on with its
  // branches: a verification tells as much as it can.
  if (!s.ok()) Report(s.WithContext("records"), 0, {}, findings);
  for (const KeyValue& pair : pairs) {
    TxId txid;
    s = CheckActorRecord(pair, &txid);
    if (s.ok()) continue;
    Report(s, 0, txid, findings);
    if (pair.key == HintsKey()) findings->back().mend = kNothingToMend;
  }
  // A full piece may be followed by another one; each step ends here, so that a
  // statement can be interrupted in between.
  if (pairs.size() == kRecordsAtOnce) {
    next_key_ = KeyAfter(pairs.back().key);
    return;
  }
  BeginPairs(findings);
}

Status Verifier::CheckLegacyRecord(const KeyValue& pair) {
  LegacyRecord record;
  if (Status s = DecodeRecord(pair.key, pair.value, &record); !s.ok()) return s;
  legacy_ = std::move(record);
  return Status::Ok();
}

// Checks that a restore point has its commit. One that ends may be there for a
// moment longer than that, and so may any of an actor that is being removed.
Status Verifier::CheckPoint(const KeyValue& pair) {
  RestorePointRecord point;
  Status s = DecodeRecord(pair.key, pair.value, &point);
  if (!s.ok() || point.expires_at_us != 0) return s;
  if (state_ != ActorState::kLive) return s;
  bool has_commit = false;
  s = HasKey(reader_.get(), ActorPartition(actor_),
             CommitKey(point.branch, point.txid), &has_commit);
  if (!s.ok() || has_commit) return s;
  std::string name;
  s = ParseRestorePointKey(pair.key, &name);
  if (!s.ok()) return s;
  return Status::Corruption(
      "the commit of restore point " + name +
      " is missing: txid=" + std::to_string(point.txid.value));
}

Status Verifier::CheckHistoryRecord(const KeyValue& pair) {
  if (BeginsWith(pair.key, RestorePointPrefix())) return CheckPoint(pair);
  if (BeginsWith(pair.key, RestorePrefix())) {
    TxId txid;
    if (Status s = ParseRestoreKey(pair.key, &txid); !s.ok()) return s;
    return Decodes<RestoreRecord>(pair);
  }
  if (BeginsWith(pair.key, SettingPrefix()))
    return Decodes<SettingRecord>(pair);
  BranchId branch;
  BranchId child;
  if (Status s = ParseForkKey(pair.key, &branch, &child); !s.ok()) return s;
  return Decodes<ForkRecord>(pair);
}

Status Verifier::CheckActorRecord(const KeyValue& pair, TxId* txid) {
  if (pair.key == HeadKey()) {
    has_head_ = true;  // see LoadHead()
    return Status::Ok();
  }
  if (pair.key == LegacyRecordKey()) return CheckLegacyRecord(pair);
  if (pair.key == HintsKey()) return Decodes<HintsRecord>(pair);
  if (IsHistoryRecord(pair.key)) return CheckHistoryRecord(pair);
  if (BeginsWith(pair.key, BranchRecordPrefix())) {
    BranchId branch;
    if (Status s = ParseBranchRecordKey(pair.key, &branch); !s.ok()) return s;
    // The branch is noted before its record is looked at: chunks of a branch
    // whose record is damaged are checked as well.
    branches_.push_back(branch);
    return Decodes<BranchRecord>(pair).WithContext(
        "branch=" + std::to_string(branch.value));
  }
  if (!BeginsWith(pair.key, CommitPrefix())) {
    return Status::Corruption(
        "a key of no known kind among the actor's records, first byte " +
        std::to_string(static_cast<uint8_t>(pair.key[0])));
  }
  BranchId branch;
  if (Status s = ParseCommitKey(pair.key, &branch, txid); !s.ok()) return s;
  return Decodes<CommitRecord>(pair);
}

// --- Its legacy pairs --------------------------------------------------------

void Verifier::BeginPairs(std::vector<Finding>* findings) {
  pair_count_ = 0;
  pairs_lost_ = false;
  next_key_.clear();
  phase_ = Phase::kPairs;
  if (legacy_.has_value()) return;
  // Only a legacy actor needs the record; a live one may have come without any
  // pairs.
  if (state_ == ActorState::kLegacy) {
    Report(Status::Corruption("legacy record missing or damaged"), 0, {},
           findings);
  }
  BeginBranch();
}

void Verifier::StepPairs(std::vector<Finding>* findings) {
  std::vector<KeyValue> pairs;
  Status s = reader_->Scan(LegacyPartition(legacy_->legacy), next_key_,
                           kPairsAtOnce, &pairs);
  if (!s.ok()) {
    Report(s.WithContext("legacy pairs"), 0, {}, findings);
    BeginBranch();
    return;
  }
  for (const KeyValue& pair : pairs) {
    AddWork(work_, pair.key.size() + pair.value.size());
    s = CheckPair(pair);
    if (s.ok()) continue;
    Report(s, 0, {}, findings);
    pairs_lost_ = true;
  }
  if (pairs.size() == kPairsAtOnce) {
    next_key_ = KeyAfter(pairs.back().key);
    return;
  }
  EndPairs(findings);
}

Status Verifier::CheckPair(const KeyValue& pair) {
  std::string_view key;
  std::string_view value;
  if (Status s = ParsePairKey(pair.key, &key); !s.ok()) return s;
  // Counted before its value is looked at: a damaged pair is there, and has a
  // finding of its own.
  ++pair_count_;
  return DecodePair(legacy_->legacy, key, pair.value, &value);
}

// Reports pairs that are not there. A damaged one was reported with its key.
void Verifier::EndPairs(std::vector<Finding>* findings) {
  if (legacy_->dropped_at_us == 0 && pair_count_ != legacy_->pair_count &&
      !AreReplaced(store_, actor_, legacy_->legacy)) {
    Report(Status::Corruption("there are " + std::to_string(pair_count_) +
                              " legacy pairs, imported were " +
                              std::to_string(legacy_->pair_count)),
           0, {}, findings);
    pairs_lost_ = true;
  }
  // Whoever is live does without them.
  if (pairs_lost_ && legacy_->state != LegacyState::kLive) {
    AddSalvage("legacy pairs are lost", findings);
  }
  BeginBranch();
}

// --- The chunks of its branches ----------------------------------------------

void Verifier::BeginBranch() {
  if (branches_.empty()) {
    phase_ = Phase::kPages;
    return;
  }
  branch_ = branches_.back();
  branches_.pop_back();
  next_key_.clear();
  phase_ = Phase::kChunks;
}

void Verifier::StepChunks(std::vector<Finding>* findings) {
  std::vector<KeyValue> pairs;
  Status s =
      reader_->Scan(BranchPartition(branch_), next_key_, kChunksAtOnce, &pairs);
  if (!s.ok()) {
    Report(s.WithContext("branch=" + std::to_string(branch_.value)), 0, {},
           findings);
  }
  for (const KeyValue& pair : pairs) {
    PageNo pgno = 0;
    TxId txid;
    AddWork(work_, pair.key.size() + pair.value.size());
    s = CheckChunk(pair, &pgno, &txid);
    if (!s.ok()) Report(s, pgno, txid, findings);
  }
  if (pairs.size() == kChunksAtOnce) {
    next_key_ = KeyAfter(pairs.back().key);
    return;
  }
  BeginBranch();
}

Status Verifier::CheckChunk(const KeyValue& pair, PageNo* pgno, TxId* txid) {
  DecodedChunk chunk;
  if (Status s = ParseChunkKey(pair.key, pgno, txid); !s.ok()) return s;
  const ChunkId id{branch_, *pgno, *txid};
  if (Status s = DecodeChunk(id, pair.value, &chunk); !s.ok()) return s;
  if (chunk.codec == Codec::kDelta) return CheckDelta(id, chunk);
  // The size of an empty page is the database's, which a branch does not know.
  // The pages of the head are checked with it.
  if (chunk.codec == Codec::kEmpty) return Status::Ok();
  std::string page(chunk.codec == Codec::kGap ? PageBytesOf(chunk.payload)
                                              : chunk.payload.size(),
                   '\0');
  if (Status s = UnpackPage(id, chunk, static_cast<uint32_t>(page.size()),
                            page.data());
      !s.ok()) {
    return s;
  }
  if (chunk.page_hash == PageHash(*pgno, page)) return Status::Ok();
  return Status::Corruption("page hash mismatch: " + ChunkName(id));
}

Status Verifier::CheckDelta(const ChunkId& id, const DecodedChunk& chunk) {
  std::string page(chunk.delta.page_size, '\0');
  Status s = UnpackDelta(reader_.get(), id, chunk, page.data());
  if (s.ok()) return s;
  // Reclaim may have removed both since the scan, the delta first: then there
  // is nothing to report.
  bool has = false;
  const Status again = HasKey(reader_.get(), BranchPartition(id.branch),
                              ChunkKey(id.pgno, id.txid), &has);
  return again.ok() && !has ? again : s;
}

}  // namespace actorkv
