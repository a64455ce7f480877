// CheckLegacyWal() says what SQLite did with the WAL of a legacy database, for
// the record, and whether it saw all of it.
//
// SQLite applies the WAL up to the last commit frame that it can reach by salts
// and checksums, and drops the rest (SQLite database file format, section 4
// "The Write-Ahead Log"). A crash cuts only the end short. A missing chunk with
// a commit behind it means that pairs were lost, and with them committed
// transactions.
//
//   offset  bytes  WAL header (big-endian)
//        0      4  377f0682 or 377f0683
//        8      4  page size
//       16      8  salts
//
//   offset  bytes  header of a frame, which a page follows
//        0      4  page number
//        4      4  page count after the commit; 0: not a commit
//        8      8  salts

#ifndef ACTORKV_VFS_LEGACY_LEGACY_WAL_H_
#define ACTORKV_VFS_LEGACY_LEGACY_WAL_H_

#include <cstdint>

#include "kv/base/status.h"
#include "kv/rivet/legacy_file.h"

namespace actorkv {

constexpr uint64_t kWalHeaderBytes = 32;
constexpr uint64_t kWalFrameHeaderBytes = 24;

// Checks a WAL of which `frame_count` frames were applied. *transaction_count:
// commits among them. Errors: kCorruption when a commit lies behind a missing
// chunk.
Status CheckLegacyWal(LegacyFile* wal, uint32_t frame_count,
                      uint64_t* transaction_count);

}  // namespace actorkv

#endif  // ACTORKV_VFS_LEGACY_LEGACY_WAL_H_
