// BranchWriter: one transaction on one actor, before its commit. It puts
// together what does the work: the pages in memory (PageBuffer), those of the
// base behind them (BasePages), the branch that it may make (NewBranch), what
// is stored of a page (ChunkMaker), and the records (CommitRecords).
//
// Pages are kept in memory up to kTransactionMemoryBytes. Past that they are
// staged: written under a branch of their own whose parent is the base.
//
// Invariants:
//  1. Nothing that a reader can reach changes before the head does.
//  2. The commit stores a version of every page that differs from the base and
//     of every page by which the database grew. Pages that were never written
//     become zeros; so a page that an earlier shrink removed cannot come back,
//     and a page missing inside the database is always an error.
//
// Belongs to one thread at a time, and to the owner of the actor's
// reservation (kv/store/actor.h).

#ifndef ACTORKV_KV_PAGES_BRANCH_WRITER_H_
#define ACTORKV_KV_PAGES_BRANCH_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/engine/engine.h"
#include "kv/format/load_progress.h"
#include "kv/pages/base_pages.h"
#include "kv/pages/chunk_maker.h"
#include "kv/pages/commit_records.h"
#include "kv/pages/new_branch.h"
#include "kv/pages/page_buffer.h"
#include "kv/store/actor.h"

namespace actorkv {

class Store;

// Below this a new database goes better with its commit than into a stage.
constexpr size_t kMinLoadBytes = size_t{4} << 20;

class BranchWriter {
 public:
  // `base` is the state that the reservation was made on; `page_size` is the
  // base's, or the new database's where the base has no pages.
  BranchWriter(std::shared_ptr<Store> store, std::shared_ptr<Actor> actor,
               const std::shared_ptr<const HeadState>& base,
               uint32_t page_size);
  // For a commit that begins with the pages of another version than the base:
  // `source`, of this actor or of another one. It makes a new branch, whose
  // parent is that version, and copies nothing. No reservation is needed: the
  // commit fails with kConflict when the head is not `base` any more.
  BranchWriter(std::shared_ptr<Store> store, std::shared_ptr<Actor> actor,
               std::shared_ptr<const HeadState> base,
               const std::shared_ptr<const HeadState>& source);
  ~BranchWriter();  // drops what was not committed
  BranchWriter(const BranchWriter&) = delete;
  BranchWriter& operator=(const BranchWriter&) = delete;

  const std::shared_ptr<Actor>& actor() const { return actor_; }
  const std::shared_ptr<const HeadState>& base() const { return base_; }
  uint32_t page_size() const { return pages_.page_size(); }

  // The size of the database as the transaction sees it.
  uint32_t page_count() const { return pages_.page_count(); }

  // The pages that the prepared commit stores, in no order; not of a stage,
  // whose branch is new.
  const std::vector<PageNo>& changed_pages() const {
    return chunks_.changed_pages();
  }

  // Of pages that are not staged.
  size_t memory_bytes() const { return pages_.memory_bytes(); }

  // As the transaction sees it; zeros for pages never written.
  // REQUIRES: 1 <= pgno <= page_count().
  Status ReadPage(PageNo pgno, char* page);

  // Grows the database when pgno is past its end. The lock page is ignored.
  Status WritePage(PageNo pgno, const char* page);

  // As WritePage(), for who makes a new database from front to back: the page
  // goes into the stage without being kept in memory. Meant for what is larger
  // than kMinLoadBytes. `page_hash` must be PageHash() of it.
  Status LoadPage(PageNo pgno, const char* page, uint64_t page_hash);

  // Waits until all that was loaded is in the stage, and says how to go on from
  // there; page_count of the whole is the caller's to set.
  Status SaveLoad(LoadProgress* progress);

  // Goes on where a process that is gone had come with the load of this actor.
  // Not *resumed: that cannot be, and nothing was done. REQUIRES: nothing was
  // written yet, and page_size() is that of `progress`.
  Status ResumeLoad(const LoadProgress& progress, bool* resumed);

  // Cuts the database. What is cut reads as zeros if it grows back. An error
  // is as one of Stage().
  Status Truncate(uint32_t page_count);

  // True when the content or the size differs from the base.
  Status Differs(bool* differs);

  // Moves everything but page 1 out of memory, into the stage. After an error
  // the writer is good for nothing but its destructor.
  Status Stage();

  // Builds the commit into `batch` and the state that it makes into `state`.
  // The writer is used up: after this only Detach() or the destructor.
  // Errors: kNotSupported for a legacy actor, unless the origin is kMigrate.
  Status Prepare(const CommitSpec& spec, const CommitStamp& stamp, Batch* batch,
                 std::shared_ptr<const HeadState>* state);

  // Page 1 of the prepared commit as SQLite sees it; empty: it has none.
  std::string TakeFirstPage() { return std::move(*chunks_.first_page()); }

  // The prepared commit is done, or its outcome is unknown (committed = false):
  // the stage is no longer this writer's to drop.
  void Detach(bool committed) noexcept;

 private:
  BranchWriter(std::shared_ptr<Store> store, std::shared_ptr<Actor> actor,
               std::shared_ptr<const HeadState> base,
               std::shared_ptr<const HeadState> source, uint32_t page_size);
  ActorId actor_id() const;  // 0: a new actor that stored nothing yet
  BranchId branch() const;   // the one being written
  void TakeIds(bool stage, Batch* batch);
  bool CanLoad(PageNo pgno) const;
  Status CanResume(const LoadProgress& progress, bool* can_resume);
  Status BeginStage();
  Status StagePages();
  Status Cut(uint32_t page_count);
  Status Resize(uint32_t page_count);
  Status PutPages(const CommitSpec& spec, Batch* batch);
  MadeVersion Made(const CommitSpec& spec) const;

  const std::shared_ptr<Store> store_;
  const std::shared_ptr<Actor> actor_;
  const std::shared_ptr<const HeadState> base_;    // the head
  const std::shared_ptr<const HeadState> source_;  // of pages; mostly the base
  BasePages base_pages_;                           // those of the source
  PageBuffer pages_;
  NewBranch new_branch_;
  ChunkMaker chunks_;
  Status failed_;         // of staging
  TxId txid_;             // 0 until the first chunk is encoded
  ActorId new_actor_id_;  // of a new actor, 0 until it is needed
};

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_BRANCH_WRITER_H_
