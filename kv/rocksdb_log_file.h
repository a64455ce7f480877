// LogFileSystem: RocksDB's log in blocks that were written before.
//
// A sync of a file that grows also waits for the file system's journal; a sync
// of blocks that exist does not, and takes two thirds of the time
// (kv/README.md). So a log is filled with zeros some way ahead of its end, and
// records are written over the zeros. RocksDB's log reader takes zeros for the
// end of the log. Bulk writes are not prepared for (kBulkAppendBytes).
//
// Invariants:
//  1. What lies behind the last record in a log is zeros, never old content: a
//     reader cannot take it for a record.
//  2. A record is given to the operating system before Append() returns, so
//     the death of the process loses none, synced or not.
//  3. Preparing never fails an append: where there is no room for zeros, the
//     log grows with its records.
//
// Every other file is as the file system below makes it.

#ifndef ACTORKV_KV_ROCKSDB_LOG_FILE_H_
#define ACTORKV_KV_ROCKSDB_LOG_FILE_H_

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <string>

namespace actorkv {

// A log begins with this many bytes prepared, and is extended by as much as
// it has, within these bounds: a small store stays small, and a busy one stops
// for it once in thousands of commits.
inline constexpr uint64_t kMinPreparedLogBytes = 256 << 10;
inline constexpr uint64_t kMaxPreparedLogBytes = 8 << 20;

// And by no more than one part in so many of what is free. Commits are refused
// when what the write buffers hold, and a reserve, would not fit on the disk
// any more (space_reserve.h); zeros must not take that room, or no flush could
// give space back. The reserve is 5 % of a small disk; where a sixteenth of
// what is free is more, over 80 % are free, and the buffers, which lie in the
// log as well, are smaller than that.
inline constexpr uint64_t kFreeBytesForOnePrepared = 16;

// An append as large as this is of a bulk write. Zeros ahead of it would double
// what is written, and wait for a sync that nobody asked for; so the log grows
// with it, and is prepared again at the next small one.
inline constexpr uint64_t kBulkAppendBytes = 64 << 10;

std::shared_ptr<rocksdb::FileSystem> NewLogFileSystem(
    std::shared_ptr<rocksdb::FileSystem> base);

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_LOG_FILE_H_
