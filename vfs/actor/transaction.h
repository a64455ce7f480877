// Transaction: the writes of one SQLite transaction on one actor, addressed in
// bytes.
//
// SQLite addresses a file in bytes, and a VACUUM to another page size still
// writes in pages of the old size: only page 1, when all is written, says what
// the pages of the new version are. So this keeps pages of the base's size in
// a BranchWriter, and cuts them anew at the end where that size changed.
//
// What a commit publishes is decided here, from page 1 of the new version,
// which is read once for all that is asked of it, as is that of the base:
//
//  1. Its size: bytes 28..31 where 24..27 equal 92..95, because SQLite
//     truncates a file that shrank only after its commit point; the end of the
//     file elsewhere.
//  2. Its change counter: always above the base's. Exclusive locking mode
//     stops counting, and other connections know a new version by the counter
//     (pager.c pager_incr_changecounter and sqlite3PagerSharedLock, 3.40.1).
//     Where what is stored as page 1 is not what the pager wrote, it is not the
//     pager's counter either, so that the pager reads page 1 anew.
//  3. A page 1 that only turned into WAL mode (bytes 18, 19) is refused: no
//     one could open the actor. A copy of a database in WAL mode, as the
//     backup API makes it, is stored in rollback mode.
//  4. Its schema cookie: the base's where neither it nor the schema's rows in
//     page 1 changed, else one above the base's and above those of earlier
//     actors that the name had in the catalog. So one cookie never stands for
//     two schemas, and no reader, who compares nothing but cookies, goes on
//     with a schema that is gone (vdbe.c OP_Transaction, 3.40.1). Whether the
//     pager changed the cookie shows against its own page 1, which may have
//     another one than the base's (vfs/actor/pager_view.h): it keeps its cache
//     under exclusive locking, and while a statement is under way over the
//     COMMIT. tests/model/cookie_model_test.cc looks at every version of random
//     DDL. (A name that a rename or purge has freed begins anew: no file of the
//     actor is open then, and a follower's is refused, see
//     actor_file_reads.cc.)

#ifndef ACTORKV_VFS_ACTOR_TRANSACTION_H_
#define ACTORKV_VFS_ACTOR_TRANSACTION_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kv/format/database_header.h"
#include "kv/pages/branch_writer.h"
#include "kv/pages/commit.h"
#include "vfs/actor/page_range.h"
#include "vfs/actor/pager_view.h"

namespace actorkv {

// The page 1 of the base of a transaction.
struct BasePageOne {
  // The header as it is stored; not valid where there is none, or a damaged
  // one.
  DatabaseHeader header;
  // All of it, in memory that outlives the transaction; empty: equally.
  std::string_view page;
  // As the pager has it that writes the transaction.
  Counters pager;
};

class Transaction {
 public:
  // `page_one`: none: it is read, and the pager is taken to have read it, too.
  // REQUIRES: the actor is reserved on `base`.
  Transaction(std::shared_ptr<Store> store, std::shared_ptr<Actor> actor,
              std::shared_ptr<const HeadState> base,
              std::optional<BasePageOne> page_one = std::nullopt);

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

  // The header of page 1 was written.
  bool has_header() const { return has_header_; }

  // True when page 1 counts a new version: the pager made a commit.
  Status CountsNewVersion(bool* counts);

  // True when anything differs from the base.
  Status Differs(bool* differs);

  // Everything that CommitAll() needs. Errors: kNotSupported for a change to
  // WAL mode.
  Status Prepare(Origin origin, PendingCommit* commit);

  // What Prepare() made of the header.
  const HeaderChange& header_change() const { return header_change_; }

 private:
  // Of the first page as it is; it is read once after each change of it.
  Status ReadHeader(DatabaseHeader* header);
  void ForgetFirstPage() { header_.reset(); }
  Status LoadPageOne();
  bool SchemaRowsDiffer() const;
  uint32_t CookieFor(const DatabaseHeader& header) const;
  Status PutCookie(const DatabaseHeader& header, bool* changed);
  // *changed: page 1 is no longer as the pager wrote it.
  Status RefuseOrNormaliseWal(const DatabaseHeader& header, Origin origin,
                              bool* changed);
  Status PutPageCount(uint32_t page_count);
  std::optional<uint32_t> Stamp(const DatabaseHeader& header,
                                bool changed) const;
  Status Recut(uint32_t page_size, uint32_t page_count);
  Status ReadPart(const PagePart& part, char* buffer);
  void MakeWriter(uint32_t page_size);
  char* Scratch();  // a page; its content does not matter

  const std::shared_ptr<Store> store_;
  const std::shared_ptr<Actor> actor_;
  const std::shared_ptr<const HeadState> base_;
  std::optional<BasePageOne> page_one_;  // none: not known yet
  std::string base_page_;                // of it, where it was read here
  bool has_header_ = false;
  std::optional<DatabaseHeader> header_;  // of first_page_; none: to be read
  std::string first_page_;                // as it was read for header_
  HeaderChange header_change_;
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

#endif  // ACTORKV_VFS_ACTOR_TRANSACTION_H_
