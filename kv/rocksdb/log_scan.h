// These functions learn without RocksDB what a log of it holds, and mend a log
// whose end is torn.
//
// RocksDB replays a log up to the first record that does not verify. That is
// not enough here: a log lies in blocks of zeros
// (kv/rocksdb/rocksdb_log_file.h), and where a power loss leaves zeros in the
// place of a record, RocksDB skips the rest of its block without a word and
// goes on with the next one. And what it does not replay it removes, also where
// a record in the middle has decayed and thousands of good ones lie behind it.
//
// The format (RocksDB 7.8, db/log_format.h; that of LevelDB): blocks of 32
// KiB; in a block physical records, and at its end up to 6 bytes of zeros.
//
//   crc32c(4, masked) | length(2) | type(1) | payload        little-endian
//
// type 1 is a whole record, 2, 3 and 4 are the first, a middle and the last
// part of one that spans blocks. Types 5 to 8 are the same with the number of
// the log (4) before the payload; higher types are metadata.

#ifndef ACTORKV_KV_ROCKSDB_LOG_SCAN_H_
#define ACTORKV_KV_ROCKSDB_LOG_SCAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "kv/base/status.h"

namespace actorkv {

struct LogScan {
  uint64_t end_bytes = 0;  // the whole records before the first bad one
  // The bytes without the zeros at the end; the same as end_bytes in a sound
  // log.
  uint64_t used_bytes = 0;
  // Records behind the first bad one whose beginning verifies. A write that a
  // power loss cut short leaves none; a decayed record, or a power loss in the
  // middle of writes that were not synced, may.
  uint64_t stranded_count = 0;
};

// Errors: kIOError.
Status ScanLog(const std::string& path, LogScan* scan);

// FoundLog: a log as it was found, before anything is done about it.
struct FoundLog {
  std::string name;  // "000012.log"
  uint64_t size_bytes = 0;
  LogScan scan;
};

// Scans all logs in `directory`, by name. Errors: kIOError.
Status ScanLogs(const std::string& directory, std::vector<FoundLog>* logs);

// The name, in the directory of the store, of what is kept from behind a bad
// record: "actorkv.stranded-000012.log-81920".
inline constexpr char kStrandedPrefix[] = "actorkv.stranded-";

// Cuts each of the logs behind its last whole record before the first bad one,
// so that what is replayed is always a prefix of what was written. Where whole
// records lie behind, they are kept in a file of their own first. Removes empty
// logs, but for the newest: RocksDB leaves one behind each time that it is open
// and nothing is flushed, and reads all of them at each open. `logs`: as
// ScanLogs() found them. REQUIRES: nobody has the database open. Errors:
// kIOError, kNoSpace.
Status MendLogs(const std::string& directory,
                const std::vector<FoundLog>& logs);

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_LOG_SCAN_H_
