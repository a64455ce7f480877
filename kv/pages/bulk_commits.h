// BulkCommits: much data on its way into a store, committed behind the back of
// who makes it. So pages are read and encoded while those before them are
// compressed, written and synced.
//
// Invariants:
//  1. Commits overlap, and are done in any order: their keys must differ, and
//     who needs one to be there waits.
//  2. After an error nothing more is begun, and every call returns it.
//  3. When the object is gone, so is its work: nothing lands later.
//  4. Where no thread is to be had (kv/base/workers.h), who adds a batch
//  commits
//     it.
//
// Memory: the batches under way and those that were, at most kMaxBulkCommits.
// The latter are handed out again, so that memory is not given back to the
// system and asked for anew, page by page, for each batch.
//
// Belongs to one thread at a time.

#ifndef ACTORKV_KV_PAGES_BULK_COMMITS_H_
#define ACTORKV_KV_PAGES_BULK_COMMITS_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "kv/base/status.h"
#include "kv/engine/engine.h"

namespace actorkv {

class Store;

// More than there are processors to compress: each also waits for its syncs.
constexpr size_t kMaxBulkCommits = 3;

// Smaller batches are committed at once: a thread is not worth it.
constexpr size_t kMinBackgroundBytes = size_t{1} << 20;

class BulkCommits {
 public:
  // `store` must outlive the object.
  explicit BulkCommits(Store* store);
  ~BulkCommits();  // waits
  BulkCommits(const BulkCommits&) = delete;
  BulkCommits& operator=(const BulkCommits&) = delete;

  // Commits what is in `batch`, or begins to, and leaves an empty one. Waits
  // while too many commits are under way. Errors: of any commit so far.
  Status Add(Batch* batch);

  // Waits until all that was added is there. Errors: of any commit so far.
  Status Wait();

 private:
  struct Work;  // a batch, and the errand to commit it

  void Finish(Work* work) noexcept;
  void FinishOldest() noexcept;

  Store* const store_;
  std::deque<std::unique_ptr<Work>> under_way_;
  std::vector<Batch> spares_;  // empty, with memory
  Status failed_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_BULK_COMMITS_H_
