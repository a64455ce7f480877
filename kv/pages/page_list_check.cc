#include "kv/pages/page_list_check.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "kv/format/chunk.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/format/page_list.h"
#include "kv/pages/batch_chunks.h"

namespace actorkv {

namespace {

// The head of the actor that the batch expects; nullopt: none, or it cannot be
// read.
std::optional<Head> ExpectedHead(const Batch& batch, ActorId actor) {
  for (const Batch::Guard& guard : batch.guards()) {
    if (guard.partition != ActorPartition(actor) || guard.key != HeadKey() ||
        !guard.expected.has_value()) {
      continue;
    }
    Head head;
    if (DecodeRecord(guard.key, *guard.expected, &head).ok()) return head;
  }
  return std::nullopt;
}

// The version at which a branch begins; nullopt where its commit has expired.
std::optional<Snapshot> SnapshotAt(EngineReader* reader,
                                   const BranchPoint& point) {
  std::optional<CommitRecord> record;
  if (!GetRecord(reader, ActorPartition(point.actor),
                 CommitKey(point.branch, point.txid), &record)
           .ok() ||
      !record.has_value()) {
    return std::nullopt;
  }
  return record->snapshot;
}

// What a commit stores, as its batch and the engine have it.
struct Stored {
  Snapshot snapshot;
  CommitRecord record;
  std::optional<BranchRecord> begun;  // none: the branch goes on
  std::vector<PageNo> pages;          // in order

  std::string At(PageNo pgno) const {
    return ChunkName({snapshot.branch, pgno, snapshot.txid});
  }
};

// Errors: kCorruption, of the records in the batch.
Status ReadRecords(const HeadState& made, const Batch& batch, Stored* stored) {
  stored->snapshot = made.head.snapshot;
  const Snapshot& snapshot = stored->snapshot;
  const Partition partition = ActorPartition(made.entry.actor);
  const std::string key = CommitKey(snapshot.branch, snapshot.txid);
  const auto commit = FindPut(batch, partition, key);
  if (!commit.has_value()) return Status::Corruption("no commit record");
  if (Status s = DecodeRecord(key, *commit, &stored->record); !s.ok()) return s;
  const std::string branch_key = BranchRecordKey(snapshot.branch);
  const auto branch = FindPut(batch, partition, branch_key);
  if (!branch.has_value()) return Status::Ok();
  return DecodeRecord(branch_key, *branch, &stored->begun.emplace());
}

// Adds the pages that a stage has, which the commit makes a branch. What was
// cut off again is stored there, too, and is of no version.
Status AddStagedPages(EngineReader* reader, Stored* stored) {
  const Snapshot& snapshot = stored->snapshot;
  return reader->Visit(BranchPartition(snapshot.branch), "",
                       [&](std::string_view key, std::string_view) {
                         PageNo pgno = 0;
                         TxId txid;
                         if (ParseChunkKey(key, &pgno, &txid).ok() &&
                             txid == snapshot.txid &&
                             pgno <= snapshot.page_count) {
                           stored->pages.push_back(pgno);
                         }
                         return true;
                       });
}

// Errors: those of the engine.
Status ReadPages(EngineReader* reader, const Batch& batch, Stored* stored) {
  const Snapshot& snapshot = stored->snapshot;
  for (const auto& [pgno, value] :
       ChunksOf(batch, snapshot.branch, snapshot.txid)) {
    stored->pages.push_back(pgno);
  }
  if (stored->begun.has_value()) {
    if (Status s = AddStagedPages(reader, stored); !s.ok()) return s;
  }
  // A page may be staged, and be stored with the commit once more.
  std::vector<PageNo>& pages = stored->pages;
  std::sort(pages.begin(), pages.end());
  pages.erase(std::unique(pages.begin(), pages.end()), pages.end());
  return Status::Ok();
}

// The version that the commit begins with; nullopt where that is not known. A
// branch without a parent begins with nothing.
std::optional<Snapshot> SnapshotBefore(EngineReader* reader,
                                       const HeadState& made,
                                       const Batch& batch,
                                       const Stored& stored) {
  std::optional<Snapshot> before;
  const std::optional<Head> head = ExpectedHead(batch, made.entry.actor);
  if (head.has_value()) before = head->snapshot;
  if (!stored.begun.has_value()) return before;
  const std::optional<BranchPoint>& parent = stored.begun->parent;
  if (!parent.has_value()) return Snapshot{};
  if (before.has_value() && before->branch == parent->branch &&
      before->txid == parent->txid) {
    return before;
  }
  return SnapshotAt(reader, *parent);
}

std::string GrowthBreach(const Snapshot& before, const Stored& stored) {
  const Snapshot& after = stored.snapshot;
  const std::vector<PageNo>& pages = stored.pages;
  // Pages of another size do not show through.
  const uint32_t shown =
      before.page_size == after.page_size ? before.page_count : 0;
  for (PageNo pgno = shown + 1; pgno <= after.page_count; ++pgno) {
    if (pgno != LockPage(after.page_size) &&
        !std::binary_search(pages.begin(), pages.end(), pgno)) {
      return "the database grew by a page that is not stored: " +
             stored.At(pgno);
    }
  }
  return "";
}

// The first page that only one of both has, which are in order; 0: none.
PageNo FirstDifference(const std::vector<PageNo>& a,
                       const std::vector<PageNo>& b) {
  const auto [at_a, at_b] =
      std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (at_a == a.end()) return at_b == b.end() ? 0 : *at_b;
  return at_b == b.end() ? *at_a : std::min(*at_a, *at_b);
}

std::string ListBreach(const Stored& stored) {
  // A list that would be too long is left out.
  if (!stored.record.page_list.has_value()) return "";
  std::vector<PageNo> listed;
  if (!DecodePageList(*stored.record.page_list, ~PageNo{0}, &listed).ok()) {
    return "the page list cannot be read: " + stored.At(0);
  }
  const PageNo pgno = FirstDifference(listed, stored.pages);
  if (pgno == 0) return "";
  return "the page list names other pages than are stored: " + stored.At(pgno);
}

}  // namespace

std::string BreachInPageList(Engine* engine, const HeadState& made,
                             const Batch& batch) {
  Stored stored;
  if (Status s = ReadRecords(made, batch, &stored); !s.ok()) {
    return "the records of a commit cannot be read: " +
           std::string(s.message()) + ": " + stored.At(0);
  }
  const std::unique_ptr<EngineReader> reader = engine->NewReader();
  if (!ReadPages(reader.get(), batch, &stored).ok()) return "";
  const std::optional<Snapshot> before =
      SnapshotBefore(reader.get(), made, batch, stored);
  std::string breach;
  if (before.has_value()) breach = GrowthBreach(*before, stored);
  return breach.empty() ? ListBreach(stored) : breach;
}

}  // namespace actorkv
