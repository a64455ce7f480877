// BatchChunks: what a batch is about to store, found by its place: for checks
// of invariants (kv/pages/commit_checks.h), which look at a batch as a reader
// would after it is committed.

#ifndef ACTORKV_KV_PAGES_BATCH_CHUNKS_H_
#define ACTORKV_KV_PAGES_BATCH_CHUNKS_H_

#include <map>
#include <optional>
#include <string_view>

#include "kv/base/types.h"
#include "kv/engine/engine.h"
#include "kv/format/keys.h"

namespace actorkv {

// The value that the batch puts under the key, valid as long as the batch does
// not change; nullopt: it puts none. The last one counts, as in an engine.
inline std::optional<std::string_view> FindPut(const Batch& batch,
                                               Partition partition,
                                               std::string_view key) {
  for (size_t i = batch.op_count(); i > 0; --i) {
    const Batch::Op op = batch.op(i - 1);
    if (op.partition == partition && op.key == key) return op.value;
  }
  return std::nullopt;
}

// The chunks that the batch puts into a branch under one txid, by page.
using BatchChunks = std::map<PageNo, std::string_view>;

inline BatchChunks ChunksOf(const Batch& batch, BranchId branch, TxId txid) {
  BatchChunks chunks;
  for (size_t i = 0; i < batch.op_count(); ++i) {
    const Batch::Op op = batch.op(i);
    PageNo pgno = 0;
    TxId of;
    if (op.partition == BranchPartition(branch) && op.value.has_value() &&
        ParseChunkKey(op.key, &pgno, &of).ok() && of == txid) {
      chunks[pgno] = *op.value;
    }
  }
  return chunks;
}

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_BATCH_CHUNKS_H_
