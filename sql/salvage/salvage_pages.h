// SalvagePages: the pages of a database of which some are missing or damaged.
//
// Belongs to one thread at a time.

#ifndef ACTORKV_SQL_SALVAGE_SALVAGE_PAGES_H_
#define ACTORKV_SQL_SALVAGE_SALVAGE_PAGES_H_

#include "kv/base/status.h"
#include "kv/base/types.h"

namespace actorkv {

class SalvagePages {
 public:
  virtual ~SalvagePages() = default;

  virtual uint32_t page_size() const = 0;
  virtual PageNo page_count() const = 0;

  // Reads a page, page_size() bytes. *sound is false where it is missing or
  // damaged: then it is zeros, or of a legacy page what is left of it. The lock
  // page is sound, and zeros. Errors: those after which nothing can be said of
  // the page: kIOError, and kConflict where the version has expired.
  // REQUIRES: 1 <= pgno <= page_count().
  virtual Status Read(PageNo pgno, char* page, bool* sound) = 0;

  // Says whether the work may go on, and whether what was read so far is of the
  // version. To be asked now and then. Errors: kInterrupted; kConflict.
  virtual Status KeepOn() = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_SALVAGE_SALVAGE_PAGES_H_
