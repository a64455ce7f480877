// LogMarks: how far each log of a store is on the disk, in a file of ours
// (actorkv.logs) that the writer maps into memory, so that a mark costs no
// system call. After a kill the next open holds the logs against it: records
// that were synced and are gone are told (kv/rocksdb/log_damage.h).
//
// The file is 144 bytes, in the byte order of the machine, whose processes
// alone share it:
//
//   offset  bytes  field
//        0     16  id of the boot in which it was written (boot_id of Linux)
//       16     16  eight times: number of a log, 0 for none (8); bytes of it
//                  that were synced (8)
//
// It says nothing in another boot: after a power loss it may be older than the
// logs, and name one that was removed since.
//
// Invariants:
//  1. A mark is set after the sync that it speaks of, so it never says more
//     than what is on the disk.
//  2. A mark is taken away, durably, before its log is removed. So within one
//     boot a log that a mark names, and that is not there, was removed by
//     somebody else.
//
// Thread-safe.

#ifndef ACTORKV_KV_ROCKSDB_LOG_MARKS_H_
#define ACTORKV_KV_ROCKSDB_LOG_MARKS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"

namespace actorkv {

inline constexpr char kLogMarksFileName[] = "actorkv.logs";

class LogMarks {
 public:
  static constexpr size_t kSlots = 8;

  // The bytes of one log that were synced.
  struct Slot {
    std::atomic<uint64_t> log;
    std::atomic<uint64_t> end_bytes;
  };

  LogMarks() = default;
  ~LogMarks();
  LogMarks(const LogMarks&) = delete;
  LogMarks& operator=(const LogMarks&) = delete;

  // Has marks go to the file in `directory` from then on, which is made where
  // it is missing; marks of this boot that it has stay. Called again it does
  // nothing. Errors: kNoSpace, kIOError.
  Status Map(const std::string& directory);

  // Returns a slot for the log of this number, with nothing synced yet. Null
  // before Map(), and when all are taken: then nothing is known of that log.
  // Valid as long as this object.
  Slot* Take(uint64_t log);

  // Takes away the mark of a log that is about to be removed. False: that
  // cannot be done durably, so the log must stay.
  bool Remove(uint64_t log);

 private:
  struct File {
    std::array<uint8_t, 16> boot;
    std::array<Slot, kSlots> slots;
  };

  std::mutex mutex_;
  File* file_ = nullptr;  // mapped
};

struct LogMark {
  uint64_t log = 0;
  uint64_t end_bytes = 0;
};

// Reads the marks of this boot: none where there is no such file, or it was
// written in another boot. Errors: kIOError.
Status ReadLogMarks(const std::string& directory, std::vector<LogMark>* marks);

// The number in "000012.log"; 0 when it is no name of a log.
uint64_t LogNumber(std::string_view name);

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_LOG_MARKS_H_
