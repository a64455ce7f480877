// Table removal: makes a database without some of its tables, over a
// copy-on-write view. Nothing of the database itself changes.
//
// SQLite drops the tables and writes zeros over their pages. Then the pages
// that are free at the end are cut off, which SQLite does not do by itself
// unless the database has auto_vacuum. All other pages stay where they are,
// with the bytes that they had: no row moves, and no rowid changes, as VACUUM
// might.
//
// The free list of what remains (SQLite database file format, section 1.5 "The
// Freelist") has the free pages that are left, each once: its first pages are
// trunks, as many as it takes, the others their leaves.

#ifndef ACTORKV_VFS_LEGACY_TABLE_REMOVAL_H_
#define ACTORKV_VFS_LEGACY_TABLE_REMOVAL_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kv/base/status.h"
#include "kv/rivet/pairs.h"
#include "vfs/legacy/recovered_image.h"

namespace actorkv {

// SchemaTable: a table by its name and the text that sqlite_schema has of it.
// One with another text is another table.
struct SchemaTable {
  std::string name;
  std::string sql;
};

struct RemainingDatabase {
  // The database without the tables; null: it has none of them, and is as it
  // is.
  std::unique_ptr<RecoveredImage> image;
  // True when nothing is left that anybody made: no schema, and no number in
  // the header.
  bool blank = false;
};

// Removes those of `tables` that the database in `pairs` has. The pairs are in
// layout 1, of a sound database without journal and WAL, and must outlive the
// result. `keep_on` is asked now and then; an error of it is the result.
// Errors: kCorruption; kNoSpace, kIOError of the pairs and the temporary file.
// REQUIRES: RegisterVfs() was called (vfs/actor/actor_vfs.h).
Status RemoveTables(PairReader* pairs, const std::vector<SchemaTable>& tables,
                    const std::function<Status()>& keep_on,
                    RemainingDatabase* remaining);

// Cuts the free pages at the end of a database without auto_vacuum off. Errors:
// kCorruption for a free list that is none, the database unchanged; of the
// file.
Status CutFreePages(LegacyView* main);

}  // namespace actorkv

#endif  // ACTORKV_VFS_LEGACY_TABLE_REMOVAL_H_
