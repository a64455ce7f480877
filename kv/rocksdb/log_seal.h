// The seal, a file of ours (actorkv.closed), says what the logs of a store held
// when it was closed: the next open compares the logs with it.
//
// RocksDB replays the logs that it finds, up to the first bad record. One that
// was cut, emptied, removed or put in the place of another gives an older
// store, and no error.
//
// The seal is text, in lines:
//
//   actorkv closed, format 1
//   manifest MANIFEST-000012 4711
//   log 000013.log 8192 0123456789abcdef
//   check 0123456789abcdef
//
// "manifest" is the one that CURRENT names, and its size in bytes. There is a
// "log" for each log that is not empty: its name, its size in bytes, and the
// hash of its last 32 KiB. "check" is the hash of all lines before. Hashes are
// XXH3 with seed 0, in hexadecimal.
//
// Invariants:
//  1. A seal counts only while CURRENT names that manifest, of that size. Each
//     open for writing makes another one before it removes a log, so no seal
//     is held against logs that changed after it in the normal way.
//     A log that such an open had begun when its process died holds no
//     operation yet, and is not held against the seal either.
//  2. A seal that was not written to its end does not verify, and counts as
//     none.

#ifndef ACTORKV_KV_ROCKSDB_LOG_SEAL_H_
#define ACTORKV_KV_ROCKSDB_LOG_SEAL_H_

#include <string>
#include <vector>

#include "kv/base/status.h"
#include "kv/rocksdb/log_scan.h"

namespace actorkv {

inline constexpr char kLogSealFileName[] = "actorkv.closed";

// LogBreach: a log of which acknowledged records are gone.
struct LogBreach {
  std::string log;     // "000012.log"
  std::string detail;  // what is missing, for people
};

// Writes the seal, durably. REQUIRES: the database was closed, and its logs
// are on the disk. Errors: kIOError, kNoSpace; then there is no seal.
Status SealLogs(const std::string& directory);

// Compares `logs`, all that there are, with the seal. *sealed: there is one
// that counts. Errors: kIOError.
Status FindSealBreaches(const std::string& directory,
                        const std::vector<FoundLog>& logs, bool* sealed,
                        std::vector<LogBreach>* breaches);

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_LOG_SEAL_H_
