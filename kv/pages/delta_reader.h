// Reads the base of a delta (kv/format/page_delta.h) and makes the page of
// both.

#ifndef ACTORKV_KV_PAGES_DELTA_READER_H_
#define ACTORKV_KV_PAGES_DELTA_READER_H_

#include <string_view>

#include "kv/engine/engine.h"
#include "kv/format/chunk.h"

namespace actorkv {

// Writes the page, chunk.delta.page_size bytes, to `page`; after an error it
// holds zeros. The base is there for as long as the delta is, so it does not
// matter which of its commits `reader` sees. REQUIRES: the codec is kDelta, and
// the views of `chunk` do not end with the next call on `reader`.
// Errors: kCorruption where one of both is damaged, or the base is missing.
Status UnpackDelta(EngineReader* reader, const ChunkId& id,
                   const DecodedChunk& chunk, char* page);

// Writes the page of `value`, which is stored where the base of a delta lies,
// to `page`, delta.page_size bytes. `id` is the delta's. Errors: kCorruption
// where it is damaged or a delta itself.
Status UnpackBase(const ChunkId& id, const DecodedDelta& delta,
                  std::string_view value, char* page);

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_DELTA_READER_H_
