// ChunkMaker: which pages of a transaction are stored, and in which form; and
// the digest of the version that they make.
//
// A page goes into the batch of the commit, or into the stage before it. One
// that is the base's is not stored at all.
//
// Invariants:
//  1. A page that is stored as a delta (kv/format/page_delta.h) is so against
//     the version that the base's snapshot sees in the branch that goes on, or
//     that one's base: what the head reads is there. The first version of a
//     page in a branch is whole, and so are staged pages.
//  2. digest() is the sum of the page hashes of the new database, computed from
//     the base's digest and the changed pages.
//  3. A page of the base is looked at once for each page that is put in its
//     place (BasePages::Look()).
//
// Belongs to one thread at a time.

#ifndef ACTORKV_KV_PAGES_CHUNK_MAKER_H_
#define ACTORKV_KV_PAGES_CHUNK_MAKER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kv/cache/cached_page.h"
#include "kv/engine/engine.h"
#include "kv/pages/base_pages.h"
#include "kv/pages/new_branch.h"
#include "kv/pages/page_buffer.h"

namespace actorkv {

class ChunkMaker {
 public:
  // Both must outlive the object. Where the new branch does not exist when the
  // first page is put into a batch, the base's goes on.
  ChunkMaker(BasePages* base, NewBranch* new_branch)
      : base_(base), new_branch_(new_branch) {}

  // The chunks of the commit are of this branch and txid. Before any page is
  // put into a batch.
  void BeginCommit(BranchId branch, TxId txid) {
    branch_ = branch;
    txid_ = txid;
  }

  // Puts the page into the batch, unless it is the base's. Not page 1.
  Status Put(PageNo pgno, const std::string& page, Batch* batch);

  // The same into the stage.
  Status Stage(PageNo pgno, const std::string& page);

  // Puts a page into the stage that neither the stage nor the base has.
  Status Load(PageNo pgno, std::string_view page, uint64_t page_hash);

  // Page 1 of the new version, with `stamp`: the one that was written, else the
  // base's where it shows through, else zeros. It is hashed with the stamp, and
  // stored when more than its stamp differs.
  Status PutFirstPage(const PageBuffer& written, std::optional<uint32_t> stamp,
                      Batch* batch);

  // A staged page does not belong to the database any more.
  Status Unstage(PageNo pgno);

  // The new version has no such page.
  Status Remove(PageNo pgno);

  // What was loaded into the stage before this process came to it.
  void Resume(uint64_t digest, uint64_t written_bytes) {
    digest_change_ = digest;
    written_bytes_ = written_bytes;
  }

  uint64_t digest() const { return base_->digest() + digest_change_; }
  uint64_t written_bytes() const { return written_bytes_; }  // of all chunks

  // The pages that were put into the batch, in no order; not of a new branch,
  // which has them itself.
  const std::vector<PageNo>& changed_pages() const { return changed_pages_; }

  // Page 1 as SQLite sees it, and its hash, after PutFirstPage(). It may be
  // taken.
  std::string* first_page() { return &first_page_; }
  uint64_t first_page_hash() const { return first_page_hash_; }

  // Puts what was put into the batch into the page cache: the next commit reads
  // the hashes of these pages. `store_id` is Store::cache_id().
  void CachePages(uint64_t store_id) noexcept;

 private:
  // A page of the new version.
  struct NewPage {
    PageNo pgno;
    const std::string& bytes;
    uint64_t page_hash;
  };

  // *old: what the base has in its place, where no stage has; *equal: the same.
  Status AddToDigest(const NewPage& page, OldPage* old, bool* equal);
  Status StageChunk(PageNo pgno, std::string_view page, uint64_t page_hash);
  StoredForm FindDelta(const NewPage& page, const OldPage& old) const;
  void PutChunk(const NewPage& page, const OldPage& old, Batch* batch);
  void MakeFirstPage(const PageBuffer& written, const PagePin& old_page,
                     std::optional<uint32_t> stamp);
  bool IsStored(const PagePin& old_page, std::optional<uint32_t> stamp) const;

  BasePages* const base_;
  NewBranch* const new_branch_;
  BranchId branch_;  // of the commit
  TxId txid_;
  uint64_t digest_change_ = 0;  // modulo 2^64
  uint64_t written_bytes_ = 0;
  std::vector<PageNo> changed_pages_;
  std::vector<std::pair<PageNo, PagePin>> made_pages_;  // for the cache
  std::string first_page_;
  uint64_t first_page_hash_ = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_CHUNK_MAKER_H_
