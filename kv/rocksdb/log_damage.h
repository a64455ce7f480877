// These functions find what is gone of a store's logs, and write it down.
//
// Acknowledged commits that are in the log alone are lost with it, and what is
// left opens as a store of an earlier moment. That cannot be mended, but it is
// told: to whoever opens the store next, and in a file of ours until somebody
// removes that. Known are
//
//  - whole records behind a bad one (kv/rocksdb/log_scan.h);
//  - after a clean close: any change of any log (kv/rocksdb/log_seal.h);
//  - after the death of the process, in the same boot: whatever is missing of
//    what was synced (kv/rocksdb/log_marks.h).
//
// Not known is what a damaged disk takes from the end of a log in a power loss:
// it looks like a write that was never finished.

#ifndef ACTORKV_KV_ROCKSDB_LOG_DAMAGE_H_
#define ACTORKV_KV_ROCKSDB_LOG_DAMAGE_H_

#include <string>
#include <vector>

#include "kv/base/status.h"
#include "kv/engine/engine.h"
#include "kv/rocksdb/log_scan.h"
#include "kv/rocksdb/log_seal.h"

namespace actorkv {

// "actorkv.lost-000012.log": what is missing of that log, for people.
inline constexpr char kLostPrefix[] = "actorkv.lost-";

// Compares the logs with the seal, else with the marks. Errors: kIOError.
Status FindBreaches(const std::string& directory,
                    const std::vector<FoundLog>& logs,
                    std::vector<LogBreach>* breaches);

// Drops the breaches of logs with whole records behind a bad one: these records
// are kept, and so told of, when the log is cut (kv/rocksdb/log_scan.h).
void DropStranded(const std::vector<FoundLog>& logs,
                  std::vector<LogBreach>* breaches);

// Adds breaches for whole records behind a bad one, in their place, for whoever
// opens only to read.
void AddStranded(const std::vector<FoundLog>& logs,
                 std::vector<LogBreach>* breaches);

// Returns kCorruption, with what is missing and what to do. REQUIRES: there are
// breaches.
Status DamagedLogs(const std::string& directory,
                   const std::vector<LogBreach>& breaches);

// Writes each breach down in a file of `directory`, durably, before the logs
// are replayed and removed. Errors: kIOError, kNoSpace.
Status NoteBreaches(const std::string& directory,
                    const std::vector<LogBreach>& breaches);

// DirectoryNames: a directory as people call it, and as it is found
// (kv/files/opened_directory.h).
struct DirectoryNames {
  std::string path;
  std::string work_path;
};

// Lists the damage that is written down in the directory. Errors: kIOError.
Status ListLogDamage(const DirectoryNames& directory,
                     std::vector<EngineDamage>* damage);

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_LOG_DAMAGE_H_
