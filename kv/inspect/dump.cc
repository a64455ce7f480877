#include "kv/inspect/dump.h"

#include <memory>
#include <utility>

#include "kv/base/affix.h"
#include "kv/engine/prefix_scan.h"
#include "kv/format/get_record.h"
#include "kv/format/legacy_record.h"

namespace actorkv {

namespace {

// Of one piece of work: what is looked at, and what of it is kept.
constexpr size_t kKeysAtOnce = 1024;
constexpr size_t kRowsAtOnce = 64;
constexpr size_t kBytesAtOnce = size_t{1} << 20;

// More ancestors than any actor has (kMaxLineageDepth); of a store that
// somebody forged the rest is left out.
constexpr size_t kMaxOthers = 10'000;

// *record stays empty where there is none that decodes.
template <typename Record>
Status ReadRecord(EngineReader* reader, ActorId actor, const std::string& key,
                  std::optional<Record>* record) {
  std::optional<std::string> value;
  if (Status s = GetValue(reader, ActorPartition(actor), key, &value);
      !s.ok()) {
    return s;
  }
  Record decoded;
  // A record that is damaged is shown where it lies; here it only names
  // nothing.
  if (value.has_value() && DecodeRecord(key, *value, &decoded).ok()) {
    *record = std::move(decoded);
  }
  return Status::Ok();
}

}  // namespace

Dump::Dump(Engine* engine, std::string store_path, std::string begin)
    : engine_(engine),
      store_path_(std::move(store_path)),
      begin_(std::move(begin)) {
  Begin(CatalogPartition());
}

Status Dump::Select(const std::string& name) {
  const std::unique_ptr<EngineReader> reader = engine_->NewReader();
  const std::string key = ActorEntryKey(name);
  std::optional<std::string> value;
  if (Status s = GetValue(reader.get(), CatalogPartition(), key, &value);
      !s.ok()) {
    return s;
  }
  if (value.has_value()) {
    entry_ = KeyValue{key, *value};
    partition_.reset();
    ActorEntry entry;
    // Without it nobody knows where the rest is; the row says why.
    if (DecodeRecord(key, *value, &entry).ok()) SelectActor(entry.actor);
    return Status::Ok();
  }
  Partition partition = CatalogPartition();
  // A name counts before a partition's text, as actors may be called anything.
  if (!ParsePartition(name, &partition)) {
    return Status::NotFound("no such actor: actor=" + name +
                            " store=" + store_path_);
  }
  if (partition.kind != PartitionKind::kActor) {
    Begin(partition);
    return Status::Ok();
  }
  partition_.reset();
  const std::string deleted_key = DeletedEntryKey(ActorId{partition.id});
  if (Status s =
          GetValue(reader.get(), CatalogPartition(), deleted_key, &value);
      !s.ok()) {
    return s;
  }
  // The records of an actor may be there without any entry, which is just what
  // one may want to see.
  if (value.has_value()) entry_ = KeyValue{deleted_key, *value};
  SelectActor(ActorId{partition.id});
  return Status::Ok();
}

void Dump::SelectActor(ActorId actor) {
  actor_ = actor;
  next_ = Next::kRecords;
}

void Dump::Begin(Partition partition) {
  std::string prefix;
  // No key of the partition can have a text that begins so: it is not read at
  // all.
  if (!FindKeys(partition.kind, begin_, &prefix)) {
    partition_.reset();
    return;
  }
  partition_ = partition;
  key_prefix_ = prefix;
  next_key_ = std::move(prefix);
}

Status Dump::Step(std::vector<DumpRow>* rows, bool* done) {
  *done = false;
  const std::unique_ptr<EngineReader> reader = engine_->NewReader();
  if (entry_.has_value()) {
    const KeyValue entry = *entry_;
    entry_.reset();
    return AddEntry(reader.get(), entry, rows);
  }
  if (!partition_.has_value()) {
    *done = next_ == Next::kNothing;
    return *done ? Status::Ok() : GoOn(reader.get());
  }
  return ReadSome(reader.get(), rows);
}

Status Dump::AddEntry(EngineReader* reader, const KeyValue& entry,
                      std::vector<DumpRow>* rows) {
  const Partition partition = CatalogPartition();
  DumpRow row;
  row.key = KeyText(partition, entry.key);
  row.raw_key = entry.key;
  row.value_bytes = entry.value.size();
  // The text decides and not the stored key: it is what the caller sees, and
  // what the prefix was made from.
  if (!BeginsWith(row.key, begin_)) return Status::Ok();
  if (Status s = DescribePair(reader, {partition, entry.key, entry.value},
                              &row.record);
      !s.ok()) {
    return s;
  }
  rows->push_back(std::move(row));
  return Status::Ok();
}

Status Dump::ReadSome(EngineReader* reader, std::vector<DumpRow>* rows) {
  const Partition partition = *partition_;
  std::vector<KeyValue> pairs;
  size_t keys = 0;
  size_t bytes = 0;
  bool more = false;
  if (Status s = reader->Visit(
          partition, next_key_,
          [&](std::string_view key, std::string_view value) {
            if (!BeginsWith(key, key_prefix_)) return false;
            // Keys that do not fit are counted as well: a prefix that matches
            // nothing must not read a whole partition in one step, which nobody
            // could interrupt.
            more = keys == kKeysAtOnce || pairs.size() == kRowsAtOnce ||
                   bytes >= kBytesAtOnce;
            if (more) return false;
            ++keys;
            bytes += value.size();
            next_key_ = KeyAfter(key);
            if (BeginsWith(KeyText(partition, key), begin_)) {
              pairs.push_back({std::string(key), std::string(value)});
            }
            return true;
          });
      !s.ok()) {
    return s.WithContext(PartitionText(partition));
  }
  if (!more) partition_.reset();
  for (const KeyValue& pair : pairs) {
    DumpRow row;
    row.partition = partition;
    row.key = KeyText(partition, pair.key);
    row.raw_key = pair.key;
    row.value_bytes = pair.value.size();
    if (Status s = DescribePair(reader, {partition, pair.key, pair.value},
                                &row.record);
        !s.ok()) {
      return s.WithContext(PartitionText(partition));
    }
    rows->push_back(std::move(row));
  }
  return Status::Ok();
}

// --- What belongs to an actor ------------------------------------------------

Status Dump::GoOn(EngineReader* reader) {
  switch (next_) {
    case Next::kNothing:
      break;
    case Next::kRecords:
      Begin(ActorPartition(actor_));
      // The records come first: they name the branches, and what they name
      // comes after them in the order in which it was written.
      next_ = Next::kBranches;
      next_branch_key_ = BranchRecordPrefix();
      return NoteNamed(reader);
    case Next::kBranches:
      return NextBranch(reader);
    case Next::kOthers:
      return NextOther(reader);
    case Next::kPairs:
      next_ = Next::kNothing;
      return FindPairs(reader);
  }
  return Status::Ok();
}

// The branch of its head may have lost its record; that of a migration which
// is under way has none yet.
Status Dump::NoteNamed(EngineReader* reader) {
  std::optional<Head> head;
  std::optional<LegacyRecord> legacy;
  Status s = ReadRecord(reader, actor_, HeadKey(), &head);
  if (s.ok()) s = ReadRecord(reader, actor_, LegacyRecordKey(), &legacy);
  if (s.ok() && head.has_value()) {
    s = NoteOther(reader, {actor_, head->snapshot.branch, TxId{}});
  }
  if (s.ok() && legacy.has_value()) {
    s = NoteOther(reader, {actor_, legacy->progress.stage, TxId{}});
  }
  return s;
}

Status Dump::NoteOther(EngineReader* reader, const BranchPoint& point) {
  if (point.branch == BranchId{} || others_.size() >= kMaxOthers) {
    return Status::Ok();
  }
  if (point.actor == actor_) {
    bool is_named = false;
    Status s = HasKey(reader, ActorPartition(actor_),
                      BranchRecordKey(point.branch), &is_named);
    if (!s.ok() || is_named) return s;
  }
  // A branch that has a record of this actor comes by itself; only those of
  // other actors, or without a record, are noted.
  others_.emplace(point.branch, point.actor);
  return Status::Ok();
}

// The next one that has a record of the actor's.
Status Dump::NextBranch(EngineReader* reader) {
  std::vector<std::optional<KeyValue>> found;
  if (Status s =
          reader->Seek(ActorPartition(actor_), {next_branch_key_}, &found);
      !s.ok()) {
    return s;
  }
  if (!found[0].has_value() ||
      !BeginsWith(found[0]->key, BranchRecordPrefix())) {
    next_ = Next::kOthers;
    return Status::Ok();
  }
  const KeyValue& pair = *found[0];
  next_branch_key_ = KeyAfter(pair.key);
  BranchId branch;
  // A key that does not parse was shown among the records, with what is wrong.
  if (!ParseBranchRecordKey(pair.key, &branch).ok()) return Status::Ok();
  Begin(BranchPartition(branch));
  BranchRecord record;
  if (!DecodeRecord(pair.key, pair.value, &record).ok() ||
      !record.parent.has_value()) {
    return Status::Ok();
  }
  return NoteOther(reader, *record.parent);
}

// The youngest first: parents are older, so none comes twice.
Status Dump::NextOther(EngineReader* reader) {
  if (others_.empty()) {
    next_ = Next::kPairs;
    return Status::Ok();
  }
  const auto youngest = std::prev(others_.end());
  const auto [branch, actor] = *youngest;
  others_.erase(youngest);
  Begin(BranchPartition(branch));
  std::optional<BranchRecord> record;
  Status s = ReadRecord(reader, actor, BranchRecordKey(branch), &record);
  if (!s.ok() || !record.has_value() || !record->parent.has_value()) return s;
  return NoteOther(reader, *record->parent);
}

Status Dump::FindPairs(EngineReader* reader) {
  std::optional<LegacyRecord> record;
  Status s = ReadRecord(reader, actor_, LegacyRecordKey(), &record);
  if (s.ok() && record.has_value()) Begin(LegacyPartition(record->legacy));
  return s;
}

}  // namespace actorkv
