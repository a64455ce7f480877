#include "kv/inspect/record_json.h"

#include <string>

#include "kv/format/page_list.h"
#include "kv/format/zero_gap.h"

namespace actorkv {

namespace {

// "1-3 7 ..."
class RunsText {
 public:
  // A commit may list a million pages, and a row is text for people: the first
  // runs are shown, and that there are more.
  void Add(uint64_t first, uint64_t count) {
    // Counting goes on behind the limit: text() has to know that something was
    // left out.
    if (++run_count_ > kMaxShownRuns) return;
    if (!text_.empty()) text_ += ' ';
    text_ += std::to_string(first);
    if (count > 1) text_ += "-" + std::to_string(first + count - 1);
  }

  std::string text() const {
    return run_count_ > kMaxShownRuns ? text_ + " ..." : text_;
  }

 private:
  std::string text_;
  size_t run_count_ = 0;
};

std::string_view BytesOf(const CommitId& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

void AddSnapshot(const Snapshot& snapshot, JsonFields* fields) {
  fields->Number("branch", snapshot.branch.value);
  fields->Number("txid", snapshot.txid.value);
  fields->Number("page_count", snapshot.page_count);
  fields->Number("page_size", snapshot.page_size);
  fields->Number("stamp", std::optional<uint64_t>(snapshot.stamp));
}

// What heads and commits both have.
template <typename Record>
void AddCommit(const Record& record, JsonFields* fields) {
  AddSnapshot(record.snapshot, fields);
  fields->Number("generation", record.generation.value);
  fields->Hash("digest", record.digest);
  fields->Number("committed_at_us", record.committed_at_us);
  fields->Hex("commit_id", BytesOf(record.commit_id));
}

void AddPageList(const std::string& list, JsonFields* fields) {
  uint64_t page_count = 0;
  RunsText runs;
  // What is damaged, CheckPageList() says.
  const Status read = VisitPageRuns(list, [&](const PageRun& run) {
    page_count += run.page_count;
    runs.Add(run.first, run.page_count);
  });
  static_cast<void>(read);
  fields->Number("listed_page_count", page_count);
  fields->Text("pages", runs.text());
}

std::string TextsJson(const std::vector<std::string>& texts) {
  JsonArray array;
  for (const std::string& text : texts) array.Add(JsonTextOf(text));
  return array.Array();
}

// All phases have a member, so that a query by name finds each.
std::string PhasesJson(const LegacyRecord& record) {
  JsonFields phases;
  for (size_t i = 0; i < kLegacyPhaseCount; ++i) {
    phases.Number(LegacyPhaseName(static_cast<LegacyPhase>(i)),
                  record.phase_us[i]);
  }
  return phases.Object();
}

// Null where there is none: members that are all zero would look like a lease
// of somebody.
std::string LeaseJson(const LeaseMark& lease) {
  if (!lease.taken()) return "null";
  JsonFields fields;
  fields.Hex("owner", BytesOf(lease.owner));
  fields.Number("taken_at_us", lease.taken_at_us);
  fields.Number("heartbeat_us", lease.heartbeat_us);
  return fields.Object();
}

std::string ProgressJson(const LoadProgress& progress) {
  if (!progress.begun()) return "null";
  JsonFields fields;
  fields.Number("stage", progress.stage.value);
  fields.Number("txid", progress.txid.value);
  fields.Number("page_size", progress.page_size);
  fields.Number("page_count", progress.page_count);
  fields.Number("last_page", progress.last_page);
  fields.Hash("digest", progress.digest);
  fields.Number("written_bytes", progress.written_bytes);
  return fields.Object();
}

const char* StateName(ActorState state) {
  switch (state) {
    case ActorState::kLive:
      return "live";
    case ActorState::kDeleted:
      return "deleted";
    case ActorState::kLegacy:
      return "legacy";
  }
  return "unknown";
}

const char* CodecName(Codec codec) {
  switch (codec) {
    case Codec::kEmpty:
      return "empty";
    case Codec::kRaw:
      return "raw";
    case Codec::kDelta:
      return "delta";
    case Codec::kGap:
      return "gap";
  }
  return "unknown";
}

// The blocks themselves are not shown: they are a part of a page, which means
// nothing without its base.
void AddDelta(const DecodedDelta& delta, JsonFields* fields) {
  fields->Number("base_txid", delta.form.base.value);
  fields->Number("page_bytes", delta.page_size);
  fields->Number("block_bytes", delta.page_size / kDeltaBlocks);
  fields->Number("block_count", delta.form.changed.count());
  RunsText runs;
  // The inner loop stands behind a run, on a block that is not in it, so the
  // step of the outer one loses none.
  for (uint32_t block = 0; block < kDeltaBlocks; ++block) {
    const uint32_t first = block;
    while (block < kDeltaBlocks && delta.form.changed.Has(block)) ++block;
    if (block > first) runs.Add(first, block - first);
  }
  fields->Text("blocks", runs.text());
}

void AddGap(std::string_view payload, JsonFields* fields) {
  const ZeroGap gap = GapOf(payload);
  fields->Number("page_bytes", PageBytesOf(payload));
  fields->Number("gap_begin", gap.begin);
  fields->Number("gap_bytes", gap.size_bytes());
}

}  // namespace

const char* OriginName(Origin origin) {
  switch (origin) {
    case Origin::kSql:
      return "sql";
    case Origin::kImport:
      return "import";
    case Origin::kMigrate:
      return "migrate";
    case Origin::kRestore:
      return "restore";
    case Origin::kFork:
      return "fork";
  }
  return "unknown";
}

// The members follow kv/FORMAT.md, field by field.
void AddFields(const StoreRecord& record, JsonFields* fields) {
  fields->Number("format", record.format);
  fields->Hash("store_id", record.store_id);
  fields->Number("created_at_us", record.created_at_us);
}

void AddFields(const ActorEntry& entry, JsonFields* fields) {
  fields->Number("actor_id", entry.actor.value);
  fields->Text("state", StateName(entry.state));
  fields->Number("created_at_us", entry.created_at_us);
  fields->Number("deleted_at_us", entry.deleted_at_us);
  fields->Number("stamp_floor", entry.stamp_floor);
  fields->Number("cookie_floor", entry.cookie_floor);
}

void AddFields(const Head& head, JsonFields* fields) {
  AddCommit(head, fields);
  fields->Number("stored_bytes", head.stored_bytes);
}

void AddFields(const CommitRecord& record, JsonFields* fields) {
  AddCommit(record, fields);
  fields->Number("changed_page_count", record.changed_page_count);
  fields->Number("written_bytes", record.written_bytes);
  fields->Text("origin", OriginName(record.origin));
  fields->Number("base_txid", record.base_txid.value);
  std::optional<uint64_t> replaced;
  // Null is not 0 here: 0 says that it replaced none, null is of a record whose
  // version does not say.
  if (record.replaced_txid.has_value()) replaced = record.replaced_txid->value;
  fields->Number("replaced_txid", replaced);
  if (record.page_list.has_value()) {
    AddPageList(*record.page_list, fields);
  } else {
    fields->Json("pages", "null");
  }
}

void AddFields(const BranchRecord& record, JsonFields* fields) {
  std::string parent = "null";
  if (record.parent.has_value()) {
    JsonFields point;
    point.Number("actor_id", record.parent->actor.value);
    point.Number("branch", record.parent->branch.value);
    point.Number("txid", record.parent->txid.value);
    parent = point.Object();
  }
  fields->Json("parent", parent);
  fields->Number("first_txid", record.first_txid.value);
  fields->Number("chunk_count", record.chunk_count);
  fields->Number("created_at_us", record.created_at_us);
}

void AddFields(const StageRecord& record, JsonFields* fields) {
  fields->Number("actor_id", record.actor.value);
  fields->Number("created_at_us", record.created_at_us);
  fields->Number("owner_slot", record.owner.slot);
  fields->Number("owner_incarnation", record.owner.incarnation);
}

void AddFields(const RestorePointRecord& record, JsonFields* fields) {
  fields->Number("branch", record.branch.value);
  fields->Number("txid", record.txid.value);
  fields->Number("created_at_us", record.created_at_us);
  fields->Number("expires_at_us", record.expires_at_us);
}

void AddFields(const RestoreRecord& record, JsonFields* fields) {
  fields->Number("from_branch", record.from_branch.value);
  fields->Number("from_txid", record.from_txid.value);
  fields->Number("source_branch", record.source_branch.value);
  fields->Number("source_txid", record.source_txid.value);
  fields->Number("restored_at_us", record.restored_at_us);
  fields->Text("undo_name", record.undo_name);
}

void AddFields(const ForkRecord& record, JsonFields* fields) {
  fields->Number("child_actor_id", record.child.value);
  fields->Number("txid", record.txid.value);
  fields->Number("created_at_us", record.created_at_us);
}

void AddFields(const SettingRecord& record, JsonFields* fields) {
  fields->Number("value", record.value);
}

void AddFields(const HintsRecord& record, JsonFields* fields) {
  fields->Number("generation", record.generation.value);
  fields->Number("new_hit_ratio", record.new_hit_ratio);
  JsonArray ranges;
  for (const HintRange& range : record.ranges) {
    JsonFields one;
    one.Number("first", range.first);
    one.Number("page_count", range.page_count);
    one.Number("hit_ratio", range.hit_ratio);
    one.Flag("is_judged", range.is_judged);
    ranges.Add(one.Object());
  }
  fields->Json("ranges", ranges.Array());
}

void AddFields(const LegacyRecord& record, JsonFields* fields) {
  fields->Text("state", LegacyStateName(record.state));
  fields->Number("legacy_id", record.legacy.value);
  fields->Text("form", LegacyFormName(record.form));
  fields->Number("layouts", record.layouts);
  fields->Number("pair_count", record.pair_count);
  fields->Number("bytes", record.bytes);
  fields->Number("sqlite_bytes", record.sqlite_bytes);
  fields->Number("imported_at_us", record.imported_at_us);
  fields->Flag("opaque", record.opaque());
  fields->Number("limit_key_bytes", record.limit_key_bytes);
  fields->Number("limit_value_bytes", record.limit_value_bytes);
  fields->Number("oversized_count", record.oversized_count);
  fields->Number("attempts", record.attempts);
  fields->Text("phase", LegacyPhaseName(record.phase));
  fields->Json("phase_us", PhasesJson(record));
  fields->Json("lease", LeaseJson(record.lease));
  fields->Number("migrated_txid", record.migrated_txid.value);
  fields->Number("migrated_at_us", record.migrated_at_us);
  fields->Number("dropped_at_us", record.dropped_at_us);
  fields->Json("progress", ProgressJson(record.progress));
  fields->Number("last_txid", record.last_txid.value);
  fields->Number("last_generation", record.last_generation.value);
  fields->Json("repairs", TextsJson(record.repairs));
  fields->Json("warnings", TextsJson(record.warnings));
  fields->Text("error", record.error);
  fields->Text("metadata_json", record.metadata_json);
}

void AddFields(const ClockStep& step, JsonFields* fields) {
  fields->Number("begin_us", step.begin_us);
  fields->Number("wall_us", step.wall_us);
  fields->Hash("boot_id", step.boot.boot_id);
  fields->Number("since_boot_us", step.boot.at_us);
  fields->Number("jump_us", step.jump_us);
  fields->Flag("seen_running", step.seen_running);
}

void AddFields(const DecodedChunk& chunk, JsonFields* fields) {
  fields->Text("codec", CodecName(chunk.codec));
  fields->Number("payload_bytes", chunk.payload.size());
  fields->Hash("page_hash", chunk.page_hash);
  if (chunk.codec == Codec::kDelta) AddDelta(chunk.delta, fields);
  if (chunk.codec == Codec::kGap) AddGap(chunk.payload, fields);
}

Status CheckPageList(const CommitRecord& record) {
  if (!record.page_list.has_value()) return Status::Ok();
  return VisitPageRuns(*record.page_list, [](const PageRun&) {});
}

}  // namespace actorkv
