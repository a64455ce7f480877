// NewBranch: the branch that a transaction makes where it does not go on with
// its base's, and which pages lie there.
//
// Such a branch is a stage as long as no head names it: pages can be stored
// there before the commit, and what is stored of a dead one is an unreachable
// key prefix that is dropped later (WorkQueue::AddDeadStage()).
//
// Invariants:
//  1. The record of the stage is on its way into the store before any chunk is.
//  2. A page that it has is stored there, or will be with the commit.
//
// Belongs to one thread at a time.

#ifndef ACTORKV_KV_PAGES_NEW_BRANCH_H_
#define ACTORKV_KV_PAGES_NEW_BRANCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "kv/pages/stage_writer.h"

namespace actorkv {

class Store;

class NewBranch {
 public:
  // There is none until Create() or Resume(). `store` must outlive the object.
  NewBranch(Store* store, uint32_t page_size)
      : store_(store), page_size_(page_size) {}

  bool exists() const { return id_ != BranchId{}; }
  BranchId id() const { return id_; }  // 0: it does not exist

  // Its stage record is in the store, or may be.
  bool is_staged() const { return is_staged_; }

  // It exists from now on, and nothing is stored yet. `id` is a fresh one.
  void Create(BranchId id) { id_ = id; }

  // Stores the record of the stage, together with what is in `batch`. Its
  // chunks will be of `txid`. REQUIRES: it exists, and is not staged.
  Status BeginStage(ActorId actor, TxId txid, Batch* batch);

  // Goes on with a stage that is in the store, which has the pages 2 to
  // `last_page` but for the lock page. REQUIRES: it does not exist.
  void Resume(BranchId id, TxId txid, PageNo last_page);

  bool Has(PageNo pgno) const { return pgno < has_.size() && has_[pgno]; }
  uint32_t page_count() const { return page_count_; }  // of those it has
  std::vector<PageNo> Pages() const;                   // in order

  // The first page behind `pgno` that it has; 0: there is none.
  PageNo NextAfter(PageNo pgno) const;

  // It has the page.
  void Add(PageNo pgno);

  // How many pages were added that it did not have.
  uint32_t added_count() const { return added_count_; }

  // The page does not belong to the database any more. What is stored of it is
  // not reached.
  void Remove(PageNo pgno);

  // Stores a page, which is added. *chunk_bytes: what it takes. Errors: of this
  // or an earlier one. REQUIRES: is_staged().
  Status Put(PageNo pgno, std::string_view page, uint64_t page_hash,
             size_t* chunk_bytes);

  // Begins to store what was put; Finish() waits until it is there. REQUIRES:
  // is_staged().
  Status Flush() { return writer_->Flush(); }
  Status Finish() { return writer_->Finish(); }

  // A page that was put, and its hash.
  Status Read(PageNo pgno, char* page);
  Status Hash(PageNo pgno, uint64_t* page_hash);

  // No commit will name it: what is stored is dropped in the background.
  void Drop(ActorId actor) noexcept;

  // A commit names it, or may (committed = false): it is not to be dropped.
  void Detach(ActorId actor, bool committed) noexcept;

 private:
  Store* const store_;
  const uint32_t page_size_;
  BranchId id_;
  bool is_staged_ = false;
  std::vector<bool> has_;  // by pgno
  uint32_t page_count_ = 0;
  uint32_t added_count_ = 0;
  std::unique_ptr<StageWriter> writer_;  // null: not staged
};

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_NEW_BRANCH_H_
