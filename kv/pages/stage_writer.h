// StageWriter: chunks of one transaction on their way into its stage (see
// kv/pages/branch_writer.h), and back where the transaction reads them again.
//
// Invariants:
//  1. A chunk that is put again counts as it was put last. So who puts a page
//     that is there already takes a Reader() first, which waits.
//  2. What was put is in the store when Finish() or Reader() return, as a
//     commit of Durability::kBulk.
//
// Belongs to one thread at a time.

#ifndef ACTORKV_KV_PAGES_STAGE_WRITER_H_
#define ACTORKV_KV_PAGES_STAGE_WRITER_H_

#include <memory>
#include <string_view>

#include "kv/base/types.h"
#include "kv/pages/branch_reader.h"
#include "kv/pages/bulk_commits.h"

namespace actorkv {

class Store;

class StageWriter {
 public:
  // All chunks are of `branch` and `txid`. `store` must outlive the object.
  StageWriter(Store* store, BranchId branch, TxId txid, uint32_t page_size);

  // Stores the page as EncodeChunk() makes it. Best in the order of pages.
  // *chunk_bytes: what it takes. Errors: of this or any earlier commit.
  Status Put(PageNo pgno, std::string_view page, uint64_t page_hash,
             size_t* chunk_bytes);

  // Begins to commit what was put.
  Status Flush();

  // Waits until all of it is there.
  Status Finish();

  // The same, and sets *reader to what reads it. Valid until the next Put().
  Status Reader(BranchReader** reader);

 private:
  Store* const store_;
  const BranchId branch_;
  const TxId txid_;
  const uint32_t page_size_;
  Batch batch_;
  BulkCommits commits_;
  std::unique_ptr<BranchReader> reader_;  // null while it would miss some
};

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_STAGE_WRITER_H_
