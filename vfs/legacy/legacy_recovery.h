// Recover() recovers a database that is stored as legacy pairs: whatever state
// a crash left it in, SQLite itself makes it whole, over a copy-on-write view.
// Not a byte of the pairs changes.
//
// Steps:
//  1. The metadata of the three files (kv/rivet/legacy_file.h).
//  2. A hot journal that would be rolled back in part is refused
//     (vfs/legacy/legacy_journal.h).
//  3. A private connection (vfs/legacy/legacy_vfs.h) opens the database: SQLite
//     rolls back the journal. With a WAL, it is copied into the database and
//     dropped (vfs/legacy/legacy_wal.h), and header bytes 18 and 19 become 1.
//  4. Pages that are not stored must be free (vfs/legacy/legacy_holes.h). From
//     here on the page count is trusted. A caller that reads every page anyway
//     can have this done last (RecoveryOptions::unchecked_bytes).
//  5. PRAGMA quick_check says ok.
//
// Memory: the pager's cache, an overlay for each file up to
// kOverlayMemoryBytes, SQLite's index of the WAL (8 bytes for each frame) and
// quick_check's bit for each page.

#ifndef ACTORKV_VFS_LEGACY_LEGACY_RECOVERY_H_
#define ACTORKV_VFS_LEGACY_LEGACY_RECOVERY_H_

#include <functional>
#include <memory>

#include "kv/base/status.h"
#include "kv/base/work_meter.h"
#include "kv/rivet/pairs.h"
#include "vfs/legacy/recovered_image.h"

namespace actorkv {

struct RecoveryOptions {
  bool quick_check = true;
  // A function that is asked now and then; an error of it ends the recovery and
  // is its result. Empty: nobody is asked.
  std::function<Status()> keep_on;
  // Has the bytes added that SQLite reads of the files; null: nobody looks. It
  // outlives the recovery.
  WorkMeter* work = nullptr;
  // The size of a database up to which the holes are left to its reader: see
  // RecoveredImage::CheckHoles(). It should be in proportion to what is stored,
  // so that a size without content is not believed. 0: none is left.
  uint64_t unchecked_bytes = 0;
};

// Makes the image of the database in `pairs`, which are in layout 1 and must
// outlive it. Pairs without a main file are an empty database. Errors, each
// with what to do:
//   kCorruption    pairs were lost or damaged: metadata, a journal cut short,
//                  a page in use, quick_check
//   kNotSupported  metadata or database of a newer version
//   kNoSpace       for the temporary file
//   kIOError       of the pairs or the temporary file
//   that of keep_on
// REQUIRES: RegisterVfs() was called (vfs/actor/actor_vfs.h).
Status Recover(PairReader* pairs, const RecoveryOptions& options,
               std::unique_ptr<RecoveredImage>* image);

}  // namespace actorkv

#endif  // ACTORKV_VFS_LEGACY_LEGACY_RECOVERY_H_
