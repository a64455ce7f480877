// LegacyHoles: finds which pages of a legacy database are not stored, and says
// whether that is as it should be.
//
// SQLite never writes a page that is allocated and freed again in one
// transaction: such a page is a leaf of the free list, and nobody reads it. Any
// other page inside the database was written at some time, so its chunks must
// be there. quick_check alone does not find a lost page at the end of an
// overflow chain: zeros are a good end.
//
// The page count is not trusted: it is checked against what is stored before
// anything loops over it or allocates by it.

#ifndef ACTORKV_VFS_LEGACY_LEGACY_HOLES_H_
#define ACTORKV_VFS_LEGACY_LEGACY_HOLES_H_

#include <cstdint>
#include <functional>
#include <string>

#include "kv/base/status.h"
#include "kv/base/types.h"
#include "kv/rivet/legacy_file.h"
#include "vfs/legacy/legacy_view.h"

namespace actorkv {

// LegacyDatabase: the size of a database as SQLite sees it (btree.c lockBtree,
// 3.40.1).
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

// A LegacyHoles belongs to one thread at a time.
class LegacyHoles {
 public:
  // `main` must outlive the object, and not change any more.
  LegacyHoles(LegacyView* main, const LegacyDatabase& database)
      : main_(main), database_(database) {}

  // Looks at a chunk of the database that is about to be read, so that whoever
  // reads all of it, from front to back, need not do so twice.
  Status Pass(uint32_t chunk_index);

  // Looks at all chunks, unless all were passed. *missing_count: pages of which
  // a chunk is not stored. `keep_on` is asked now and then. Errors: kCorruption
  // when they are not all leaves of the free list, with the figures.
  Status Check(const std::function<Status()>& keep_on, uint64_t* missing_count);

 private:
  uint64_t end() const {
    return uint64_t{database_.page_count} * database_.page_size;
  }
  // The number of chunks that a page, or a part of one, takes.
  uint32_t chunks_per_page() const;
  Status KeepOn();
  void CountChunk(const LegacyFile::Chunk& chunk);
  Status CountAll();
  Status CountMissing();
  Status IsMissing(PageNo pgno, bool* missing);
  Status ReadTrunk(PageNo pgno, std::string* page);
  Status Refuse(const std::string& why) const;
  Status Explain();

  LegacyView* const main_;
  const LegacyDatabase database_;
  std::function<Status()> keep_on_;
  uint32_t looks_ = 0;
  uint64_t passed_ = 0;       // chunks, from the first on
  PageNo page_ = 0;           // whose chunks are being counted
  uint32_t page_chunks_ = 0;  // its chunks so far
  uint64_t stored_chunk_count_ = 0;
  uint64_t stored_pages_ = 0;
  uint64_t missing_count_ = 0;
};

// Says "3 free pages that were never written read as zeros".
std::string UnwrittenPages(uint64_t page_count);

}  // namespace actorkv

#endif  // ACTORKV_VFS_LEGACY_LEGACY_HOLES_H_
