// Which pages of a legacy database are not stored, and whether that is as it
// should be.
//
// SQLite never writes a page that is allocated and freed again in one
// transaction: such a page is a leaf of the free list, and nobody reads it. Any
// other page inside the database was written at some time, so its chunks must
// be there. quick_check alone does not find a lost page at the end of an
// overflow chain: zeros are a good end.
//
// The page count is not trusted: it is checked against what is stored before
// anything loops over it or allocates by it.

#ifndef ACTORKV_VFS_LEGACY_HOLES_H_
#define ACTORKV_VFS_LEGACY_HOLES_H_

#include <cstdint>
#include <functional>

#include "kv/status.h"
#include "vfs/legacy_view.h"

namespace actorkv {

// The size of a database as SQLite sees it (btree.c lockBtree, 3.40.1).
struct LegacyDatabase {
  uint32_t page_size = 0;   // bytes; 0 when page_count is 0
  uint32_t page_count = 0;  // of the header where it is valid, else of the size
  uint32_t usable_bytes = 0;  // of a page
  uint32_t free_count = 0;    // pages of the free list, as the header says
  uint32_t first_trunk = 0;   // of the free list
  uint8_t write_version = 0;
  uint8_t read_version = 0;
};

// Errors: kCorruption when the file is not empty and has no valid header.
Status ReadLegacyDatabase(LegacyView* main, LegacyDatabase* database);

// *missing_count: pages of which a chunk is not stored. `keep_on` is asked now
// and then. Errors: kCorruption when they are not all leaves of the free list,
// with the figures.
Status CheckLegacyHoles(LegacyView* main, const LegacyDatabase& database,
                        const std::function<Status()>& keep_on,
                        uint64_t* missing_count);

}  // namespace actorkv

#endif  // ACTORKV_VFS_LEGACY_HOLES_H_
