// LogFileSystem: RocksDB's log in blocks that were written before.
//
// A sync of a file that grows also waits for the file system's journal; a sync
// of blocks that exist does not, and takes two thirds of the time
// (kv/decisions/005-log-over-prepared-blocks.md). So a log is filled with zeros
// some way ahead of its end (kv/rocksdb/rocksdb_log_zeros.h), and records are
// written over the zeros. RocksDB's log reader takes zeros for the end of the
// log. Bulk writes are not prepared for (kBulkAppendBytes).
//
// A record that will be synced at once is written in whole blocks by direct
// I/O, past the cache of the operating system, where the file system can do
// that; the block that it shares with the record before it is written again,
// with the same bytes. Any other record goes through the cache.
//
// Invariants:
//  1. Behind the last record in a log there are zeros, never old content: a
//     reader cannot take them for a record.
//  2. A record is given to the operating system before Append() returns, or
//     where its writer will sync it (SyncedWrite) before Sync() returns. So the
//     death of the process loses none that was acknowledged, synced or not.
//  3. Preparing never fails an append: where there is no room for zeros, the
//     log grows with its records.
//
// Every other file is as the file system below makes it.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_LOG_FILE_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_LOG_FILE_H_

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>

namespace actorkv {

class LogMarks;

// An append as large as this is of a bulk write. Zeros ahead of it would double
// what is written, and wait for a sync that nobody asked for; so the log grows
// with it, and is prepared again at the next small one.
inline constexpr uint64_t kBulkAppendBytes = 64 << 10;

// `marks` (kv/rocksdb/log_marks.h) learns how far each log is on the disk;
// null: nobody wants to know.
std::shared_ptr<rocksdb::FileSystem> NewLogFileSystem(
    const std::shared_ptr<rocksdb::FileSystem>& base,
    std::shared_ptr<LogMarks> marks);

// While it lives, what this thread appends to a log is followed by a Sync() of
// that log, or by an error to whoever wrote it.
class SyncedWrite {
 public:
  SyncedWrite();
  ~SyncedWrite();
  SyncedWrite(const SyncedWrite&) = delete;
  SyncedWrite& operator=(const SyncedWrite&) = delete;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_LOG_FILE_H_
