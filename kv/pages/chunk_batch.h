// Pages of a snapshot as they are stored, many by few requests: where the
// engine is in another process or machine, asking costs more than what is asked
// for.

#ifndef ACTORKV_KV_PAGES_CHUNK_BATCH_H_
#define ACTORKV_KV_PAGES_CHUNK_BATCH_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"
#include "kv/base/types.h"
#include "kv/cache/page_cache.h"
#include "kv/engine/engine.h"
#include "kv/format/chunk.h"
#include "kv/store/lineage.h"

namespace actorkv {

// FoundChunk: the version of a page that a snapshot sees.
struct FoundChunk {
  ChunkId id;
  std::string value;  // the chunk
  std::string base;   // the chunk of its base, where it is a delta
};

// Finds the versions that the snapshot sees of these pages: by one request for
// each branch of the lineage, and one more where a branch has deltas. A page
// that is missing or damaged, or a delta without its base, is left out: whoever
// asks for that page alone hears of it. `reader` is as new as the head of which
// the lineage was read. Errors: those of the engine.
Status FindChunks(EngineReader* reader, const Snapshot& snapshot,
                  const Lineage& lineage, std::vector<PageNo> pages,
                  std::vector<FoundChunk>* found);

// ChunkView: a chunk in its place, and that of its base; empty: there is none.
struct ChunkView {
  ChunkId id;
  std::string_view value;
  std::string_view base;
};

// The form that a version has for the snapshots of `branch`.
StoredForm FormIn(BranchId branch, const ChunkId& id,
                  const DecodedChunk& chunk);

// Puts the page of a chunk, which the snapshot sees, into the page cache.
// `cache_id` is Store::cache_id(). Errors: kCorruption where the chunk or its
// base is damaged, or of a page of another size.
Status CacheChunk(uint64_t cache_id, const Snapshot& snapshot,
                  const ChunkView& chunk, PageCache::Source source);

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_CHUNK_BATCH_H_
