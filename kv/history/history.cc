#include "kv/history/history.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kv/base/affix.h"
#include "kv/base/time_text.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/store/lineage.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

constexpr size_t kBranchesAtOnce = 256;

}  // namespace

History::History(EngineReader* reader, ActorId actor)
    : reader_(reader), actor_(actor) {}

Status History::Load() {
  branches_.clear();
  std::string start = BranchRecordPrefix();
  bool more = true;
  while (more) {
    std::vector<KeyValue> pairs;
    if (Status s = reader_->Scan(ActorPartition(actor_), start, kBranchesAtOnce,
                                 &pairs);
        !s.ok()) {
      return s;
    }
    more = pairs.size() == kBranchesAtOnce;
    for (const KeyValue& pair : pairs) {
      more = more && BeginsWith(pair.key, BranchRecordPrefix());
      if (!BeginsWith(pair.key, BranchRecordPrefix())) break;
      Branch branch;
      BranchRecord record;
      if (Status s = ParseBranchRecordKey(pair.key, &branch.id); !s.ok()) {
        return s;
      }
      if (Status s = DecodeRecord(pair.key, pair.value, &record); !s.ok()) {
        return s;
      }
      branch.first_txid = record.first_txid;
      branches_.push_back(branch);
      start = pair.key + '\0';
    }
  }
  // Newest first: of the branches that had begun by a txid, the one that began
  // last has that commit, or the one before it.
  std::sort(branches_.begin(), branches_.end(),
            [](const Branch& a, const Branch& b) {
              return b.first_txid < a.first_txid;
            });
  return Status::Ok();
}

Status History::FindOn(const Branch& branch, TxId txid, bool* found,
                       CommitRecord* record) {
  std::vector<std::optional<KeyValue>> pairs;
  if (Status s = reader_->Seek(ActorPartition(actor_),
                               {CommitKey(branch.id, txid)}, &pairs);
      !s.ok()) {
    return s;
  }
  // Txids are inverted in keys, so the first key at or after this one is the
  // newest commit that is not newer.
  *found = pairs[0].has_value() &&
           BeginsWith(pairs[0]->key, CommitPrefix(branch.id));
  if (!*found) return Status::Ok();
  return DecodeRecord(pairs[0]->key, pairs[0]->value, record);
}

Status History::FindBefore(TxId txid, bool* found, CommitRecord* record) {
  *found = false;
  for (const Branch& branch : branches_) {
    if (txid < branch.first_txid) continue;
    if (Status s = FindOn(branch, txid, found, record); !s.ok() || *found) {
      return s;
    }
  }
  return Status::Ok();
}

Status History::Find(TxId txid, bool* found, CommitRecord* record) {
  CommitRecord before;
  // A txid is looked for on every branch that may have it, as its branch is not
  // known.
  if (Status s = FindBefore(txid, found, &before); !s.ok()) return s;
  *found = *found && before.snapshot.txid == txid;
  if (*found) *record = before;
  return Status::Ok();
}

Status History::FindNewest(bool* found, CommitRecord* record) {
  return FindBefore(kLastTxId, found, record);
}

// Finds the commits around a time by halving, as times go up with txids.
Status History::FindAround(uint64_t at_us, CommitsAround* around) {
  CommitsAround looked;
  bool found = false;
  CommitRecord newest;
  if (Status s = FindNewest(&found, &newest); !s.ok()) return s;
  // Commit `low` and those before it are early enough; `high` is too late.
  uint64_t low = 0;
  uint64_t high = found ? newest.snapshot.txid.value : 0;
  if (found) {
    const bool is_early = newest.committed_at_us <= at_us;
    (is_early ? looked.before : looked.after) = newest;
    if (is_early) high = 0;
  }
  while (low + 1 < high) {
    // Txids have holes, where commits failed or expired: the commit at or
    // before the middle is asked for.
    const uint64_t middle = low + (high - low) / 2;
    CommitRecord record;
    if (Status s = FindBefore({middle}, &found, &record); !s.ok()) return s;
    if (found && record.committed_at_us > at_us) {
      high = record.snapshot.txid.value;
      looked.after = std::move(record);
      continue;
    }
    low = middle;
    if (found) looked.before = std::move(record);
  }
  *around = std::move(looked);
  return Status::Ok();
}

Status History::FindOldest(bool* found, CommitRecord* record) {
  *found = false;
  for (auto branch = branches_.rbegin(); branch != branches_.rend(); ++branch) {
    bool there = false;
    CommitRecord newest;
    if (Status s = FindOn(*branch, kLastTxId, &there, &newest); !s.ok()) {
      return s;
    }
    // A branch without records has expired as a whole, or none of its commits
    // landed.
    if (!there) continue;
    // Reclaim removes the oldest records first, so the first that is left is
    // found by halving.
    uint64_t low = branch->first_txid.value;
    uint64_t high = newest.snapshot.txid.value;
    *record = newest;
    while (low < high) {
      const uint64_t middle = low + (high - low) / 2;
      if (Status s = FindOn(*branch, {middle}, &there, &newest); !s.ok()) {
        return s;
      }
      if (there) {
        *record = newest;
        high = newest.snapshot.txid.value;
        if (high <= low) break;
        high = std::min(high, middle);
      } else {
        low = middle + 1;
      }
    }
    *found = true;
    return Status::Ok();
  }
  return Status::Ok();
}

std::string DescribeCommit(const CommitRecord& record, const TimeMap& times) {
  return std::to_string(record.snapshot.txid.value) + " of " +
         TimeText(times.Wall(record.committed_at_us));
}

std::string History::DescribeOldest(const TimeMap& times) {
  bool found = false;
  CommitRecord oldest;
  if (!FindOldest(&found, &oldest).ok() || !found) return "";
  return DescribeCommit(oldest, times);
}

Status CommitScan::Next(bool* found, CommitRecord* record) {
  if (!loaded_) {
    if (Status s = history_.Load(); !s.ok()) return s;
    loaded_ = true;
    next_ = kLastTxId;
  }
  *found = false;
  if (next_ == TxId{}) return Status::Ok();
  if (Status s = history_.FindBefore(next_, found, record); !s.ok()) return s;
  if (*found) next_ = {record->snapshot.txid.value - 1};
  return Status::Ok();
}

Status GuardVersion(Store* store, const HeadState& version, Batch* batch) {
  const std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  const Snapshot& snapshot = version.head.snapshot;
  const Partition partition = ActorPartition(version.entry.actor);
  const std::string key = CommitKey(snapshot.branch, snapshot.txid);
  std::optional<std::string> value;
  if (Status s = GetValue(reader.get(), partition, key, &value); !s.ok()) {
    return s;
  }
  // The record goes before any page of the commit does, so it alone tells
  // whether the version is whole.
  if (!value.has_value()) {
    History history(reader.get(), version.entry.actor);
    TimeMap times;
    std::string oldest;
    if (history.Load().ok() &&
        LoadTimeMap(reader.get(), store->clock(), 0, &times).ok()) {
      oldest = history.DescribeOldest(times);
    }
    return Status::Conflict(
        "the commit has expired: txid=" + std::to_string(snapshot.txid.value) +
        (oldest.empty() ? "" : "; the oldest that is available is " + oldest));
  }
  batch->AddGuard(partition, key, *value);
  return Status::Ok();
}

// Pins first and looks after that. The record goes before the pages do, and
// reclaim looks at pins in between (kv/store/pins.h): so one look after the pin
// tells.
Status PinVersion(Store* store, const HeadState& version, Pin* pin) {
  store->pins()->Add(version.head.snapshot, version.lineage, pin);
  Batch unused;
  Status s = GuardVersion(store, version, &unused);
  if (!s.ok()) pin->Release();
  return s;
}

Status PinCommit(Store* store, const HeadState& state,
                 const CommitRecord& record, Pin* pin,
                 std::shared_ptr<const HeadState>* version) {
  const std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  std::shared_ptr<const HeadState> loaded;
  Status damaged = LoadVersion(reader.get(), state, record, &loaded);
  if (damaged.ok()) {
    Status s = PinVersion(store, *loaded, pin);
    if (s.ok()) *version = std::move(loaded);
    return s;
  }
  // Records of its branches go with the commit, so an expired one may look
  // damaged: that is looked at before damage is told.
  // A version of which only the commit is known is enough to ask for its
  // record.
  HeadState commit;
  commit.entry = state.entry;
  commit.head.snapshot = record.snapshot;
  Batch unused;
  if (Status s = GuardVersion(store, commit, &unused); !s.ok()) return s;
  return damaged;
}

// Looks again where the epoch rose. It is read before the record, as it rises
// before anyone reads something newer.
Status CheckNotExpired(Store* store, const HeadState& version,
                       uint64_t* epoch) {
  if (store->side() != nullptr) {
    // As long as all pins hold, nothing has expired.
    Batch unused;
    return version.exists && *epoch != store->epoch()
               ? GuardVersion(store, version, &unused)
               : Status::Ok();
  }
  while (store->read_only() && version.exists && *epoch != store->epoch()) {
    const uint64_t now = store->epoch();
    Batch unused;
    if (Status s = GuardVersion(store, version, &unused); !s.ok()) {
      return s;
    }
    *epoch = now;
  }
  return Status::Ok();
}

Status LoadVersion(EngineReader* reader, const HeadState& state,
                   const CommitRecord& record,
                   std::shared_ptr<const HeadState>* version) {
  // The rest, as the entry and the bytes of the head, stays that of the actor
  // as it is.
  auto made = std::make_shared<HeadState>(state);
  made->exists = true;
  made->head.generation = record.generation;
  made->head.snapshot = record.snapshot;
  made->head.digest = record.digest;
  made->head.committed_at_us = record.committed_at_us;
  made->head.commit_id = record.commit_id;
  if (Status s = LoadLineageOf(reader, state.entry.actor, record.snapshot,
                               &made->lineage);
      !s.ok()) {
    return s;
  }
  *version = std::move(made);
  return Status::Ok();
}

}  // namespace actorkv
