// PagerView: what the pager of one file has as page 1, and how it counts schema
// cookies.
//
// A commit may store another cookie than the pager wrote: one above every
// earlier one of the name (vfs/actor/transaction.h, invariant 4). The pager
// does not hear of it, and neither does the schema in the connection's memory,
// which has the number that its own DDL gave itself (vdbe.c
// OP_SetCookie, 3.40.1).
//
// - So from then on the file shows this connection, and no other, the cookie
//   that it wrote: what is stored less a constant. Its statements stay good,
//   and it counts on from there; different cookies stay different.
// - A connection that prepares `PRAGMA schema_version` is about to look at the
//   number, or to set it. It gets the stored ones from then on, and reads page
//   1 anew as soon as SQLite looks whether its pages are stale.
// - Before that SQLite may go on with the page 1 that it has: in exclusive
//   locking mode, and while a statement is under way over the COMMIT. Then what
//   it writes counts on from there, and whether it changed the schema shows
//   against that page 1 only, not against the base's.
//
// Belongs to one thread at a time.

#ifndef ACTORKV_VFS_ACTOR_PAGER_VIEW_H_
#define ACTORKV_VFS_ACTOR_PAGER_VIEW_H_

#include <cstdint>

#include "kv/base/types.h"
#include "kv/format/database_header.h"
#include "vfs/actor/page_range.h"

namespace actorkv {

// HeaderChange: what a commit did to the header of page 1.
struct HeaderChange {
  bool written = false;  // by the pager; false: nothing else counts
  Counters pager;        // as it wrote them
  uint32_t stored_cookie = 0;
};

class PagerView {
 public:
  // The counters of the page 1 that the pager has or, before it has read one,
  // of an empty database.
  const Counters& pager() const { return pager_; }

  // Returns true when a whole page 1 is read: nothing less gets into SQLite's
  // cache, and no page is smaller than this.
  static bool IsPageOne(const ReadRequest& request) {
    return request.offset == 0 && request.size >= kMinPageSize;
  }

  // Tells that bytes of the base were read for the pager, and shows the cookie
  // in them as this connection counts it. To be called with what was read of
  // the first kHeaderBytes; REQUIRES: none of it comes from the transaction
  // under way.
  void OnRead(const ReadRequest& request);

  // Tells that a commit is published.
  void OnPublish(const HeaderChange& change);

  // Shows what is stored from here on.
  void ShowStored();

 private:
  Counters pager_;
  bool shows_stored_ = false;
  uint32_t stored_minus_shown_ = 0;  // modulo 2^32
  bool is_stale_ = false;            // the page 1 of the pager shows less
};

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_PAGER_VIEW_H_
