// LoadProgress: how far a new database is in its stage
// (kv/pages/branch_writer.h), so that a process that died in the middle can be
// followed by another.

#ifndef ACTORKV_KV_FORMAT_LOAD_PROGRESS_H_
#define ACTORKV_KV_FORMAT_LOAD_PROGRESS_H_

#include <cstdint>

#include "kv/base/types.h"

namespace actorkv {

struct LoadProgress {
  BranchId stage;           // 0: nothing was begun
  TxId txid;                // its chunks'
  uint32_t page_size = 0;   // bytes
  uint32_t page_count = 0;  // the whole database's
  PageNo last_page = 0;     // pages 2 to this one are in the stage
  uint64_t digest = 0;      // those pages' sum of hashes
  uint64_t written_bytes = 0;

  bool begun() const { return stage != BranchId{}; }
};

}  // namespace actorkv

#endif  // ACTORKV_KV_FORMAT_LOAD_PROGRESS_H_
