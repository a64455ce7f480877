#include "kv/pages/commit_records.h"

#include <utility>

#include "kv/format/keys.h"
#include "kv/format/page_list.h"

namespace actorkv {

Status CommitRecords::Put(const CommitSpec& spec, const CommitStamp& stamp,
                          MadeVersion version, Batch* batch,
                          std::shared_ptr<const HeadState>* state) const {
  auto made = std::make_shared<HeadState>(base_);
  SetHead(stamp, version, made.get());
  if (!base_.exists) SetEntry(stamp, version, made.get());
  // What goes with the commit is asked for once the actor's id is known, and
  // before the head: on an engine that commits partition by partition the head
  // is last.
  if (spec.also != nullptr) {
    if (Status s = spec.also(*made, batch); !s.ok()) return s;
  }
  if (version.begins_branch) PutBranchRecord(version, batch, made.get());
  const ActorId actor = version.actor;
  PutCommitRecord(spec, made->head, std::move(version), batch);
  PutHead(actor, batch, made.get());
  if (!base_.exists) TakeName(name_, base_, made->entry_bytes, batch);
  *state = std::move(made);
  return Status::Ok();
}

void CommitRecords::SetHead(const CommitStamp& stamp,
                            const MadeVersion& version,
                            HeadState* state) const {
  Head& head = state->head;
  if (!base_.exists) {
    head = Head{};
    // A name that is used again begins above all generations that it had, so
    // that a writer of the deleted actor stays shut out.
    head.generation = Generation{base_.generation_floor.value + 1};
  }
  head.snapshot = version.snapshot;
  head.digest = version.digest;
  head.committed_at_us = stamp.committed_at_us;
  head.commit_id = stamp.commit_id;
  head.stored_bytes += version.written_bytes;
  state->first_page_of =
      head.snapshot.page_count == 0 ? Snapshot{} : head.snapshot;
  state->first_page_hash = version.first_page_hash;
}

// Of an actor that had no head.
void CommitRecords::SetEntry(const CommitStamp& stamp,
                             const MadeVersion& version,
                             HeadState* state) const {
  state->entry.state = ActorState::kLive;
  if (!base_.is_legacy) {
    state->entry = MakeEntry(base_, version.actor, ActorState::kLive,
                             stamp.committed_at_us);
  }
  state->exists = true;
  state->is_legacy = false;
  state->entry_bytes = EncodeRecord(ActorEntryKey(name_), state->entry);
}

void CommitRecords::PutBranchRecord(const MadeVersion& version, Batch* batch,
                                    HeadState* state) const {
  const BranchId branch = version.snapshot.branch;
  auto lineage = std::make_shared<Lineage>();
  lineage->push_back({version.actor, branch, version.snapshot.txid});
  BranchRecord record;
  record.first_txid = version.snapshot.txid;
  record.chunk_count = version.changed_page_count;
  record.created_at_us = branch.value;
  if (source_.exists && !version.is_whole) {
    const Snapshot& source = source_.head.snapshot;
    record.parent =
        BranchPoint{source_.entry.actor, source.branch, source.txid};
    lineage->push_back(*record.parent);
    // The source's own first level is replaced by the point at which this
    // branch leaves it; what lies below is the same.
    lineage->insert(lineage->end(), source_.lineage->begin() + 1,
                    source_.lineage->end());
  }
  const std::string key = BranchRecordKey(branch);
  batch->Put(ActorPartition(version.actor), key, EncodeRecord(key, record));
  if (version.ends_stage) batch->Delete(CatalogPartition(), StageKey(branch));
  state->lineage = std::move(lineage);
}

void CommitRecords::PutCommitRecord(const CommitSpec& spec, const Head& head,
                                    MadeVersion version, Batch* batch) const {
  CommitRecord record;
  record.generation = head.generation;
  record.snapshot = head.snapshot;
  record.digest = head.digest;
  record.committed_at_us = head.committed_at_us;
  record.commit_id = head.commit_id;
  record.changed_page_count = version.changed_page_count;
  record.written_bytes = version.written_bytes;
  record.origin = spec.origin;
  record.base_txid = source_.head.snapshot.txid;
  std::string list = EncodePageList(std::move(version.pages));
  // A commit without its list is whole: who wants to know what changed compares
  // the pages (kv/history/page_changes.h).
  if (list.size() <= kMaxPageListBytes) record.page_list = std::move(list);
  // It is what makes a gap in history visible: a commit that replaced another
  // one than its neighbour has lost one in between.
  record.replaced_txid =
      base_.exists ? base_.head.snapshot.txid : base_.txid_floor;
  const std::string key = CommitKey(head.snapshot.branch, head.snapshot.txid);
  batch->Put(ActorPartition(version.actor), key, EncodeRecord(key, record));
}

void CommitRecords::PutHead(ActorId actor, Batch* batch,
                            HeadState* state) const {
  const Partition partition = ActorPartition(actor);
  state->head_bytes = EncodeRecord(HeadKey(), state->head);
  batch->Put(partition, HeadKey(), state->head_bytes);
  std::optional<std::string_view> expected;
  // The guard is the whole record, not its txid: a head that was restored to an
  // older commit, or taken over, has another one.
  if (base_.exists) expected = base_.head_bytes;
  batch->AddGuard(partition, HeadKey(), expected);
}

ActorEntry MakeEntry(const HeadState& before, ActorId actor, ActorState state,
                     uint64_t created_at_us) {
  ActorEntry entry;
  entry.actor = actor;
  entry.state = state;
  entry.created_at_us = created_at_us;
  // Floors go with the name. SQLite compares counters of the file that it had
  // open under it before.
  entry.stamp_floor = before.entry.stamp_floor;
  entry.cookie_floor = before.entry.cookie_floor;
  return entry;
}

void TakeName(const std::string& name, const HeadState& before,
              std::string_view entry_bytes, Batch* batch) {
  const std::string key = ActorEntryKey(name);
  std::optional<std::string_view> expected;
  if (!before.entry_bytes.empty()) expected = before.entry_bytes;
  // The actor that had the name keeps its history under its id, where reclaim
  // finds it until the retention ends.
  if (expected.has_value() && !before.is_legacy) {
    const std::string old_key = DeletedEntryKey(before.entry.actor);
    batch->Put(CatalogPartition(), old_key,
               EncodeRecord(old_key, before.entry));
  }
  batch->Put(CatalogPartition(), key, entry_bytes);
  batch->AddGuard(CatalogPartition(), key, expected);
}

}  // namespace actorkv
