// Transaction: the writes of one SQLite transaction on one actor, addressed in
// bytes.
//
// SQLite addresses a file in bytes, and a VACUUM to another page size still
// writes in pages of the old size: only page 1, when all is written, says what
// the pages of the new version are. So this keeps pages of the base's size in
// a BranchWriter, and cuts them anew at the end where that size changed.
//
// What a commit publishes is decided here, from page 1 of the new version:
//
//  1. Its size: bytes 28..31 where 24..27 equal 92..95, because SQLite
//     truncates a file that shrank only after its commit point; the end of the
//     file elsewhere.
//  2. Its change counter: always above the base's. Exclusive locking mode
//     stops counting, and other connections know a new version by the counter
//     (pager.c pager_incr_changecounter and pagerPagesValid, 3.40.1).
//  3. A page 1 that only turned into WAL mode (bytes 18, 19) is refused: no
//     one could open the actor. A copy of a database in WAL mode, as the
//     backup API makes it, is stored in rollback mode.
//  4. A schema cookie above those of earlier actors of the same name.

#ifndef ACTORKV_VFS_TRANSACTION_H_
#define ACTORKV_VFS_TRANSACTION_H_

#include <memory>
#include <string>
#include <string_view>

#include "kv/branch_writer.h"
#include "kv/commit.h"
#include "vfs/database_header.h"
#include "vfs/page_range.h"

namespace actorkv {

class Transaction {
 public:
  // REQUIRES: the actor is reserved on `base`.
  Transaction(std::shared_ptr<Store> store, std::shared_ptr<Actor> actor,
              std::shared_ptr<const HeadState> base);

  uint64_t size_bytes() const { return size_bytes_; }

  // Copies what lies inside the file and zero-fills the rest. *copied: bytes
  // inside.
  Status Read(const ReadRequest& request, size_t* copied);
  Status Write(uint64_t offset, size_t size, const char* buffer);
  Status Truncate(uint64_t size_bytes);

  // As Write() of a whole page, for who makes a new database from front to
  // back, see BranchWriter::LoadPage().
  Status Load(PageNo pgno, std::string_view page, uint64_t page_hash);

  // See BranchWriter::SaveLoad() and ResumeLoad().
  Status Save(LoadProgress* progress);
  Status Resume(const LoadProgress& progress, bool* resumed);

  // True when page 1 counts a new version: the pager made a commit.
  Status CountsNewVersion(bool* counts);

  // True when anything differs from the base.
  Status Differs(bool* differs);

  // Everything that CommitAll() needs. Errors: kNotSupported for a change to
  // WAL mode.
  Status Prepare(Origin origin, PendingCommit* commit);

 private:
  Status ReadHeader(DatabaseHeader* header);
  Status BaseCounter(uint32_t* counter);
  // *changed: page 1 is no longer as the pager wrote it.
  Status RefuseOrNormaliseWal(const DatabaseHeader& header, Origin origin,
                              bool* changed);
  Status RaiseCookie(const DatabaseHeader& header, bool* changed);
  std::optional<uint32_t> Stamp(const DatabaseHeader& header,
                                uint32_t base_counter, bool changed) const;
  Status Recut(uint32_t page_size, uint32_t page_count);
  Status ReadPart(const PagePart& part, char* buffer);
  void MakeWriter(uint32_t page_size);
  char* Scratch();  // a page; its content does not matter

  const std::shared_ptr<Store> store_;
  const std::shared_ptr<Actor> actor_;
  const std::shared_ptr<const HeadState> base_;
  // Null until the first write to an actor without pages, whose size is then
  // the page size: the pager writes whole pages.
  std::unique_ptr<BranchWriter> writer_;
  uint64_t size_bytes_ = 0;
  std::string page_;  // of Scratch()
  // What was written to the lock page. It is not stored, but after a change
  // of the page size most of it belongs to other pages.
  std::string lock_page_;
};

}  // namespace actorkv

#endif  // ACTORKV_VFS_TRANSACTION_H_
