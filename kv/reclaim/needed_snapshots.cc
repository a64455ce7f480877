#include "kv/reclaim/needed_snapshots.h"

#include <memory>
#include <optional>
#include <utility>

#include "kv/engine/prefix_scan.h"
#include "kv/format/get_record.h"
#include "kv/format/history_records.h"
#include "kv/format/keys.h"
#include "kv/reclaim/retained.h"

namespace actorkv {

namespace {

class Finder {
 public:
  Finder(EngineReader* reader, ActorId actor)
      : reader_(reader), actor_(actor) {}

  void AddHead() {
    std::optional<Head> head;
    if (GetRecord(reader_, ActorPartition(actor_), HeadKey(), &head).ok() &&
        head.has_value()) {
      Add("the head", head->snapshot);
    }
  }

  void AddPoints() {
    ForEach(RestorePointPrefix(), [this](const KeyValue& pair) {
      RestorePointRecord point;
      if (!DecodeRecord(pair.key, pair.value, &point).ok()) return;
      // Of an actor that is over no commit is there, and no point counts.
      const auto record = FindCommit(actor_, point.branch, point.txid);
      if (record.has_value()) Add("a restore point", record->snapshot);
    });
  }

  void AddForks() {
    ForEach(ForkPrefix(), [this](const KeyValue& pair) {
      ForkRecord fork;
      Snapshot begin;
      BranchId child;
      if (!ParseForkKey(pair.key, &begin.branch, &child).ok() ||
          !DecodeRecord(pair.key, pair.value, &fork).ok() ||
          !BeginsAt(fork.child, child, begin.branch)) {
        return;
      }
      begin.txid = fork.txid;
      begin.page_count = kAnyPageCount;
      const auto record = FindCommit(actor_, begin.branch, begin.txid);
      Add("a fork", record.has_value() ? record->snapshot : begin);
    });
  }

  void AddCounted(const std::vector<PinnedSnapshot>& counted) {
    for (const PinnedSnapshot& read : counted) {
      found_.push_back({"a reader", read});
    }
  }

  void AddPinned(const std::vector<PinnedSnapshot>& pinned) {
    for (const PinnedSnapshot& read : pinned) {
      if (FindCommit(read.lineage->front().actor, read.snapshot.branch,
                     read.snapshot.txid)
              .has_value()) {
        found_.push_back({"a pin", read});
      }
    }
  }

  std::vector<NeededSnapshot> Take() { return std::move(found_); }

 private:
  template <typename Visit>
  void ForEach(const std::string& prefix, const Visit& visit) {
    // Where the engine fails, the reclaim that is checked does, too.
    static_cast<void>(ForEachPair(reader_,
                                  {ActorPartition(actor_), prefix, prefix},
                                  [&](const KeyValue& pair) {
                                    visit(pair);
                                    return Status::Ok();
                                  }));
  }

  std::optional<CommitRecord> FindCommit(ActorId actor, BranchId branch,
                                         TxId txid) {
    std::optional<CommitRecord> record;
    if (!GetRecord(reader_, ActorPartition(actor), CommitKey(branch, txid),
                   &record)
             .ok()) {
      return std::nullopt;
    }
    return record;
  }

  bool BeginsAt(ActorId child_actor, BranchId child, BranchId parent) {
    BranchRecord record;
    return LoadBranchRecord(reader_, child_actor, child, &record).ok() &&
           record.parent.has_value() && record.parent->branch == parent;
  }

  void Add(const std::string& who, const Snapshot& snapshot) {
    PinnedSnapshot read;
    read.snapshot = snapshot;
    if (LoadLineageOf(reader_, actor_, snapshot, &read.lineage).ok()) {
      found_.push_back({who, std::move(read)});
    }
  }

  EngineReader* const reader_;
  const ActorId actor_;
  std::vector<NeededSnapshot> found_;
};

}  // namespace

std::vector<NeededSnapshot> FindNeededSnapshots(
    Engine* engine, PinTable* pins, ActorId actor,
    const std::vector<PinnedSnapshot>& counted) {
  // Pins come first: a record that is read after that is there for them.
  const std::vector<PinnedSnapshot> pinned = pins->Snapshots();
  const std::unique_ptr<EngineReader> reader = engine->NewReader();
  Finder finder(reader.get(), actor);
  finder.AddHead();
  finder.AddPoints();
  finder.AddForks();
  finder.AddCounted(counted);
  finder.AddPinned(pinned);
  return finder.Take();
}

}  // namespace actorkv
