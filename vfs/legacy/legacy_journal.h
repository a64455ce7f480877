// CheckLegacyJournal() says what SQLite will do with the rollback journal of a
// legacy database, and whether it should. SQLite stops without an error where a
// journal is cut short or damaged, because on a file system that happens only
// before the database was written. Pairs come one after another, so here it
// means that pairs were lost, and half a rollback would be a mix of two states.
//
// The journal (SQLite database file format, section 3 "The Rollback Journal";
// pager.c readJournalHdr and pager_playback, 3.40.1; big-endian) is segments,
// each a header in a sector of its own and its records:
//
//   offset  bytes  header
//        0      8  d9 d5 05 f9 20 a1 63 d7
//        8      4  records of this segment; 0: not synced, none counts;
//                  0xffffffff: as many as fit (only in the first segment)
//       12      4  checksum seed
//       16      4  page count before the transaction
//       20      4  sector size (first segment only)
//       24      4  page size; 0: that of the database (first segment only)
//
//   bytes      record
//   4          page number
//   page size  the page as it was
//   4          seed + every 200th byte, from the end
//
//   bytes  at the end of a journal of a transaction on several files
//   4      lock page
//   n      name of the super-journal
//   4      n
//   4      sum of its bytes
//   8      d9 d5 05 f9 20 a1 63 d7
//
// Cases:
//  - No bytes, or the first byte is 0, or no magic, or sizes in the header that
//    cannot be: cold. SQLite deletes it.
//  - A database of no bytes: SQLite deletes the journal. Right if it had no
//    pages before the transaction either; otherwise it was lost: refused.
//  - It names a super-journal. That is never among an actor's pairs, so SQLite
//    finds that it does not exist, which means that the transaction is
//    committed, and deletes the journal. We leave it at that and say so.
//  - Otherwise it is hot. It is refused when a byte that the rollback needs is
//    a hole or behind the end, or a record that a header counts is damaged. In
//    one without a count (0xffffffff) a damaged record is the end, as after a
//    crash, unless a sound one follows.
//  - A hot one that ends before its last segment has the records that are
//    counted. SQLite writes a page of the database only when the journal has
//    all of it, so either the process died before that, or pairs of the journal
//    were lost later. The records that are there tell: where every one of them,
//    and there is one at least, equals its page in the database, and the
//    database has not grown under the first segment, the segment is of the
//    first kind, and what SQLite puts back of it changes nothing. Otherwise it
//    is refused.

#ifndef ACTORKV_VFS_LEGACY_LEGACY_JOURNAL_H_
#define ACTORKV_VFS_LEGACY_LEGACY_JOURNAL_H_

#include <cstdint>
#include <string>

#include "kv/base/status.h"
#include "kv/base/types.h"
#include "kv/rivet/legacy_file.h"

namespace actorkv {

struct LegacyJournal {
  bool hot = false;
  uint64_t record_count = 0;  // pages that a rollback writes back
  // The number of records that the header of the last segment counts and that
  // are not there: the database was not written to since.
  uint64_t missing_record_count = 0;
  PageNo page_count = 0;      // of the database before it
  std::string super_journal;  // named and gone; empty: none
};

// Examines the journal of the database `main`; both are open. Errors:
// kCorruption for a hot journal that must not be rolled back.
Status CheckLegacyJournal(LegacyFile* main, LegacyFile* journal,
                          LegacyJournal* result);

}  // namespace actorkv

#endif  // ACTORKV_VFS_LEGACY_LEGACY_JOURNAL_H_
