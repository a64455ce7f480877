#include "kv/pages/chunk_batch.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kv/format/keys.h"
#include "kv/pages/delta_reader.h"

namespace actorkv {
namespace {

// One branch of a lineage, up to its bound.
struct Level {
  BranchId branch;
  TxId bound;
};

std::vector<std::string_view> ViewsOf(const std::vector<std::string>& keys) {
  return {keys.begin(), keys.end()};
}

// Moves the pages that this level has from `missing` to `found`.
Status SeekLevel(EngineReader* reader, const Level& level,
                 std::vector<PageNo>* missing, std::vector<FoundChunk>* found) {
  std::vector<std::string> keys;
  keys.reserve(missing->size());
  for (const PageNo pgno : *missing) {
    keys.push_back(ChunkKey(pgno, level.bound));
  }
  std::vector<std::optional<KeyValue>> pairs;
  if (Status s =
          reader->Seek(BranchPartition(level.branch), ViewsOf(keys), &pairs);
      !s.ok()) {
    return s;
  }
  std::vector<PageNo> left;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const PageNo wanted = (*missing)[i];
    FoundChunk chunk;
    chunk.id.branch = level.branch;
    // Without a version at or below the bound the seek ends at another page.
    if (!pairs[i].has_value() ||
        !ParseChunkKey(pairs[i]->key, &chunk.id.pgno, &chunk.id.txid).ok() ||
        chunk.id.pgno != wanted) {
      left.push_back(wanted);
      continue;
    }
    chunk.value = std::move(pairs[i]->value);
    found->push_back(std::move(chunk));
  }
  *missing = std::move(left);
  return Status::Ok();
}

// Reads the bases of the deltas among the chunks from `first` on, which are of
// one branch, and drops what is damaged.
Status ReadBases(EngineReader* reader, BranchId branch, size_t first,
                 std::vector<FoundChunk>* found) {
  std::vector<std::string> keys;
  std::vector<size_t> deltas;  // indexes of `found`
  for (size_t i = first; i < found->size(); ++i) {
    FoundChunk& chunk = (*found)[i];
    DecodedChunk decoded;
    if (!DecodeChunk(chunk.id, chunk.value, &decoded).ok()) {
      chunk.value.clear();
    } else if (decoded.codec == Codec::kDelta) {
      keys.push_back(ChunkKey(chunk.id.pgno, decoded.delta.form.base));
      deltas.push_back(i);
    }
  }
  if (!deltas.empty()) {
    // Sought, not got: a base lies close behind its delta, where `reader` is.
    std::vector<std::optional<KeyValue>> pairs;
    if (Status s = reader->Seek(BranchPartition(branch), ViewsOf(keys), &pairs);
        !s.ok()) {
      return s;
    }
    for (size_t i = 0; i < deltas.size(); ++i) {
      FoundChunk& chunk = (*found)[deltas[i]];
      if (pairs[i].has_value() && pairs[i]->key == keys[i]) {
        chunk.base = std::move(pairs[i]->value);
      } else {
        chunk.value.clear();
      }
    }
  }
  const auto is_dropped = [](const FoundChunk& chunk) {
    return chunk.value.empty();
  };
  found->erase(std::remove_if(found->begin() + static_cast<ptrdiff_t>(first),
                              found->end(), is_dropped),
               found->end());
  return Status::Ok();
}

}  // namespace

Status FindChunks(EngineReader* reader, const Snapshot& snapshot,
                  const Lineage& lineage, std::vector<PageNo> pages,
                  std::vector<FoundChunk>* found) {
  for (size_t i = 0; i < lineage.size() && !pages.empty(); ++i) {
    const BranchId branch = lineage[i].branch;
    // The first branch that has the page decides: versions of a younger branch
    // hide those of its parents.
    const size_t first = found->size();
    if (Status s = SeekLevel(reader,
                             {branch, i == 0 ? snapshot.txid : lineage[i].txid},
                             &pages, found);
        !s.ok()) {
      return s;
    }
    if (Status s = ReadBases(reader, branch, first, found); !s.ok()) return s;
  }
  return Status::Ok();
}

StoredForm FormIn(BranchId branch, const ChunkId& id,
                  const DecodedChunk& chunk) {
  StoredForm form;
  // A page of a parent branch can be no base here: reclaim of that branch does
  // not know of deltas in this one.
  if (id.branch != branch) return form;
  form.base = id.txid;
  if (chunk.codec == Codec::kDelta) form = chunk.delta.form;
  return form;
}

Status CacheChunk(uint64_t cache_id, const Snapshot& snapshot,
                  const ChunkView& chunk, PageCache::Source source) {
  DecodedChunk decoded;
  if (Status s = DecodeChunk(chunk.id, chunk.value, &decoded); !s.ok()) {
    return s;
  }
  std::string page(snapshot.page_size, '\0');
  // A delta of another size is an error, and needs no base for that.
  if (decoded.codec == Codec::kDelta &&
      decoded.delta.page_size == snapshot.page_size) {
    if (Status s = UnpackBase(chunk.id, decoded.delta, chunk.base, page.data());
        !s.ok()) {
      return s;
    }
  }
  if (Status s = UnpackPage(chunk.id, decoded, snapshot.page_size, page.data());
      !s.ok()) {
    return s;
  }
  PageCache::Instance()->Insert(
      {cache_id, snapshot.branch, chunk.id.pgno}, snapshot.txid,
      CachedPage::Make({chunk.id.txid, decoded.page_hash}, page,
                       FormIn(snapshot.branch, chunk.id, decoded)),
      source);
  return Status::Ok();
}

}  // namespace actorkv
