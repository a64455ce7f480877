#include "tests/model/reclaim_space.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "kv/format/chunk.h"
#include "kv/format/keys.h"
#include "kv/pages/branch_reader.h"

namespace actorkv {
namespace {

using Place = std::tuple<BranchId, PageNo, TxId>;

void AddRead(const TestStore& store, const HeadState& version,
             std::set<Place>* places) {
  BranchReader reader(store->engine());
  const Snapshot& snapshot = version.head.snapshot;
  reader.SetSnapshot(snapshot, version.lineage);
  for (PageNo pgno = 1; pgno <= snapshot.page_count; ++pgno) {
    PageVersion found;
    EXPECT_OK(reader.FindPage(pgno, &found));
    places->emplace(found.id.branch, pgno, found.id.txid);
  }
}

}  // namespace

bool GoesThrough(const HeadState& version, ActorId actor) {
  return std::any_of(
      version.lineage->begin(), version.lineage->end(),
      [actor](const BranchPoint& point) { return point.actor == actor; });
}

void ExpectSameButFirst(const std::vector<std::string>& pages,
                        const std::vector<std::string>& source) {
  ASSERT_EQ(pages.size(), source.size());
  for (size_t i = 1; i < pages.size(); ++i) ASSERT_TRUE(pages[i] == source[i]);
}

std::vector<std::string> RecordKeys(const TestStore& store, ActorId actor,
                                    const std::string& prefix) {
  std::vector<std::string> keys;
  for (const KeyValue& pair : store.Scan(ActorPartition(actor))) {
    if (pair.key.substr(0, prefix.size()) == prefix) keys.push_back(pair.key);
  }
  return keys;
}

std::shared_ptr<const HeadState> WithLineageOfNow(const TestStore& store,
                                                  const HeadState& version) {
  auto now = std::make_shared<HeadState>(version);
  EXPECT_OK(LoadLineage(store->engine()->NewReader().get(), version.entry.actor,
                        version.head.snapshot.branch, &now->lineage));
  return now;
}

bool FindKept(const TestStore& store, const Line& line,
              const std::deque<Reader>& readers,
              std::vector<std::shared_ptr<const HeadState>>* kept) {
  for (const Version& version : line.versions) {
    const TxId txid = version.state->head.snapshot.txid;
    const bool is_point =
        std::any_of(line.points.begin(), line.points.end(),
                    [txid](const auto& point) { return point.second == txid; });
    const bool is_head = &version == &line.versions.back();
    if (line.deleted_at_us != 0 || !(is_head || is_point)) continue;
    kept->push_back(WithLineageOfNow(store, *version.state));
  }
  for (const Reader& reader : readers) {
    const HeadState& read = *reader.version.state;
    if (read.entry.actor == line.id) {
      kept->push_back(WithLineageOfNow(store, read));
      if (kept->back()->lineage->size() != read.lineage->size()) return false;
    } else if (GoesThrough(read, line.id)) {
      return false;
    }
  }
  return true;
}

SpaceLeft LookAtSpace(
    const TestStore& store, ActorId actor,
    const std::vector<std::shared_ptr<const HeadState>>& versions) {
  std::set<Place> places;
  for (const auto& version : versions) AddRead(store, *version, &places);
  SpaceLeft left;
  for (const std::string& key :
       RecordKeys(store, actor, BranchRecordPrefix())) {
    BranchId branch;
    EXPECT_OK(ParseBranchRecordKey(key, &branch));
    // Newest first, so a delta comes before its base.
    for (const KeyValue& pair : store.Scan(BranchPartition(branch))) {
      ChunkId id{branch, 0, {}};
      DecodedChunk chunk;
      EXPECT_OK(ParseChunkKey(pair.key, &id.pgno, &id.txid));
      EXPECT_OK(DecodeChunk(id, pair.value, &chunk));
      ++left.chunks;
      if (places.count({branch, id.pgno, id.txid}) == 0) ++left.unneeded;
      if (chunk.codec != Codec::kDelta) continue;
      places.emplace(branch, id.pgno, chunk.delta.form.base);
      ++left.deltas;
    }
  }
  return left;
}

}  // namespace actorkv
