// BranchWriter: the pages of one transaction on one actor, before its commit.
//
// Pages are kept in memory up to kTransactionMemoryBytes. Past that they are
// staged: written under a new branch whose parent is the base. A stage is
// invisible until a head names its branch; a dead one is an unreachable key
// prefix that is dropped later (kv/store/store.h).
//
// Invariants:
//  1. Nothing that a reader can reach changes before the head does.
//  2. The commit stores a version of every page that differs from the base and
//     of every page by which the database grew. Pages that were never written
//     become zeros; so a page that an earlier shrink removed cannot come back,
//     and a page missing inside the database is always an error.
//  3. A page that is stored as a delta (kv/format/page_delta.h) is so against
//  the
//     version that the base's snapshot sees in the branch that goes on, or
//     that one's base: what the head reads is there. The first version of a
//     page in a branch is whole, and so are staged pages.
//  4. digest() of the new head is the sum of the page hashes of the new
//     database, computed from the base's digest and the changed pages.
//
// Belongs to one thread at a time, and to the owner of the actor's
// reservation (kv/store/actor.h).

#ifndef ACTORKV_KV_PAGES_BRANCH_WRITER_H_
#define ACTORKV_KV_PAGES_BRANCH_WRITER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/cache/page_cache.h"
#include "kv/engine/engine.h"
#include "kv/format/load_progress.h"
#include "kv/pages/branch_reader.h"
#include "kv/pages/stage_writer.h"
#include "kv/store/actor.h"

namespace actorkv {

class Store;

// Below this a new database goes better with its commit than into a stage.
constexpr size_t kMinLoadBytes = size_t{4} << 20;

// What the caller decides about a commit.
struct CommitSpec {
  uint32_t page_count = 0;
  std::optional<uint32_t> stamp;  // see Snapshot
  Origin origin = Origin::kSql;
  // Adds what must be there exactly when the commit is, given the state that
  // the commit makes; none: nothing. In order: operations on the catalog, then
  // those on the actor's partition, which are atomic with the head everywhere.
  // An error of it is the error of the commit.
  std::function<Status(const HeadState& made, Batch* batch)> also;
};

// The time and name of a commit, the same for all actors in it.
struct CommitStamp {
  uint64_t committed_at_us = 0;
  CommitId commit_id = {};
};

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
  uint32_t page_size() const { return page_size_; }

  // The size of the database as the transaction sees it.
  uint32_t page_count() const { return page_count_; }

  // The pages that the prepared commit stores, in no order; not of a stage,
  // whose branch is new.
  const std::vector<PageNo>& changed_pages() const { return changed_pages_; }

  // Of pages that are not staged.
  size_t memory_bytes() const { return memory_bytes_; }

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
  // The writer is used up: after this only Committed() or the destructor.
  // Errors: kNotSupported for a legacy actor, unless the origin is kMigrate.
  Status Prepare(const CommitSpec& spec, const CommitStamp& stamp, Batch* batch,
                 std::shared_ptr<const HeadState>* state);

  // Page 1 of the prepared commit as SQLite sees it; empty: it has none.
  std::string TakeFirstPage() { return std::move(first_page_); }

  // The prepared commit is done, or its outcome is unknown (committed = false):
  // the stage is no longer this writer's to drop.
  void Detach(bool committed) noexcept;

 private:
  BranchWriter(std::shared_ptr<Store> store, std::shared_ptr<Actor> actor,
               std::shared_ptr<const HeadState> base,
               std::shared_ptr<const HeadState> source, uint32_t page_size);
  bool IsStaged(PageNo pgno) const;  // in the stage, not in memory
  bool HoldsEveryPage() const;       // the stage does, without the base
  ActorId actor_id() const;          // 0: a new actor that stored nothing yet
  BranchId branch() const;           // the one being written
  Status HashOfBase(PageNo pgno, uint64_t* page_hash);
  Status EqualsBase(PageNo pgno, const std::string& page, uint64_t page_hash,
                    uint64_t* base_hash, bool* equal);
  Status FindDelta(PageNo pgno, std::string_view page, StoredForm* form);
  void CacheMadePages() noexcept;
  Status Cut(uint32_t page_count);
  void TakeIds(bool stage, Batch* batch);
  bool CanLoad(PageNo pgno) const;
  Status BeginStage();
  Status StagePages();
  Status StageChunk(PageNo pgno, std::string_view page, uint64_t page_hash);
  Status HashStaged(PageNo pgno, uint64_t* page_hash);
  void NoteStaged(PageNo pgno);
  Status PutPage(PageNo pgno, const std::string& page, Batch* batch);
  Status PutChunk(PageNo pgno, const std::string& page, uint64_t page_hash,
                  Batch* batch);
  Status FillGrowth();
  Status SubtractRemoved();
  void MakeFirstPage(const CommitSpec& spec, const PagePin& old_page);
  Status PutFirstPage(const CommitSpec& spec, Batch* batch);
  Status PutRecords(const CommitSpec& spec, const CommitStamp& stamp,
                    Batch* batch, HeadState* state);
  std::optional<std::string> ListPages() const;
  void PutBranchRecord(ActorId actor, Batch* batch, HeadState* state);
  void MakeEntry(const CommitStamp& stamp, HeadState* state);
  void PutCatalogEntry(const HeadState& state, Batch* batch);

  const std::shared_ptr<Store> store_;
  const std::shared_ptr<Actor> actor_;
  const std::shared_ptr<const HeadState> base_;    // the head
  const std::shared_ptr<const HeadState> source_;  // of pages; mostly the base
  const uint32_t page_size_;
  // The page size changes: every page is written, and nothing of the base
  // shows through or counts in the digest.
  const bool rewrite_;
  BranchReader base_reader_;
  Status failed_;  // of staging

  uint32_t page_count_;
  // Pages up to here show through from the base where not written.
  uint32_t base_limit_;
  std::map<PageNo, std::string> pages_;  // in memory
  size_t memory_bytes_ = 0;              // of pages_

  TxId txid_;                 // 0 until the first chunk is encoded
  ActorId new_actor_id_;      // of a new actor, 0 until it is needed
  BranchId stage_;            // the new branch; 0: the base's goes on
  bool stage_known_ = false;  // its stage record is in the store
  std::vector<bool> staged_;  // by pgno: stored under stage_
  uint32_t staged_count_ = 0;
  std::unique_ptr<StageWriter> staged_chunks_;  // null before the first

  uint64_t digest_delta_ = 0;  // modulo 2^64
  uint32_t changed_page_count_ = 0;
  uint64_t written_bytes_ = 0;
  std::vector<PageNo> changed_pages_;
  std::vector<std::pair<PageNo, PagePin>> made_pages_;  // for the cache
  std::string first_page_;  // of the prepared commit
  uint64_t first_page_hash_ = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_BRANCH_WRITER_H_
